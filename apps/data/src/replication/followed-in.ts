/** Which slots a node follows, by the slot table. */

import { ALL_SLOTS, ownerOf, type Epoch, type SlotId, type SlotTable } from "@rollcall/core";

/** By leader, the slots to follow and the epochs they are led under. */
export function slotsFollowedIn(table: SlotTable, nodeId: string): Map<string, Map<SlotId, Epoch>> {
  const byLeader = new Map<string, Map<SlotId, Epoch>>();
  for (const slot of ALL_SLOTS) {
    const { leader, followers, leaderEpoch } = ownerOf(table, slot);
    if (leader === undefined || leader === nodeId || !followers.includes(nodeId)) continue;
    const slots = byLeader.get(leader);
    if (slots === undefined) byLeader.set(leader, new Map([[slot, leaderEpoch]]));
    else slots.set(slot, leaderEpoch);
  }
  return byLeader;
}
