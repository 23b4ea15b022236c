/**
 * What is wrong with the network: a value per pair of addresses for what happens to frames, and the set of directions
 * in which nothing passes. Faults are looked up whenever something is carried, so a change takes effect at once.
 */

/** How a link treats what it carries. Probabilities are per frame. */
export interface LinkFaults {
  /** Time under way of every frame. */
  readonly delayMs: number;
  /** Added to the delay, evenly from 0 up to this. Frames keep their order: one that is late holds up those behind. */
  readonly jitterMs: number;
  /**
   * Probability that a frame vanishes. No real stream does this and lives, and no more do the next two: they test
   * that repair does not lean on the transport.
   */
  readonly loss: number;
  /** Probability that a frame arrives twice, the second time up to {@link reorderMs} later. */
  readonly duplication: number;
  /** Probability that a frame lets those behind it overtake, being up to {@link reorderMs} later. */
  readonly reorder: number;
  readonly reorderMs: number;
  /** Probability that sending a frame resets the link. */
  readonly reset: number;
  /** Bytes under way, or waiting for a receiver that does not read, from which on a sender is told it is congested. */
  readonly windowBytes: number;
}

/** A quiet local network. */
export const NO_FAULTS: LinkFaults = {
  delayMs: 0.5,
  jitterMs: 0,
  loss: 0,
  duplication: 0,
  reorder: 0,
  reorderMs: 20,
  reset: 0,
  windowBytes: 1_024 * 1_024,
};

/** Where a rule holds: between two addresses wins over at one address, which wins over everywhere. */
export type FaultScope = "all" | { readonly node: string } | { readonly between: readonly [string, string] };

export class FaultRules {
  #all: Partial<LinkFaults> = {};
  readonly #nodes = new Map<string, Partial<LinkFaults>>();
  readonly #pairs = new Map<string, Partial<LinkFaults>>();
  readonly #blocked = new Set<string>();
  /** What the rules come to for each direction asked about; emptied when a rule changes. */
  readonly #resolved = new Map<string, LinkFaults>();

  /** Replaces the rule of `scope`; an empty one takes it away. */
  set(scope: FaultScope, faults: Partial<LinkFaults>): void {
    this.#resolved.clear();
    if (scope === "all") this.#all = faults;
    else if ("node" in scope) this.#nodes.set(scope.node, faults);
    else this.#pairs.set(pairOf(...scope.between), faults);
  }

  between(from: string, to: string): LinkFaults {
    const direction = directionOf(from, to);
    const known = this.#resolved.get(direction);
    if (known !== undefined) return known;
    const resolved = {
      ...NO_FAULTS,
      ...this.#all,
      ...this.#nodes.get(from),
      ...this.#nodes.get(to),
      ...this.#pairs.get(pairOf(from, to)),
    };
    this.#resolved.set(direction, resolved);
    return resolved;
  }

  block(from: string, to: string): void {
    this.#blocked.add(directionOf(from, to));
  }

  unblock(from: string, to: string): void {
    this.#blocked.delete(directionOf(from, to));
  }

  isBlocked(from: string, to: string): boolean {
    return this.#blocked.size > 0 && this.#blocked.has(directionOf(from, to));
  }

  /** Everything is well again. */
  clear(): void {
    this.#all = {};
    this.#nodes.clear();
    this.#pairs.clear();
    this.#resolved.clear();
    this.#blocked.clear();
  }

  unblockAll(): void {
    this.#blocked.clear();
  }
}

function directionOf(from: string, to: string): string {
  return `${from} > ${to}`;
}

function pairOf(a: string, b: string): string {
  return a < b ? directionOf(a, b) : directionOf(b, a);
}
