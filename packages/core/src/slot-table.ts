/** The slot table: which node leads each slot, and at which epochs. Meta issues it, everyone else only reads it. */

import { assert } from "./assert.ts";
import type { SlotId } from "./slot.ts";
import { SLOT_COUNT } from "./slot.ts";
import { epoch, type Epoch } from "./version.ts";

export interface SlotOwner {
  /** Node id of the leader; undefined while no data node is there to lead. */
  readonly leader: string | undefined;
  readonly followers: readonly string[];
  /** Grows each time the leader changes, and outlives leaders: a slot without one keeps the last epoch it had. */
  readonly leaderEpoch: Epoch;
}

export interface SlotTable {
  /** Grows with every change of the table. */
  readonly epoch: Epoch;
  /** Exactly {@link SLOT_COUNT} owners, by slot number. */
  readonly owners: readonly SlotOwner[];
}

export const EMPTY_SLOT_TABLE: SlotTable = {
  epoch: epoch(0),
  owners: Array.from({ length: SLOT_COUNT }, () => ({ leader: undefined, followers: [], leaderEpoch: epoch(0) })),
};

export function ownerOf(table: SlotTable, slot: SlotId): SlotOwner {
  const owner = table.owners[slot];
  assert(owner !== undefined, `the slot table has ${SLOT_COUNT} owners`);
  return owner;
}

/**
 * How a data node answers an access to a slot. Everything but `accepted` carries the answering node's epochs, so the
 * caller can tell whose table is the older one.
 */
export type SlotAccess =
  | { readonly kind: "accepted" }
  /** This node does not lead the slot: look for a newer table. */
  | { readonly kind: "moved"; readonly tableEpoch: Epoch; readonly leaderEpoch: Epoch }
  /** This node is taking the slot over: writes are taken, reads must wait. */
  | { readonly kind: "migrating"; readonly tableEpoch: Epoch; readonly leaderEpoch: Epoch }
  /** The two sides hold different epochs of the slot: the older side needs a newer table. */
  | { readonly kind: "stale"; readonly tableEpoch: Epoch; readonly leaderEpoch: Epoch };

/**
 * Whether `next` may follow `current` on a node. Epochs never go back: an older table is one that was late.
 * @throws when `next` is newer but lowers a slot's leader epoch, which no correct meta can issue.
 */
export function mayFollow(current: SlotTable, next: SlotTable): boolean {
  if (next.epoch <= current.epoch) return false;
  for (const [slot, owner] of next.owners.entries()) {
    const before = current.owners[slot];
    assert(before === undefined || owner.leaderEpoch >= before.leaderEpoch, `leader epoch of slot ${slot} went back`);
  }
  return true;
}
