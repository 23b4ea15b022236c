/**
 * Which followers have which slots in full, as they said. What a follower said counts for the leader it said it of: under
 * another leader epoch it has to sync anew, and so has one that was taken off the slot and put back.
 */

import { ALL_SLOTS, ownerOf, type Epoch, type SlotId, type SlotTable } from "@rollcall/core";

export class SyncedSlots {
  /** By node id and slot: the leader epoch under which the slot was synced. */
  readonly #epochs = new Map<string, ReadonlyMap<SlotId, Epoch>>();

  /**
   * Takes a follower at its word, as far as the slot is still as it was told.
   * @param tables `told`: the one the follower had when it said so; `present`: the one meta has come to since
   * @returns false when it said nothing new
   */
  report(
    nodeId: string,
    synced: ReadonlySet<SlotId>,
    { told, present }: { readonly told: SlotTable; readonly present: SlotTable },
  ): boolean {
    const before = this.#epochs.get(nodeId);
    const followed = [...synced].filter((slot) => {
      const { followers, leaderEpoch } = ownerOf(told, slot);
      return followers.includes(nodeId) && holds(present, nodeId, slot, leaderEpoch);
    });
    const epochs = new Map(followed.map((slot) => [slot, ownerOf(told, slot).leaderEpoch]));
    this.#epochs.set(nodeId, epochs);
    return epochs.size !== (before?.size ?? 0) || followed.some((slot) => before?.get(slot) !== epochs.get(slot));
  }

  /** The node's memory is gone, or the node is. */
  forget(nodeId: string): void {
    this.#epochs.delete(nodeId);
  }

  /** Forgets what is not so any more by the table that is now in force. */
  prune(table: SlotTable): void {
    for (const [nodeId, epochs] of this.#epochs)
      this.#epochs.set(nodeId, new Map([...epochs].filter(([slot, epoch]) => holds(table, nodeId, slot, epoch))));
  }

  /** The slots that the node follows in full, by this table. */
  of(nodeId: string, table: SlotTable): ReadonlySet<SlotId> {
    const epochs = this.#epochs.get(nodeId) ?? new Map<SlotId, Epoch>();
    return new Set([...epochs].filter(([slot, epoch]) => holds(table, nodeId, slot, epoch)).map(([slot]) => slot));
  }

  /** How many slots have a follower that does not have all of it. */
  unsynced(table: SlotTable): number {
    const isSynced = (slot: SlotId, nodeId: string): boolean =>
      this.#epochs.get(nodeId)?.get(slot) === ownerOf(table, slot).leaderEpoch;
    return ALL_SLOTS.filter((slot) => !ownerOf(table, slot).followers.every((nodeId) => isSynced(slot, nodeId))).length;
  }
}

function holds(table: SlotTable, nodeId: string, slot: SlotId, epoch: Epoch): boolean {
  const { followers, leaderEpoch } = ownerOf(table, slot);
  return leaderEpoch === epoch && followers.includes(nodeId);
}
