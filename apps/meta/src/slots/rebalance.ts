/**
 * Takes their slots from draining nodes, and makes leads and follows even, without a moment in which a slot is held by
 * fewer nodes than it should be: a lead moves only to a follower that has the whole slot. Where there is none, the node
 * that has too little first follows the slot, beside the others; when it is synced it is promoted, and when enough of the
 * others are synced with their new leader the one too many is dropped, a draining one before any other. The table alone
 * says where each slot stands on this way, so that a meta that restarts goes on from there.
 *
 * It ends: a lead only goes from a node above its share to one below it, and follows are moved only when no lead is.
 */

import { ALL_SLOTS, type SlotId } from "@rollcall/core";

import { FollowLoad } from "./follow-load.ts";
import { leadShares, type LeadShares } from "./lead-shares.ts";
import type { DataNode, TableDraft } from "./table-draft.ts";

export interface RebalanceOptions {
  /** How many followers a slot has when it is not on the move. */
  readonly followers: number;
  readonly movesMax: number;
  /** Until the nodes differ by at most one slot. Otherwise nothing begins before they differ by more than a tenth. */
  readonly exactly: boolean;
  /** False when only draining nodes give anything. */
  readonly evens: boolean;
}

/** A difference not worth the moves, as a share of what a node has on average. */
const TOLERANCE = 0.1;

/** True when there is more to do, now or when followers have been synced. */
export function rebalance(draft: TableDraft, options: RebalanceOptions): boolean {
  if (draft.nodes.length < 2 || (!options.evens && !isAnyToDrain(draft))) return false;
  const room = new Room(draft, options);
  const moving = moveLeads(draft, room, options);
  const load = dropSurplus(draft, moving, options.followers);
  if (moving.size > 0) return true;
  return moveFollows(draft, room, load, options);
}

function isAnyToDrain(draft: TableDraft): boolean {
  const has = (nodeId: string): boolean => draft.leadsOf(nodeId) + draft.load.follows(nodeId) > 0;
  return draft.nodes.some(({ nodeId }) => draft.isDraining(nodeId) && has(nodeId));
}

/** How many slots may begin to move: those that are not yet where they go to, or not in full, take up room. */
class Room {
  readonly #taken: ReadonlySet<SlotId>;
  #left: number;

  constructor(draft: TableDraft, { followers, movesMax }: RebalanceOptions) {
    const onTheMove = (slot: SlotId): boolean =>
      draft.followersOf(slot).filter((nodeId) => !draft.isDraining(nodeId)).length > followers ||
      draft.followersOf(slot).some((nodeId) => !draft.isSynced(slot, nodeId));
    this.#taken = new Set(ALL_SLOTS.filter(onTheMove));
    this.#left = movesMax - this.#taken.size;
  }

  has(slot: SlotId): boolean {
    return this.#taken.has(slot);
  }

  /** Whether the slot may be moved: it already is on the move, or there is room for one more. */
  take(slot: SlotId): boolean {
    if (this.has(slot)) return true;
    if (this.#left <= 0) return false;
    this.#left--;
    return true;
  }
}

/** The slots that are given, or will be given, from a node that leads too many to one that leads too few. */
function moveLeads(draft: TableDraft, room: Room, { movesMax, exactly, evens }: RebalanceOptions): ReadonlySet<SlotId> {
  const moving = new Set<SlotId>();
  const shares = leadShares(draft);
  const isEven = !evens || shares.spread <= (exactly ? 1 : toleranceOf(shares.average));
  if (shares.draining === 0 && isEven) return moving;
  const gives = (leader: string): boolean => shares.tooMany.of(leader) > 0 && (evens || draft.isDraining(leader));
  // Where somebody follows in addition a move has begun: such slots come first.
  const slots = ALL_SLOTS.toSorted((one, other) => draft.followersOf(other).length - draft.followersOf(one).length);
  const settle = (slot: SlotId, from: string, to: string): void => {
    moving.add(slot);
    shares.tooMany.add(from, -1);
    shares.tooFew.add(to, -1);
  };

  let promotions = 0;
  for (const { slot, leader } of overloaded(draft, slots, gives, moving)) {
    const synced = draft.followersOf(slot).filter((nodeId) => draft.isSynced(slot, nodeId));
    const to = neediest(shares, synced) ?? successor(draft, shares, room, slot);
    if (to === undefined || promotions === movesMax || !room.take(slot)) continue;
    promotions++;
    draft.lead(slot, to);
    settle(slot, leader, to);
  }
  // A follower that is on its way to have it all will be promoted then.
  for (const { slot, leader } of overloaded(draft, slots, gives, moving)) {
    const to = neediest(
      shares,
      draft.followersOf(slot).filter((nodeId) => !draft.isSynced(slot, nodeId)),
    );
    if (to !== undefined) settle(slot, leader, to);
  }
  for (const { slot, leader } of overloaded(draft, slots, gives, moving)) {
    const strangers = draft.staying.map(({ nodeId }) => nodeId).filter((nodeId) => isStranger(draft, slot, nodeId));
    const to = neediest(shares, strangers);
    if (to === undefined || room.has(slot) || !room.take(slot)) continue;
    draft.addFollower(slot, to);
    settle(slot, leader, to);
  }
  return moving;
}

/**
 * Who leads a slot of a draining node that is on the move, and whose followers have all got their share meanwhile: the one
 * that leads least.
 */
function successor(draft: TableDraft, shares: LeadShares, room: Room, slot: SlotId): string | undefined {
  const followers = draft.followersOf(slot).filter((nodeId) => !draft.isDraining(nodeId));
  if (!draft.isDraining(draft.leaderOf(slot)) || !room.has(slot)) return undefined;
  if (neediest(shares, followers) !== undefined) return undefined;
  const synced = followers.filter((nodeId) => draft.isSynced(slot, nodeId));
  return synced.toSorted((one, other) => draft.leadsOf(one) - draft.leadsOf(other))[0];
}

/** Slots whose leader still has too many at the moment when it is their turn. */
function* overloaded(
  draft: TableDraft,
  slots: readonly SlotId[],
  gives: (leader: string) => boolean,
  moving: ReadonlySet<SlotId>,
): Generator<{ readonly slot: SlotId; readonly leader: string }> {
  for (const slot of slots) {
    const leader = draft.leaderOf(slot);
    if (leader !== undefined && !moving.has(slot) && gives(leader)) yield { slot, leader };
  }
}

function neediest({ tooFew }: LeadShares, nodeIds: readonly string[]): string | undefined {
  const needy = nodeIds.filter((nodeId) => tooFew.of(nodeId) > 0);
  if (needy.length === 0) return undefined;
  return needy.reduce((best, nodeId) => (tooFew.of(nodeId) > tooFew.of(best) ? nodeId : best));
}

function isStranger(draft: TableDraft, slot: SlotId, nodeId: string): boolean {
  return draft.leaderOf(slot) !== nodeId && !draft.followersOf(slot).includes(nodeId);
}

/**
 * Drops the followers too many, where enough of the others have the whole slot: draining ones, else the first ones of the
 * list.
 * @returns what each node follows, as if the rest had been dropped too
 */
function dropSurplus(draft: TableDraft, moving: ReadonlySet<SlotId>, wanted: number): FollowLoad {
  const load = new FollowLoad();
  for (const slot of ALL_SLOTS) for (const nodeId of draft.followersOf(slot)) load.add(draft.leaderOf(slot), nodeId, 1);
  for (const slot of ALL_SLOTS) {
    const leader = draft.leaderOf(slot)!;
    // Whoever follows a draining leader is there to succeed it.
    if (moving.has(slot) || draft.isDraining(leader)) continue;
    let kept = draft.followersOf(slot);
    while (kept.length > wanted) {
      // Decided when the one beside it was added: to decide it anew here, slot by slot, would go to and fro for ever.
      const dropped = kept.find((nodeId) => draft.isDraining(nodeId)) ?? kept[0]!;
      load.add(leader, dropped, -1);
      kept = kept.filter((nodeId) => nodeId !== dropped);
      // Without other followers it is the surplus one itself that shows that the leader is there.
      const witnesses = kept.length > 0 ? kept : [dropped];
      const synced = witnesses.filter((nodeId) => draft.isSynced(slot, nodeId));
      if (synced.length >= Math.max(1, wanted)) draft.keepFollowers(slot, (nodeId) => nodeId !== dropped);
    }
  }
  return load;
}

/** The one whom it relieves most not to follow this leader's slot any more. */
function busiestFollower(load: FollowLoad, leader: string, among: readonly string[]): string {
  return among.reduce((busiest, nodeId) => (load.of(leader, nodeId) > load.of(leader, busiest) ? nodeId : busiest));
}

/**
 * Lets nodes that follow too few slots follow some in addition; whoever follows too many is dropped there when they are
 * synced. True when more of this is to be done than there is room for.
 */
function moveFollows(
  draft: TableDraft,
  room: Room,
  load: FollowLoad,
  { followers, exactly, evens }: RebalanceOptions,
): boolean {
  const average = ALL_SLOTS.length / draft.staying.length;
  const isWorthIt = ({ mustMove, follows, pairs }: FollowMove): boolean => {
    if (mustMove || !evens) return mustMove;
    return exactly || follows > toleranceOf(average * followers) || pairs > Math.max(2, toleranceOf(average));
  };
  const best = (slots: readonly SlotId[]): FollowMove | undefined =>
    slots.reduce<FollowMove | undefined>((best, slot) => {
      const move = followMove(draft, slot, load, followers);
      if (move === undefined || !isWorthIt(move)) return best;
      return best === undefined || gainOf(move) > gainOf(best) ? move : best;
    }, undefined);

  const resting = ALL_SLOTS.filter((slot) => !room.has(slot));
  for (let move = best(resting); move !== undefined && room.take(move.slot); move = best(resting)) {
    const leader = draft.leaderOf(move.slot)!;
    draft.addFollower(move.slot, move.to, move.from);
    load.add(leader, move.from, -1);
    load.add(leader, move.to, 1);
  }
  return best(ALL_SLOTS) !== undefined;
}

interface FollowMove {
  readonly slot: SlotId;
  readonly from: string;
  readonly to: string;
  /** The one is draining. */
  readonly mustMove: boolean;
  /** By how many slots the one follows more than the other. */
  readonly follows: number;
  /** The same of the slots of this one's leader. */
  readonly pairs: number;
}

/** What is gained by a move that only changes places is nothing; what has to move comes before all that need not. */
function gainOf({ mustMove, follows, pairs }: FollowMove): number {
  return mustMove ? Infinity : follows + pairs - 2;
}

/** The move of a follow of the slot that gains most, if there is one that gains anything. */
function followMove(draft: TableDraft, slot: SlotId, load: FollowLoad, followers: number): FollowMove | undefined {
  const leader = draft.leaderOf(slot)!;
  const present = draft.followersOf(slot);
  if (present.length === 0 || present.length > followers) return undefined;
  const draining = present.find((nodeId) => draft.isDraining(nodeId));
  const from = draining ?? busiestFollower(load, leader, present);
  const steady = draft.staying.filter((node) => node.steady);
  const to =
    idlestStranger(draft, load, slot, steady) ??
    (draining === undefined ? undefined : idlestStranger(draft, load, slot, draft.staying));
  if (to === undefined) return undefined;
  const follows = load.follows(from) - load.follows(to);
  const pairs = load.pairs(leader, from) - load.pairs(leader, to);
  const move = { slot, from, to, mustMove: draining !== undefined, follows, pairs };
  return gainOf(move) > 0 ? move : undefined;
}

function idlestStranger(
  draft: TableDraft,
  load: FollowLoad,
  slot: SlotId,
  among: readonly DataNode[],
): string | undefined {
  const leader = draft.leaderOf(slot)!;
  let idlest: string | undefined;
  for (const { nodeId } of among)
    if (isStranger(draft, slot, nodeId) && (idlest === undefined || load.of(leader, nodeId) < load.of(leader, idlest)))
      idlest = nodeId;
  return idlest;
}

function toleranceOf(average: number): number {
  return Math.max(1, Math.floor(average * TOLERANCE));
}
