/**
 * Who cannot be reached by whom, as the nodes that dial each other say with their heartbeats, and as meta finds out itself:
 * it dials each node back when it joins, for nobody else dials a session but clients, and again while that fails.
 */

import type { Clock, Member, Timer } from "@rollcall/core";

export interface ReachabilityPorts {
  readonly clock: Clock;
  /** Whether somebody takes connections at `host:port`. Default: meta dials nobody. */
  readonly reaches?: ((address: string) => Promise<boolean>) | undefined;
  /** Something is not as it was. */
  readonly changed: () => void;
}

/** Pause before a node is dialed again that could not be reached, in milliseconds. */
export const DIAL_AGAIN_MS = 5_000;

/** Of so many that cannot reach a node each is named. */
const NAMED_MAX = 16;

/** What meta is called among those who cannot reach a node. */
const SELF = "meta";

export class Reachability {
  readonly #ports: ReachabilityPorts;
  /** By who says it: whom it cannot reach. */
  readonly #reports = new Map<string, ReadonlySet<string>>();
  /** Nodes that are dialed again, by id. */
  readonly #dialing = new Map<string, Timer>();

  constructor(ports: ReachabilityPorts) {
    this.#ports = ports;
  }

  /** Takes in what a node says. */
  report(nodeId: string, unreachable: readonly string[]): void {
    const before = this.#reports.get(nodeId) ?? new Set<string>();
    if (before.size === unreachable.length && unreachable.every((other) => before.has(other))) return;
    if (unreachable.length === 0) this.#reports.delete(nodeId);
    else this.#reports.set(nodeId, new Set(unreachable));
    this.#ports.changed();
  }

  /** A node has joined, perhaps at another address than before. */
  joined(member: Member): void {
    this.#stopDialing(member.nodeId);
    void this.#dial(member);
  }

  gone(nodeId: string): void {
    this.#reports.delete(nodeId);
    this.#stopDialing(nodeId);
    this.#say(nodeId, true);
  }

  /** Ids of those who cannot reach the node. */
  unreachableFrom(nodeId: string): readonly string[] {
    const from = [...this.#reports].filter(([, unreachable]) => unreachable.has(nodeId)).map(([reporter]) => reporter);
    return from.toSorted().slice(0, NAMED_MAX);
  }

  close(): void {
    for (const nodeId of this.#dialing.keys()) this.#stopDialing(nodeId);
  }

  async #dial(member: Member): Promise<void> {
    const { clock, reaches } = this.#ports;
    if (reaches === undefined) return;
    const { nodeId, address } = member;
    // In place of the timer, so that what comes of a dial is taken in only if nobody has stopped it meanwhile.
    const turn: Timer = { cancel: () => {} };
    this.#dialing.set(nodeId, turn);
    const isReached = await reaches(address);
    if (this.#dialing.get(nodeId) !== turn) return;
    this.#say(nodeId, isReached);
    const again = (): void => void this.#dial(member);
    if (isReached) this.#dialing.delete(nodeId);
    else this.#dialing.set(nodeId, clock.setTimer(DIAL_AGAIN_MS, again));
  }

  #say(nodeId: string, isReached: boolean): void {
    const known = [...(this.#reports.get(SELF) ?? [])];
    const others = known.filter((other) => other !== nodeId);
    this.report(SELF, isReached ? others : [...others, nodeId]);
  }

  #stopDialing(nodeId: string): void {
    this.#dialing.get(nodeId)?.cancel();
    this.#dialing.delete(nodeId);
  }
}
