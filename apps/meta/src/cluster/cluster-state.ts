/** What is told of the cluster, and what is only for meta to know. */

import type { ClusterState, Member, SlotTable } from "@rollcall/core";

import type { KnownMember } from "../membership/members.ts";
import type { MetaRecord } from "../store/meta-store.ts";

/** What a record says to those who do not decide. */
export function stateFromRecord({ clusterId, version, members, table, departed }: MetaRecord): ClusterState {
  return { clusterId, version, members: members.map(memberFromKnown), table, departed };
}

function memberFromKnown({ startId: _startId, ...member }: KnownMember): Member {
  return member;
}

/** Slots that another node leads than before. */
export function movesBetween(before: SlotTable, after: SlotTable): number {
  const moved = (slot: number): boolean => {
    const leader = before.owners[slot]?.leader;
    return leader !== undefined && leader !== after.owners[slot]?.leader;
  };
  return after.owners.filter((_, slot) => moved(slot)).length;
}
