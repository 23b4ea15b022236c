/**
 * The servers that may be dialed, and which one is next. To begin with these are the seeds, which the user named; a
 * server that answers tells of all there are, and how many clients each has. From then on the choice is between two of
 * those, drawn at random, and falls on the one with fewer clients: that keeps connections even without sending everybody
 * to the same place, however old the numbers are.
 *
 * A server that failed is avoided until all others have failed as well, or for a while. Addresses that were learned may
 * be of no use from here, behind a proxy for instance, so that after one that failed a seed is next.
 */

import type { Clock, Random, SessionLoad } from "@rollcall/core";

/** How long a server that failed is avoided, in milliseconds, if there is any other. */
const AVOID_MS = 30_000;

/** Servers learned at most: more than any cluster has. */
const LEARNED_MAX = 1_000;

export class KnownServers {
  readonly #seeds: readonly string[];
  readonly #clock: Clock;
  readonly #random: Random;
  /** How many clients each has, if that is known. */
  #learned: ReadonlyMap<string, number | undefined> = new Map();
  /** Until when each is avoided, in clock milliseconds. */
  readonly #avoided = new Map<string, number>();
  #wantsSeed = false;

  constructor(seeds: readonly string[], { clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#seeds = seeds;
    this.#clock = clock;
    this.#random = random;
  }

  get count(): number {
    return new Set([...this.#seeds, ...this.#learned.keys()]).size;
  }

  /** True while there is a server that has not failed lately. */
  get hasUntried(): boolean {
    return [...this.#learned.keys(), ...this.#seeds].some((server) => !this.#isAvoided(server));
  }

  /** Takes the place of what was learned before; nothing says nothing. */
  learn(sessions: readonly SessionLoad[]): void {
    if (sessions.length === 0) return;
    const learned = new Map(sessions.slice(0, LEARNED_MAX).map(({ address, clients }) => [address, clients]));
    // One that is back has not failed in this life.
    for (const server of learned.keys()) if (!this.#learned.has(server)) this.#avoided.delete(server);
    this.#learned = learned;
    for (const server of this.#avoided.keys())
      if (!learned.has(server) && !this.#seeds.includes(server)) this.#avoided.delete(server);
  }

  next(): string {
    if (!this.hasUntried) this.#avoided.clear();
    const [learned, seeds] = [this.#untried([...this.#learned.keys()]), this.#untried(this.#seeds)];
    const isSeed = learned.length === 0 || (this.#wantsSeed && seeds.length > 0);
    this.#wantsSeed = false;
    return this.#lighterOfTwo(isSeed ? seeds : learned);
  }

  /** Where to move from `present`: to one of `wanted`, if any is named; undefined when there is nothing but `present`. */
  elsewhere(present: string, wanted: readonly string[]): string | undefined {
    const known = this.#learned.size > 0 ? [...this.#learned.keys()] : this.#seeds;
    const allowed = wanted.length > 0 ? known.filter((server) => wanted.includes(server)) : known;
    const others = this.#untried(allowed).filter((server) => server !== present);
    return others.length === 0 ? undefined : this.#lighterOfTwo(others);
  }

  failed(server: string): void {
    this.#avoided.set(server, this.#clock.now() + AVOID_MS);
    if (!this.#seeds.includes(server)) this.#wantsSeed = true;
  }

  /** It was of use until now. */
  lost(server: string): void {
    this.#avoided.set(server, this.#clock.now() + AVOID_MS);
  }

  #untried(servers: readonly string[]): readonly string[] {
    return servers.filter((server) => !this.#isAvoided(server));
  }

  #isAvoided(server: string): boolean {
    return (this.#avoided.get(server) ?? -Infinity) > this.#clock.now();
  }

  #lighterOfTwo(servers: readonly string[]): string {
    const first = Math.floor(this.#random.next() * servers.length);
    if (servers.length === 1) return servers[0]!;
    const second = (first + 1 + Math.floor(this.#random.next() * (servers.length - 1))) % servers.length;
    const [one, other] = [servers[first]!, servers[second]!];
    const [loadOfOne, loadOfOther] = [this.#learned.get(one), this.#learned.get(other)];
    const isLighter = loadOfOne !== undefined && loadOfOther !== undefined && loadOfOther < loadOfOne;
    return isLighter ? other : one;
  }
}
