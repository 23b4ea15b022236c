/**
 * Keeps a copy of everything a data node holds, a moment behind, so that a restart of the whole cluster shows the lists
 * as they were while clients are still coming back. Writing happens off the way of registrations: what changes is only
 * marked, and LAG_MS after the first mark all marks become one round of batches, one batch on its way at a time. What is on
 * disk is thus what happened, one thing after the other; a slot of which most is out of date is written as a whole. When the
 * disk fails the node goes on without the copy, says so, and tries from time to time to write it anew as a whole.
 */

import { RegistryError, type Clock, type Log, type SlotId, type Timer } from "@rollcall/core";

import { WarmMarks, planBatches, type WarmClaim, type WarmSource } from "./warm-plan.ts";
import type { LoadReport, StoredClaim, WarmStore } from "./warm-store.ts";

/** How long changes are gathered, in milliseconds: what a crash may lose, plus the time of writing it. */
const LAG_MS = 200;

/** Pause before a failing disk is tried again, in milliseconds. */
const RETRY_MS = 10_000;

/** A slot may take so many times the bytes on disk that its claims come to, and so many more, before it is written anew. */
const OUTDATED_FACTOR = 3;
const OUTDATED_BYTES = 64 * 1_024;

/** The longest an orderly stop waits for the disk, in milliseconds. */
const FLUSH_MS = 2_000;

type CopyState =
  /** The cluster is not known yet: nothing is written. */
  | { readonly kind: "waiting" }
  | { readonly kind: "clean" }
  | { readonly kind: "gathering"; readonly timer: Timer }
  /** `since`: time of the oldest mark in this round. */
  | { readonly kind: "writing"; readonly since: number }
  | { readonly kind: "failed"; readonly timer: Timer }
  | { readonly kind: "stopped" };

export interface WarmCounts {
  readonly batches: number;
  /** Claims put and deleted. */
  readonly claims: number;
  /** Rounds that the disk ended. */
  readonly failures: number;
}

export class WarmCopy {
  readonly #store: WarmStore;
  readonly #source: WarmSource;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #marks = new WarmMarks();
  readonly #counts = { batches: 0, claims: 0, failures: 0 };
  #state: CopyState = { kind: "waiting" };
  #clusterId: string | undefined;
  #problem: string | undefined;
  /** Time of the oldest mark that no round has taken. */
  #markedAt: number | undefined;
  /** Who waits for everything to be written. While somebody does, nothing is gathered first. */
  #flushing: (() => void)[] = [];

  constructor(store: WarmStore, source: WarmSource, ports: { readonly clock: Clock; readonly log: Log }) {
    this.#store = store;
    this.#source = source;
    this.#clock = ports.clock;
    this.#log = ports.log;
  }

  /** Why there is no complete copy on disk; undefined when there is one, LAG_MS behind. */
  get problem(): string | undefined {
    return this.#problem;
  }

  get counts(): WarmCounts {
    return this.#counts;
  }

  /** How long the oldest change that is not on disk has waited, in milliseconds. */
  get lagMs(): number {
    const since = this.#state.kind === "writing" ? this.#state.since : this.#markedAt;
    return since === undefined ? 0 : this.#clock.now() - since;
  }

  /** Reads the copy as it was left. Whose cluster it was is in the report: hold it against the one that is joined. */
  async load(take: (claim: StoredClaim) => void): Promise<LoadReport> {
    const startedAt = this.#clock.now();
    const report = await this.#store.load(take);
    this.#clusterId = report.clusterId;
    this.#problem = report.problem;
    if (report.problem !== undefined) this.#marks.everything();
    const { claims, damaged } = report;
    this.#log.info("warm copy loaded", { claims, damaged, durationMs: Math.round(this.#clock.now() - startedAt) });
    return report;
  }

  /** From now on changes are written, as content of this cluster. */
  start(clusterId: string): void {
    if (this.#state.kind === "stopped") return;
    if (clusterId !== this.#clusterId) this.#markEverything();
    this.#clusterId = clusterId;
    if (this.#state.kind === "waiting") this.#settle();
  }

  /** Something about the claim is new, or it is no longer there. */
  changed(claim: WarmClaim): void {
    this.#marks.claim(claim);
    if (this.#markedAt === undefined) this.#marked();
  }

  /** The slot's content was replaced or dropped as a whole. */
  slotChanged(slot: SlotId): void {
    this.#marks.slot(slot);
    if (this.#markedAt === undefined) this.#marked();
  }

  /** Writes everything now. Resolves when that is done, has failed, or has taken FLUSH_MS. */
  async flush(): Promise<void> {
    if (this.#state.kind === "gathering") this.#state.timer.cancel();
    else if (this.#state.kind !== "writing") return;
    const done = new Promise<void>((resolve) => {
      const timer = this.#clock.setTimer(FLUSH_MS, resolve);
      this.#flushing.push(() => {
        timer.cancel();
        resolve();
      });
    });
    if (this.#state.kind === "gathering") this.#begin();
    await done;
  }

  /** Writes nothing more, but for a batch that is on its way. The store stays open. */
  stop(): void {
    if (this.#state.kind === "gathering" || this.#state.kind === "failed") this.#state.timer.cancel();
    this.#state = { kind: "stopped" };
    this.#flushed();
  }

  #markEverything(): void {
    this.#marks.everything();
    this.#markedAt ??= this.#clock.now();
  }

  #marked(): void {
    this.#markedAt = this.#clock.now();
    if (this.#state.kind === "clean") this.#settle();
  }

  /** Nothing is on its way: gathers, or is clean. */
  #settle(): void {
    if (this.#marks.isEmpty) {
      this.#state = { kind: "clean" };
      this.#flushed();
      return;
    }
    this.#markedAt ??= this.#clock.now();
    const delayMs = this.#flushing.length > 0 ? 0 : Math.max(0, this.#markedAt + LAG_MS - this.#clock.now());
    this.#state = { kind: "gathering", timer: this.#clock.setTimer(delayMs, () => this.#begin()) };
  }

  #begin(): void {
    this.#state = { kind: "writing", since: this.#markedAt ?? this.#clock.now() };
    void this.#writeRound();
  }

  async #writeRound(): Promise<void> {
    try {
      await this.#writeMarks();
    } catch (thrown) {
      this.#failed(RegistryError.fromUnknown(thrown).message);
      return;
    }
    if (this.#state.kind === "stopped") return;
    if (this.#problem !== undefined) this.#log.info("the warm copy is on disk again");
    this.#problem = undefined;
    this.#settle();
  }

  async #writeMarks(): Promise<void> {
    const marks = this.#marks.take();
    this.#markedAt = undefined;
    for (const slots of planBatches(marks, this.#source)) {
      await this.#store.write({ clusterId: this.#clusterId!, slots });
      this.#counts.batches++;
      for (const { puts, deletes } of slots) this.#counts.claims += puts.length + deletes.length;
      if (this.#state.kind === "stopped") return;
    }
    for (const slot of marks.keys()) if (this.#isOutdated(slot)) this.slotChanged(slot);
  }

  #isOutdated(slot: SlotId): boolean {
    return this.#store.bytesOf(slot) > OUTDATED_FACTOR * this.#source.bytesOf(slot) + OUTDATED_BYTES;
  }

  #failed(reason: string): void {
    this.#counts.failures++;
    if (this.#state.kind === "stopped") return;
    if (this.#problem === undefined) {
      this.#log.error("the warm copy cannot be written; after a restart of all nodes lists would be short at first", {
        reason,
        advice: "make room or make the folder writable; nothing need be restarted",
        retryMs: RETRY_MS,
      });
    }
    this.#problem = reason;
    if (this.#state.kind === "writing") this.#markedAt = this.#state.since;
    // What the disk holds now is in doubt.
    this.#markEverything();
    this.#state = { kind: "failed", timer: this.#clock.setTimer(RETRY_MS, () => this.#begin()) };
    this.#flushed();
  }

  #flushed(): void {
    for (const resolve of this.#flushing.splice(0)) resolve();
  }
}
