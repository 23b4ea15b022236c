/**
 * The sessions of the cluster and how many clients each has: who they are, from the cluster's state; their loads, from
 * what they tell each other through meta. One that is about to stop is not listed, for nobody is to go there.
 */

import { differsMarkedly, type ClusterState, type Member, type NodeLoad, type SessionLoad } from "@rollcall/core";

import type { Room } from "./plan-moves.ts";

/** Clients are told of loads that have changed by more than this share: for a choice between two that is near enough. */
const TOLD_SHARE = 0.25;

/** Clients are told of changes at most this often, in milliseconds: all of them are told at once. */
const TELL_EVERY_MS = 5_000;

export class Roster {
  readonly #nodeId: string;
  readonly #own: () => { readonly clients: number; readonly draining: boolean };
  #members: readonly Member[] = [];
  #loads = new Map<string, NodeLoad>();
  #told: readonly SessionLoad[] = [];
  #toldAt = -Infinity;

  constructor(nodeId: string, own: () => { readonly clients: number; readonly draining: boolean }) {
    this.#nodeId = nodeId;
    this.#own = own;
  }

  adopt({ members }: Pick<ClusterState, "members">): void {
    const before = new Map(this.#members.map(({ nodeId, incarnation }) => [nodeId, incarnation]));
    this.#members = members.filter(({ role }) => role === "session");
    // One that was about to stop and is back takes clients, even before its new load is known.
    for (const { nodeId, incarnation } of this.#members)
      if (before.get(nodeId) !== incarnation && this.#loads.get(nodeId)?.draining === true) this.#loads.delete(nodeId);
  }

  adoptLoads(loads: readonly NodeLoad[]): void {
    this.#loads = new Map(loads.map((load) => [load.nodeId, load]));
  }

  /** The other sessions that take clients. */
  get others(): readonly SessionLoad[] {
    return this.#members.filter(({ nodeId }) => nodeId !== this.#nodeId).flatMap((member) => this.#loadOf(member));
  }

  /** Those of them whose load is known. */
  get rooms(): readonly Room[] {
    return this.others.flatMap(({ address, clients }) => (clients === undefined ? [] : { address, clients }));
  }

  /** What clients are to know. */
  get told(): readonly SessionLoad[] {
    return this.#told;
  }

  /**
   * Whether there is news for clients, which is then what they are told.
   * @param atOnce however short a time ago they were told: they are about to choose
   */
  hasNews(now: number, { atOnce = false } = {}): boolean {
    const present = this.#members.flatMap((member) => this.#loadOf(member));
    if ((!atOnce && now - this.#toldAt < TELL_EVERY_MS) || !isNews(this.#told, present)) return false;
    this.#told = present;
    this.#toldAt = now;
    return true;
  }

  #loadOf({ nodeId, address }: Member): SessionLoad[] {
    const load = nodeId === this.#nodeId ? this.#own() : this.#loads.get(nodeId);
    return load?.draining === true ? [] : [{ address, clients: load?.clients }];
  }
}

function isNews(told: readonly SessionLoad[], present: readonly SessionLoad[]): boolean {
  if (told.length !== present.length) return true;
  const before = new Map(told.map(({ address, clients }) => [address, clients]));
  return present.some(({ address, clients }) => {
    if (!before.has(address)) return true;
    const was = before.get(address);
    if (was === undefined || clients === undefined) return was !== clients;
    return differsMarkedly(was, clients, TOLD_SHARE);
  });
}
