/**
 * Which data nodes come and go. A node whose lease has ended and that is back is given no slots for a minute, so that
 * one that is cut off now and then moves a slot at most once in that time. One that vanishes again and again, because its
 * network does or its process dies, is given none for longer each time: to copy slots to it is work for nothing. It keeps
 * what it has, and takes over what only it has in full.
 *
 * Whoever leaves in order, as in a restart, has not vanished.
 */

import { LeaseTable } from "@rollcall/core";

/** How long a node is given nothing once it is back after its lease had ended, in milliseconds. */
export const UNSTEADY_MS = 60_000;

/** Longest time for which a node is given nothing, in milliseconds. */
export const UNSTEADY_MAX_MS = 15 * 60_000;

/** A node that has not vanished for so long, in milliseconds, is one that never did. */
export const FORGET_MS = 10 * 60_000;

/** A process that died this many times may have been killed by whoever tries something. */
const DEATHS_FREE = 2;

/** Nodes remembered at most; more do not vanish within the time unless each start has a new name. */
const REMEMBERED_MAX = 1_000;

/**
 * How long a node is to be given nothing, in milliseconds.
 * @param vanished how often it has vanished of late
 * @param as `back`: the life whose lease had ended. `new`: one without memory
 */
export function unsteadyMs(vanished: number, as: "back" | "new"): number {
  const counted = as === "back" ? vanished : vanished - DEATHS_FREE;
  return counted < 1 ? 0 : Math.min(UNSTEADY_MAX_MS, UNSTEADY_MS * 2 ** (counted - 1));
}

export class Steadiness {
  readonly #vanished = new Map<string, { readonly count: number; readonly at: number }>();
  readonly #unsteady = new LeaseTable<string>();

  /** The node is gone, or is in another life, and has not said that it leaves. */
  vanished(nodeId: string, now: number): void {
    const count = this.#countOf(nodeId, now) + 1;
    this.#vanished.delete(nodeId);
    this.#vanished.set(nodeId, { count, at: now });
    if (this.#vanished.size > REMEMBERED_MAX) this.#vanished.delete(this.#vanished.keys().next().value!);
  }

  /** The node is a member again. Gives for how long it is given nothing, in milliseconds. */
  joined(nodeId: string, as: "back" | "new", now: number): number {
    const ms = unsteadyMs(this.#countOf(nodeId, now), as);
    if (ms > 0) this.#unsteady.renew(nodeId, now + ms);
    return ms;
  }

  isSteady(nodeId: string): boolean {
    return !this.#unsteady.has(nodeId);
  }

  /** True when nodes may be given slots again. */
  expire(now: number): boolean {
    return this.#unsteady.expire(now).length > 0;
  }

  #countOf(nodeId: string, now: number): number {
    const known = this.#vanished.get(nodeId);
    return known === undefined || now - known.at > FORGET_MS ? 0 : known.count;
  }
}
