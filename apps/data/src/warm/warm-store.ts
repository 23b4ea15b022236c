/**
 * What a data node keeps on disk of the slots it holds, and the port to where that lies. It is a copy: the sessions are
 * the truth, and all of it may be lost at any time at the price of lists that come back later after a restart of
 * everything. So nothing here is synced, a batch may be cut by a crash between two claims, and a damaged copy may show
 * a claim as it was earlier; but never a claim as nobody ever made it.
 */

import type { ClaimRecord, ServiceKey, SlotId, Version } from "@rollcall/core";

export interface StoredClaim {
  readonly slot: SlotId;
  readonly key: ServiceKey;
  readonly keyText: string;
  readonly claim: ClaimRecord;
}

/** What tells claims apart, within a slot. */
export interface ClaimName {
  readonly keyText: string;
  readonly instanceId: string;
  readonly clientId: string;
}

/** What becomes of one slot in a batch: the deletes and puts, which name different claims. */
export interface SlotWrite {
  readonly slot: SlotId;
  /** From this write on, its own content included, the slot is written as a whole. */
  readonly begins: boolean;
  /**
   * With this write all of it is there: what was kept before it began goes, its version as well. If it does not come to
   * that, what was written counts as changes of what was there before.
   */
  readonly ends: boolean;
  /** Instances may be views, good until `write` returns. */
  readonly puts: readonly { readonly keyText: string; readonly claim: ClaimRecord }[];
  readonly deletes: readonly ClaimName[];
  /** With this write every change of the slot up to this version is kept. Undefined leaves the version as it was. */
  readonly version: Version | undefined;
}

export interface WarmBatch {
  /** The cluster whose content this is. What is kept of any other is set aside first. */
  readonly clusterId: string;
  /** Each slot at most once. */
  readonly slots: readonly SlotWrite[];
}

export interface LoadReport {
  /** The cluster of which this is the content; undefined when there was nothing. */
  readonly clusterId: string | undefined;
  /** Claims that were taken. */
  readonly claims: number;
  /** Blocks of claims found damaged, which were left out. */
  readonly damaged: number;
  /** Of each slot that has content. Later changes may have been taken as well, never fewer unless there was damage. */
  readonly versions: ReadonlyMap<SlotId, Version>;
  /** Why the store does not hold what was taken, in words for an operator; everything is to be written anew. */
  readonly problem: string | undefined;
}

/**
 * Implementations are held to the same contract suite (test/warm-store-contract.ts). One call at a time, but for `close`.
 * A store that cannot be used is one too: it loads nothing and says why, and each write tries anew.
 */
export interface WarmStore {
  /** Reads everything there is, once, before the first write. Only what `take` throws is thrown. */
  load(take: (claim: StoredClaim) => void): Promise<LoadReport>;
  /**
   * Keeps the batch; a process that dies after that loses none of it, a machine may. When it rejects, anything may have
   * become of what was kept, of other slots too: the caller then empties and writes every slot anew.
   * @throws RegistryError `unavailable` with the reason: disk full, not writable, damaged.
   */
  write(batch: WarmBatch): Promise<void>;
  /** Bytes that are kept of the slot, what is out of date included; writing it as a whole leaves what it comes to. */
  bytesOf(slot: SlotId): number;
  /** Ends after the write that is under way. Closing twice is closing. */
  close(): Promise<void>;
}
