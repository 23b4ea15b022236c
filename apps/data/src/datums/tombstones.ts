/** Tombstones live for a bounded time: longer than any message can be late, shorter than anyone cares. */

import type { RegistrationVersion } from "@rollcall/core";

import type { Claim } from "./registered-service.ts";

/** How long a removal is remembered, in milliseconds. */
export const TOMBSTONE_MS = 180_000;

export class Tombstones {
  /** In the order they were made, which is the order they end. A claim revived in between is skipped when its turn comes. */
  readonly #queue: { readonly claim: Claim; readonly version: RegistrationVersion; readonly endsAt: number }[] = [];
  #head = 0;

  add(claim: Claim, now: number): void {
    this.#queue.push({ claim, version: claim.version, endsAt: now + TOMBSTONE_MS });
  }

  /** Claims whose tombstone has ended. */
  expire(now: number): Claim[] {
    const ended: Claim[] = [];
    while (this.#head < this.#queue.length && this.#queue[this.#head]!.endsAt <= now) {
      const { claim, version } = this.#queue[this.#head]!;
      if (claim.removed && claim.version === version) ended.push(claim);
      this.#head++;
    }
    if (this.#head > 1_024 && this.#head * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
    return ended;
  }
}
