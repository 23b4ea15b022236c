/**
 * Makes the record of the cluster durable, one write at a time. What changes while a write is on its way goes into the next
 * one, together. A write that fails leaves all as it was; whoever asks next tries again.
 */

import type { Log } from "@rollcall/core";

import type { Leadership, MetaRecord } from "../store/meta-store.ts";

export interface DurableRecordPorts {
  readonly log: Log;
  readonly leadership: Leadership;
  /** The record as it should be by now. */
  readonly next: () => MetaRecord;
  /** It is durable; `isLast` unless something has changed meanwhile. */
  readonly written: (record: MetaRecord, isLast: boolean) => void;
}

export class DurableRecord {
  readonly #ports: DurableRecordPorts;
  #phase: "idle" | "writing" | "writing, with more to come" | "failed" | "closed" = "idle";

  constructor(ports: DurableRecordPorts) {
    this.#ports = ports;
  }

  /** True while everything that was to be written is. */
  get isIdle(): boolean {
    return this.#phase === "idle";
  }

  get hasFailed(): boolean {
    return this.#phase === "failed";
  }

  /** Something has changed. */
  writeSoon(): void {
    if (this.#phase === "idle" || this.#phase === "failed") void this.#write();
    else if (this.#phase === "writing") this.#phase = "writing, with more to come";
  }

  close(): void {
    this.#phase = "closed";
  }

  async #write(): Promise<void> {
    const { leadership, log, next, written } = this.#ports;
    for (;;) {
      this.#phase = "writing";
      const record = next();
      try {
        await leadership.write(record);
      } catch (thrown) {
        if (this.#isClosed()) return;
        // What is not durable is not told to anyone.
        log.error("meta's store cannot be written; the cluster stays as it is", { reason: String(thrown) });
        this.#phase = "failed";
        return;
      }
      if (this.#isClosed()) return;
      const isLast = !this.#hasMore();
      if (isLast) this.#phase = "idle";
      written(record, isLast);
      if (isLast) return;
    }
  }

  // In functions of their own, for what a phase was before an await says nothing about afterwards.

  #isClosed(): boolean {
    return this.#phase === "closed";
  }

  #hasMore(): boolean {
    return this.#phase === "writing, with more to come";
  }
}
