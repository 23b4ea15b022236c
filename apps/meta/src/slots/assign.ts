/**
 * Who leads which slot. Every slot with a live leader keeps it unless that leader has more than its share; what is
 * left over goes to whoever has least. So leaders differ by at most one slot, and no slot moves that need not.
 */

import { nextEpoch, type SlotOwner, type SlotTable, type Epoch } from "@rollcall/core";

export interface DataNodes {
  /** Node ids of the live data nodes, in any order. */
  readonly live: readonly string[];
  /** Those of them that have restarted since the table was made: their slots are empty and need a new leader epoch. */
  readonly restarted: ReadonlySet<string>;
}

/** The table for these nodes; the very same table when nothing has to change. */
export function assignSlots(table: SlotTable, nodes: DataNodes): SlotTable {
  const live = [...nodes.live].toSorted();
  const kept = keptLeaders(table, live);
  const leaders = fillGaps(kept, live);
  let changed = false;
  const owners = table.owners.map((owner, slot): SlotOwner => {
    const leader = leaders[slot];
    const same = leader === owner.leader && !(leader !== undefined && nodes.restarted.has(leader));
    if (same) return owner;
    changed = true;
    // A slot that loses its leader keeps its epoch, which says how far the next one has to go.
    const leaderEpoch: Epoch = leader === undefined ? owner.leaderEpoch : nextEpoch(owner.leaderEpoch);
    return { leader, followers: [], leaderEpoch };
  });
  return changed ? { epoch: nextEpoch(table.epoch), owners } : table;
}

/** The present leaders that may stay: live ones, up to their share. */
function keptLeaders(table: SlotTable, live: readonly string[]): (string | undefined)[] {
  const share = Math.floor(table.owners.length / Math.max(1, live.length));
  // When the slots do not divide evenly, as many nodes as there are left-over slots may keep one more.
  let mayKeepOneMore = table.owners.length - share * live.length;
  const count = new Map(live.map((nodeId) => [nodeId, 0]));
  return table.owners.map(({ leader }) => {
    const held = leader === undefined ? undefined : count.get(leader);
    if (leader === undefined || held === undefined) return undefined;
    if (held > share || (held === share && mayKeepOneMore === 0)) return undefined;
    if (held === share) mayKeepOneMore--;
    count.set(leader, held + 1);
    return leader;
  });
}

function fillGaps(kept: readonly (string | undefined)[], live: readonly string[]): (string | undefined)[] {
  const count = new Map(live.map((nodeId) => [nodeId, 0]));
  for (const leader of kept) if (leader !== undefined) count.set(leader, count.get(leader)! + 1);
  return kept.map((leader) => {
    if (leader !== undefined || live.length === 0) return leader;
    const least = live.reduce((best, nodeId) => (count.get(nodeId)! < count.get(best)! ? nodeId : best));
    count.set(least, count.get(least)! + 1);
    return least;
  });
}
