/** Tombstones live for a bounded time: longer than any message can be late, shorter than anyone cares. */

import type { Claim } from "./claim.ts";

/** How long a removal is remembered, in milliseconds. */
export const TOMBSTONE_MS = 180_000;

export class Tombstones {
  /** In the order they end. A claim revived in between is skipped when its turn comes. */
  readonly #endsAt = new Map<Claim, number>();

  /** Counts from the last removal, whatever was before. */
  add(claim: Claim, now: number): void {
    this.#endsAt.delete(claim);
    this.#endsAt.set(claim, now + TOMBSTONE_MS);
  }

  /** Claims whose tombstone has ended. */
  expire(now: number): Claim[] {
    const ended: Claim[] = [];
    for (const [claim, endsAt] of this.#endsAt) {
      if (endsAt > now) break;
      this.#endsAt.delete(claim);
      if (claim.removed) ended.push(claim);
    }
    return ended;
  }
}
