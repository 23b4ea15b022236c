/** Tombstones live for a bounded time: longer than any message can be late, shorter than anyone cares. */

import type { Claim } from "./claim.ts";

/** How long a removal is remembered, in milliseconds. */
export const TOMBSTONE_MS = 180_000;

/** As many removals that are superseded by later ones of the same claims may be kept before they are taken out. */
const SUPERSEDED_MAX = 1_024;

/**
 * Removals in the order they came, numbered. Of a claim that is removed again only the last counts; whatever is superseded
 * so is skipped when its turn comes, or taken out when there is too much of it.
 */
export class Tombstones {
  #claims: Claim[] = [];
  #endsAt: number[] = [];
  #removals: number[] = [];
  /** Those before have ended. */
  #start = 0;
  #count = 0;
  #superseded = 0;

  /** Counts from the last removal, whatever was before. */
  add(claim: Claim, now: number): void {
    if (claim.removal >= (this.#removals[this.#start] ?? Infinity)) this.#superseded++;
    claim.removal = ++this.#count;
    this.#claims.push(claim);
    this.#endsAt.push(now + TOMBSTONE_MS);
    this.#removals.push(claim.removal);
    if (this.#superseded > SUPERSEDED_MAX && this.#superseded > this.size / 2) this.#takeOut();
  }

  /** Claims whose tombstone has ended. */
  expire(now: number): Claim[] {
    const ended: Claim[] = [];
    for (; this.#start < this.#claims.length && this.#endsAt[this.#start]! <= now; this.#start++) {
      const claim = this.#claims[this.#start]!;
      if (claim.removal !== this.#removals[this.#start]) this.#superseded--;
      else if (claim.removed) ended.push(claim);
    }
    if (this.#start > this.size) this.#takeOut();
    return ended;
  }

  /** Removals kept, those that are superseded as well. */
  get size(): number {
    return this.#claims.length - this.#start;
  }

  /** Keeps the removals that are neither ended nor superseded. */
  #takeOut(): void {
    const isKept = (_: unknown, index: number): boolean =>
      index >= this.#start && this.#claims[index]!.removal === this.#removals[index];
    const endsAt = this.#endsAt.filter(isKept);
    const removals = this.#removals.filter(isKept);
    this.#claims = this.#claims.filter(isKept);
    this.#endsAt = endsAt;
    this.#removals = removals;
    this.#start = 0;
    this.#superseded = 0;
  }
}
