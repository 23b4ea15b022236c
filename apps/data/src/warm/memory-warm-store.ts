/**
 * A warm copy's disk without a disk: what simulated nodes and tests write to. The disk is the object that outlives its
 * node; each life of the node opens it anew and gets a store of its own, so that a crashed node's leftovers reach nothing.
 */

import { RegistryError, serviceKeyFromText, type Clock, type SlotId, type Version } from "@rollcall/core";

import type { LoadReport, SlotWrite, StoredClaim, WarmBatch, WarmStore } from "./warm-store.ts";

interface SlotContent {
  version: Version | undefined;
  readonly claims: Map<string, SlotWrite["puts"][number]>;
  /** While it is written as a whole: claims of before that have not come again. */
  outdated: Set<string>;
  /** Of all that was written since it was last written as a whole. */
  bytes: number;
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
          : this.#ifUsedBy(store, () => this.#write(keptOf(batch), store)),
      bytesOf: (slot) => this.#slots.get(slot)?.bytes ?? 0,
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

  #writeSlot({ slot, begins, ends, puts, deletes, version }: SlotWrite): void {
    const content: SlotContent = this.#slots.get(slot) ?? {
      version: undefined,
      claims: new Map(),
      outdated: new Set(),
      bytes: 0,
    };
    this.#slots.set(slot, content);
    if (begins) content.outdated = new Set(content.claims.keys());
    for (const name of deletes) content.claims.delete(identity(name.keyText, name));
    for (const put of puts) {
      const name = identity(put.keyText, put.claim);
      content.claims.set(name, put);
      content.outdated.delete(name);
      content.bytes += bytesOf(put);
    }
    if (ends) {
      for (const name of content.outdated) content.claims.delete(name);
      content.version = undefined;
      content.bytes = [...content.claims.values()].reduce((sum, put) => sum + bytesOf(put), 0);
    }
    content.version = version ?? content.version;
  }
}

/** What is written later is what the batch shows now. */
function keptOf({ clusterId, slots }: WarmBatch): WarmBatch {
  return { clusterId, slots: slots.map((write) => ({ ...write, puts: write.puts.map(keptPut) })) };
}

function keptPut({ keyText, claim }: SlotWrite["puts"][number]): SlotWrite["puts"][number] {
  return { keyText, claim: { ...claim, instance: claim.instance.slice() } };
}

function bytesOf({ keyText, claim }: SlotWrite["puts"][number]): number {
  return identity(keyText, claim).length + claim.session.length + claim.instance.length;
}

function identity(keyText: string, claim: { readonly instanceId: string; readonly clientId: string }): string {
  return `${keyText} ${claim.instanceId} ${claim.clientId}`;
}
