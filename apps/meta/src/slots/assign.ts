/**
 * Who leads and who follows which slot. First what is broken is mended: a slot whose leader is gone goes to the follower
 * that has all of it, so that no data has to be gathered anew, and followers that are gone are replaced. Only then, and a
 * few slots at a time, draining nodes are rid of theirs, and leads and follows are made even (see rebalance.ts). A slot
 * that need not move does not.
 */

import { ALL_SLOTS, type SlotId, type SlotTable } from "@rollcall/core";

import { rebalance } from "./rebalance.ts";
import { TableDraft, type DataNode } from "./table-draft.ts";

export type { DataNode } from "./table-draft.ts";

export interface AssignOptions {
  /** Copies of a slot: its leader and `replicas` - 1 followers, as far as there are nodes for them. */
  readonly replicas: number;
  /** With fewer live data nodes than this nobody is given what the others had: it may be meta that is cut off. */
  readonly dataNodesMin: number;
  /** Slots that may be on the move at once. */
  readonly movesMax: number;
  /** False while nothing is to be moved to make things even; true by default. What is draining moves all the same. */
  readonly evens?: boolean;
}

/**
 * As many slots as may be on their way from one node to another. Each is copied in full and then taken over, in some
 * milliseconds; more at once would make sessions wait for many slots at the same time.
 */
export const MOVES_MAX = 64;

export interface Assignment {
  readonly table: SlotTable;
  /**
   * Leads or follows are being made even. That begins when they differ by more than a tenth and goes on until they
   * differ by at most one.
   */
  readonly balancing: boolean;
}

/**
 * One round: the next table for these nodes, or the very same table when nothing is to be done. What a round leaves, the
 * next one does, when followers have reported that they are synced.
 */
export function assignSlots(
  { table, balancing }: Assignment,
  nodes: readonly DataNode[],
  { replicas, dataNodesMin, movesMax, evens = true }: AssignOptions,
): Assignment {
  const draft = new TableDraft(table, nodes);
  if (nodes.length < dataNodesMin || nodes.length === 0) {
    for (const slot of ALL_SLOTS) {
      const leader = draft.node(draft.leaderOf(slot));
      if (leader?.restarted) draft.lead(slot, leader.nodeId);
    }
    return { table: draft.table(), balancing };
  }
  const followers = Math.min(replicas, draft.staying.length) - 1;
  const wasBroken = mendLeaders(draft);
  mendFollowers(draft, followers);
  // Who led before goes on undisturbed until the others have been taken over.
  if (wasBroken) return { table: draft.table(), balancing };
  const wantsMore = rebalance(draft, { followers, movesMax, exactly: balancing, evens });
  return { table: draft.table(), balancing: evens ? wantsMore : balancing };
}

/**
 * Gives every slot a live leader that knows what it leads, the slots with the least choice first. True when there was a
 * slot without.
 */
function mendLeaders(draft: TableDraft): boolean {
  const broken = ALL_SLOTS.filter((slot) => draft.node(draft.leaderOf(slot))?.restarted ?? true);
  const choices = broken.map((slot) => ({ slot, candidates: candidatesFor(draft, slot) }));
  for (const slot of broken) draft.vacate(slot);
  for (const { slot, candidates } of choices.toSorted((one, other) => one.candidates.length - other.candidates.length))
    draft.lead(
      slot,
      leastOf(candidates, (nodeId) => draft.leadsOf(nodeId)),
    );
  return broken.length > 0;
}

/** Equally good leaders for a slot that needs one: the best that there are. */
function candidatesFor(draft: TableDraft, slot: SlotId): readonly string[] {
  const followers = draft.followersOf(slot).filter((nodeId) => draft.node(nodeId) !== undefined);
  const unbroken = followers.filter((nodeId) => draft.node(nodeId)?.restarted === false);
  const synced = unbroken.filter((nodeId) => draft.isSynced(slot, nodeId));
  if (synced.length > 0) return preferStaying(draft, synced);
  if (unbroken.length > 0) return preferStaying(draft, unbroken);
  // From here on whoever leads has at best a warm copy, and most likely the one who led before.
  const before = draft.node(draft.leaderBefore(slot));
  if (before !== undefined) return [before.nodeId];
  if (followers.length > 0) return preferStaying(draft, followers);
  return draft.staying.map(({ nodeId }) => nodeId);
}

/** Those of the nodes that are not draining; all when all are. */
function preferStaying(draft: TableDraft, nodeIds: readonly string[]): readonly string[] {
  const staying = nodeIds.filter((nodeId) => !draft.isDraining(nodeId));
  return staying.length > 0 ? staying : nodeIds;
}

/** Replaces followers that are gone, so that leads and follows stay even, also when any one leader dies. */
function mendFollowers(draft: TableDraft, wanted: number): void {
  for (const slot of ALL_SLOTS)
    draft.keepFollowers(slot, (nodeId) => draft.node(nodeId) !== undefined && nodeId !== draft.leaderOf(slot));
  for (let count = 0; count < wanted; count++)
    for (const slot of ALL_SLOTS) {
      if (draft.followersOf(slot).length > count) continue;
      draft.addFollower(slot, followerFor(draft, slot));
    }
}

function followerFor(draft: TableDraft, slot: SlotId): string {
  const leader = draft.leaderOf(slot)!;
  const free = draft.staying.filter(({ nodeId }) => nodeId !== leader && !draft.followersOf(slot).includes(nodeId));
  const steady = free.filter((node) => node.steady);
  const nodeIds = (steady.length > 0 ? steady : free).map(({ nodeId }) => nodeId);
  return leastOf(nodeIds, (nodeId) => draft.load.of(leader, nodeId));
}

/** The first of those with the least load. */
function leastOf(nodeIds: readonly string[], load: (nodeId: string) => number): string {
  return nodeIds.reduce((best, nodeId) => (load(nodeId) < load(best) ? nodeId : best));
}
