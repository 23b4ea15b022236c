/**
 * A slot table while it is being changed. It counts along who leads and follows how many slots, knows which followers
 * are worth promoting, and says in the end what has become of the table: epochs grow where a leader begins anew.
 */

import {
  ALL_SLOTS,
  assert,
  nextEpoch,
  ownerOf,
  type Epoch,
  type SlotId,
  type SlotOwner,
  type SlotTable,
} from "@rollcall/core";

import { FollowLoad } from "./follow-load.ts";

/** A live data node, as far as the slots are concerned. */
export interface DataNode {
  readonly nodeId: string;
  /** Its memory is gone since the table was made; a warm copy may lie on its disk. */
  readonly restarted: boolean;
  /** May be given leads only to make them even. One whose lease has ended lately is not. */
  readonly steady: boolean;
  /** Is to own no slot, as long as others can take them. */
  readonly draining: boolean;
  /** The slots it follows and has in full, under the leader epoch that the table names. */
  readonly synced: ReadonlySet<SlotId>;
}

interface DraftOwner {
  leader: string | undefined;
  followers: readonly string[];
  /** The leader begins anew: another node, or the same one without its memory. */
  begun: boolean;
}

export class TableDraft {
  /** In the order of their ids, so that the same cluster always comes to the same table. */
  readonly nodes: readonly DataNode[];
  /** Those that may be given slots: all but the draining ones, and all when every one is draining. */
  readonly staying: readonly DataNode[];
  readonly #before: SlotTable;
  readonly #byId: ReadonlyMap<string, DataNode>;
  readonly #owners: readonly DraftOwner[];
  readonly #leads = new Counts<string>();
  /** What the followers follow. */
  readonly load = new FollowLoad();

  constructor(before: SlotTable, nodes: readonly DataNode[]) {
    this.#before = before;
    this.nodes = nodes.toSorted((one, other) => (one.nodeId < other.nodeId ? -1 : 1));
    const staying = this.nodes.filter(({ draining }) => !draining);
    this.staying = staying.length > 0 ? staying : this.nodes;
    this.#byId = new Map(nodes.map((node) => [node.nodeId, node]));
    assert(this.#byId.size === nodes.length, "a data node is live once");
    this.#owners = before.owners.map(({ leader, followers }) => ({ leader, followers, begun: false }));
    for (const owner of this.#owners) this.#count(owner, 1);
  }

  node(nodeId: string | undefined): DataNode | undefined {
    return nodeId === undefined ? undefined : this.#byId.get(nodeId);
  }

  /** Whether the node is to hand over what it has, and somebody is there to take it. */
  isDraining(nodeId: string | undefined): boolean {
    const node = this.node(nodeId);
    return node !== undefined && !this.staying.includes(node);
  }

  leaderOf(slot: SlotId): string | undefined {
    return this.#owner(slot).leader;
  }

  /** Who led the slot in the table from which this one is made. */
  leaderBefore(slot: SlotId): string | undefined {
    return ownerOf(this.#before, slot).leader;
  }

  followersOf(slot: SlotId): readonly string[] {
    return this.#owner(slot).followers;
  }

  /** True when the slot can be led by `nodeId` without asking the sessions for everything. */
  isSynced(slot: SlotId, nodeId: string): boolean {
    const node = this.#byId.get(nodeId);
    if (node === undefined || node.restarted || this.#owner(slot).begun) return false;
    return node.synced.has(slot) && ownerOf(this.#before, slot).followers.includes(nodeId);
  }

  leadsOf(nodeId: string): number {
    return this.#leads.of(nodeId);
  }

  vacate(slot: SlotId): void {
    this.#change(slot, { leader: undefined });
  }

  /** Makes `nodeId` the leader. If it was a follower, the leader before it follows in its place, if that is alive. */
  lead(slot: SlotId, nodeId: string): void {
    const { followers, leader = this.leaderBefore(slot) } = this.#owner(slot);
    const others = followers.filter((follower) => follower !== nodeId);
    const stepsBack = others.length < followers.length && this.#byId.has(leader ?? "") && leader !== nodeId;
    this.#change(slot, { leader: nodeId, followers: stepsBack ? [...others, leader!] : others, begun: true });
  }

  /** @param insteadOf the follower that is to go when this one is synced: the first of the list is dropped then */
  addFollower(slot: SlotId, nodeId: string, insteadOf?: string): void {
    const first = insteadOf === undefined ? [] : [insteadOf];
    const others = this.followersOf(slot).filter((follower) => follower !== insteadOf);
    this.#change(slot, { followers: [...first, ...others, nodeId] });
  }

  keepFollowers(slot: SlotId, keeps: (nodeId: string) => boolean): void {
    const followers = this.followersOf(slot);
    const kept = followers.filter(keeps);
    if (kept.length < followers.length) this.#change(slot, { followers: kept });
  }

  /** The table as it is now; the very one it was made from when nothing has changed. */
  table(): SlotTable {
    const owners = ALL_SLOTS.map((slot) => this.#ownerAfter(slot));
    const changed = ALL_SLOTS.some((slot) => owners[slot] !== ownerOf(this.#before, slot));
    return changed ? { epoch: nextEpoch(this.#before.epoch), owners } : this.#before;
  }

  #ownerAfter(slot: SlotId): SlotOwner {
    const before = ownerOf(this.#before, slot);
    const { leader, followers, begun } = this.#owner(slot);
    if (!begun && leader === before.leader && sameSet(followers, before.followers)) return before;
    const leaderEpoch: Epoch = begun ? nextEpoch(before.leaderEpoch) : before.leaderEpoch;
    return { leader, followers, leaderEpoch };
  }

  #owner(slot: SlotId): DraftOwner {
    return this.#owners[slot]!;
  }

  #change(slot: SlotId, change: Partial<DraftOwner>): void {
    const owner = this.#owner(slot);
    this.#count(owner, -1);
    Object.assign(owner, change);
    this.#count(owner, 1);
  }

  #count({ leader, followers }: DraftOwner, by: 1 | -1): void {
    if (leader !== undefined) this.#leads.add(leader, by);
    for (const follower of followers) this.load.add(leader, follower, by);
  }
}

/** How many of each; of what was never counted, none. */
export class Counts<Key> {
  readonly #counts = new Map<Key, number>();

  of(key: Key): number {
    return this.#counts.get(key) ?? 0;
  }

  add(key: Key, by: number): void {
    this.#counts.set(key, this.of(key) + by);
  }
}

function sameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((nodeId) => other.includes(nodeId));
}
