/**
 * A warm copy's disk without a disk: what simulated nodes and tests write to. The disk is the object that outlives its
 * node; each life of the node opens it anew and gets a store of its own, so that a crashed node's leftovers reach nothing.
 */

import { RegistryError, serviceKeyFromText, type Clock, type SlotId, type Version } from "@rollcall/core";

import type { LoadReport, SlotWrite, StoredClaim, WarmBatch, WarmStore } from "./warm-store.ts";

interface SlotContent {
  version: Version | undefined;
  readonly claims: Map<string, SlotWrite["puts"][number]>;
}

export interface MemoryWarmDiskOptions {
  /** With a clock, a write is on its way for `writeMs` and lost if the node crashes meanwhile. */
  readonly clock?: Clock | undefined;
  readonly writeMs?: number | undefined;
}

export class MemoryWarmDisk {
  readonly #options: MemoryWarmDiskOptions;
  readonly #slots = new Map<SlotId, SlotContent>();
  #clusterId: string | undefined;
  #failure: string | undefined;
  /** The one store that reaches the disk. */
  #user: WarmStore | undefined;

  constructor(options: MemoryWarmDiskOptions = {}) {
    this.#options = options;
  }

  /** For the next life of the node. Whoever had it open is dead. */
  open(): WarmStore {
    let closed = false;
    const store: WarmStore = {
      load: (take) => this.#ifUsedBy(store, () => this.#load(take)),
      write: (batch) =>
        closed
          ? Promise.reject(new RegistryError("closed", "the warm copy's store is closed"))
          : this.#ifUsedBy(store, () => this.#write(batch, store)),
      close: () => {
        closed = true;
        return Promise.resolve();
      },
    };
    this.#user = store;
    return store;
  }

  /** The node is gone, and with it every write that was on its way. What it still asks for is never answered. */
  crash(): void {
    this.#user = undefined;
  }

  /** From now on every write fails, as on a full disk, until {@link mend}. */
  fail(reason: string): void {
    this.#failure = reason;
  }

  mend(): void {
    this.#failure = undefined;
  }

  #ifUsedBy<Result>(store: WarmStore, action: () => Promise<Result>): Promise<Result> {
    return store === this.#user ? action() : new Promise(() => {});
  }

  #load(take: (claim: StoredClaim) => void): Promise<LoadReport> {
    const versions = new Map<SlotId, Version>();
    let claims = 0;
    for (const [slot, content] of this.#slots) {
      if (content.version !== undefined) versions.set(slot, content.version);
      for (const { keyText, claim } of content.claims.values()) {
        take({ slot, key: serviceKeyFromText(keyText), keyText, claim });
        claims++;
      }
    }
    return Promise.resolve({ clusterId: this.#clusterId, claims, damaged: 0, versions, problem: undefined });
  }

  async #write(batch: WarmBatch, store: WarmStore): Promise<void> {
    const { clock, writeMs = 0 } = this.#options;
    await new Promise<void>((done) => {
      if (clock === undefined) done();
      else clock.setTimer(writeMs, done);
    });
    await this.#ifUsedBy(store, () => Promise.resolve());
    if (this.#failure !== undefined) throw new RegistryError("unavailable", this.#failure);
    if (batch.clusterId !== this.#clusterId) this.#slots.clear();
    this.#clusterId = batch.clusterId;
    for (const write of batch.slots) this.#writeSlot(write);
  }

  #writeSlot({ slot, emptied, puts, deletes, version }: SlotWrite): void {
    if (emptied) this.#slots.delete(slot);
    if (puts.length === 0 && deletes.length === 0 && version === undefined) return;
    const content = this.#slots.get(slot) ?? { version: undefined, claims: new Map() };
    this.#slots.set(slot, content);
    for (const name of deletes) content.claims.delete(identity(name.keyText, name));
    for (const put of puts) content.claims.set(identity(put.keyText, put.claim), put);
    content.version = version ?? content.version;
  }
}

function identity(keyText: string, claim: { readonly instanceId: string; readonly clientId: string }): string {
  return `${keyText} ${claim.instanceId} ${claim.clientId}`;
}
