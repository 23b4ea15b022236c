/** Data nodes as the assignment sees them, round after round, and what must hold in each round. */

import {
  ALL_SLOTS,
  EMPTY_SLOT_TABLE,
  assert,
  mayFollow,
  nextEpoch,
  ownerOf,
  type Epoch,
  type SlotId,
  type SlotOwner,
  type SlotTable,
} from "@rollcall/core";
import { assignSlots, type AssignOptions, type Assignment } from "../src/slots/assign.ts";

interface SimulatedNode {
  restarted: boolean;
  steady: boolean;
  draining: boolean;
  /** By slot, the leader epoch under which it was synced. */
  synced: Map<SlotId, Epoch>;
}

/** Rounds after which an assignment that still changes is taken for one that never stops. */
const ROUNDS_MAX = 100;

export class SlotWorld {
  readonly options: { -readonly [Option in keyof AssignOptions]: AssignOptions[Option] };
  readonly nodes = new Map<string, SimulatedNode>();
  assignment: Assignment = { table: EMPTY_SLOT_TABLE, balancing: false };
  /** Leads given from one live node to another, so far. */
  moves = 0;

  constructor(options: Partial<AssignOptions> = {}) {
    this.options = { replicas: 2, dataNodesMin: 1, movesMax: 64, ...options };
  }

  get table(): SlotTable {
    return this.assignment.table;
  }

  get live(): string[] {
    return [...this.nodes.keys()];
  }

  /** Those that may be given slots: all that are live when all are draining. */
  get staying(): string[] {
    const staying = this.live.filter((nodeId) => !this.nodes.get(nodeId)!.draining);
    return staying.length > 0 ? staying : this.live;
  }

  /** How many followers a slot has at rest. */
  get followers(): number {
    return Math.min(this.options.replicas, this.staying.length) - 1;
  }

  join(...nodeIds: readonly string[]): this {
    for (const nodeId of nodeIds)
      if (!this.nodes.has(nodeId))
        this.nodes.set(nodeId, { restarted: true, steady: true, draining: false, synced: new Map() });
    return this;
  }

  lose(nodeId: string): this {
    this.nodes.delete(nodeId);
    return this;
  }

  restart(nodeId: string): this {
    const node = this.nodes.get(nodeId);
    if (node !== undefined) Object.assign(node, { restarted: true, synced: new Map() });
    return this;
  }

  /** Followers get their slots in full, as far as `which` says so. */
  sync(which: (slot: SlotId, nodeId: string) => boolean = () => true): this {
    for (const slot of ALL_SLOTS)
      for (const nodeId of ownerOf(this.table, slot).followers)
        if (which(slot, nodeId)) this.nodes.get(nodeId)?.synced.set(slot, ownerOf(this.table, slot).leaderEpoch);
    return this;
  }

  /** One round; true when it changed the table. */
  round(): boolean {
    const before = this.table;
    const nodes = [...this.nodes].map(([nodeId, node]) => ({ ...node, nodeId, synced: this.#syncedOf(nodeId) }));
    this.assignment = assignSlots(this.assignment, nodes, this.options);
    this.#expectSound(before);
    for (const node of this.nodes.values()) node.restarted = false;
    for (const [nodeId, { synced }] of this.nodes)
      for (const slot of synced.keys()) if (!ownerOf(this.table, slot).followers.includes(nodeId)) synced.delete(slot);
    return this.table !== before;
  }

  /** Rounds, with everything synced in between, until nothing is left to do. */
  settle(): this {
    let rounds = 0;
    for (let resting = 0; resting < 2; rounds++) {
      assert(rounds < ROUNDS_MAX, `the table rests within ${ROUNDS_MAX} rounds`);
      resting = this.round() ? 0 : resting + 1;
      this.sync();
    }
    return this;
  }

  owns(nodeId: string): boolean {
    return this.table.owners.some(({ leader, followers }) => leader === nodeId || followers.includes(nodeId));
  }

  leads(): number[] {
    return this.live.map((nodeId) => this.table.owners.filter(({ leader }) => leader === nodeId).length);
  }

  follows(): number[] {
    return this.live.map((nodeId) => this.table.owners.filter(({ followers }) => followers.includes(nodeId)).length);
  }

  #syncedOf(nodeId: string): ReadonlySet<SlotId> {
    const { synced } = this.nodes.get(nodeId)!;
    return new Set(
      [...synced].filter(([slot, epoch]) => ownerOf(this.table, slot).leaderEpoch === epoch).map(([slot]) => slot),
    );
  }

  #expectSound(before: SlotTable): void {
    const { table } = this;
    const same = ALL_SLOTS.every((slot) => ownerOf(table, slot) === ownerOf(before, slot));
    assert((table === before) === same, "a table that is the same is the very same");
    assert(table.epoch === (same ? before.epoch : nextEpoch(before.epoch)), "the epoch grows with each change");
    assert(same || mayFollow(before, table), "every node takes the table");
    const wrong = ALL_SLOTS.flatMap((slot) => this.#wrongWith(slot, before));
    assert(wrong.length === 0, wrong.join("\n"));
    const promoted = ALL_SLOTS.filter((slot) => this.#isPromoted(slot, before));
    assert(promoted.length <= this.options.movesMax, `${promoted.length} leads are moved at once`);
    const surplus = (of: SlotTable) => of.owners.filter(({ followers }) => followers.length > this.followers).length;
    const onTheMove = surplus(table);
    assert(
      onTheMove <= Math.max(surplus(before), this.options.movesMax),
      `${onTheMove} slots have a follower too many`,
    );
    this.moves += promoted.length;
  }

  #wrongWith(slot: SlotId, before: SlotTable): string[] {
    const { leader, followers, leaderEpoch } = ownerOf(this.table, slot);
    const known = ownerOf(before, slot);
    const node = this.nodes.get(leader ?? "");
    const wrong: string[] = [];
    const must = (holds: boolean, what: string): void => {
      if (!holds) wrong.push(`slot ${slot}: ${what}, ${textOf(ownerOf(this.table, slot))} after ${textOf(known)}`);
    };
    const begun = leader !== known.leader || node?.restarted === true;
    must(leaderEpoch === (begun ? nextEpoch(known.leaderEpoch) : known.leaderEpoch), `leader epoch ${leaderEpoch}`);
    if (this.nodes.size < Math.max(1, this.options.dataNodesMin)) {
      must(leader === known.leader && followers.join() === known.followers.join(), "changed though too few are live");
      return wrong;
    }
    must(node !== undefined, "no live leader");
    must(new Set([leader, ...followers]).size === 1 + followers.length, "owned twice by the same");
    must(
      followers.every((nodeId) => this.nodes.has(nodeId)),
      "a dead follower",
    );
    // Where nobody who stays has followed a draining leader, somebody has to begin.
    const most = Math.max(this.followers, known.followers.length) + 1;
    must(followers.length >= this.followers && followers.length <= most, "number of followers");
    const given = [leader!, ...followers].filter((nodeId) => ![known.leader, ...known.followers].includes(nodeId));
    must(
      given.every((nodeId) => this.staying.includes(nodeId)),
      "given to a draining node",
    );
    if (this.#isPromoted(slot, before))
      must(
        known.followers.includes(leader!) && node!.synced.get(slot) === known.leaderEpoch,
        "promoted where it is not synced",
      );
    return wrong;
  }

  /** The lead was taken from a node that could have kept it. */
  #isPromoted(slot: SlotId, before: SlotTable): boolean {
    const known = ownerOf(before, slot).leader;
    const past = this.nodes.get(known ?? "");
    return past !== undefined && !past.restarted && ownerOf(this.table, slot).leader !== known;
  }
}

function textOf({ leader, followers }: SlotOwner): string {
  return `${leader} with ${followers.join(" and ")}`;
}

export const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `data-${index + 1}`);

/** By how much the counts may differ. */
export const tolerance = (counts: readonly number[]): number =>
  Math.max(1, Math.floor((0.1 * counts.reduce((sum, count) => sum + count, 0)) / counts.length));

export const spread = (counts: readonly number[]): number => Math.max(...counts) - Math.min(...counts);
