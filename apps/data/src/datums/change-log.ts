/** Which claims changed lately, in order: what a follower that is only a little behind is sent. */

import type { Claim } from "./claim.ts";

/** Changes remembered per slot. A follower further behind is brought up by comparing digests. */
export const CLAIM_LOG_MAX = 512;
const TRIMMED = 128;

export class ChangeLog {
  #counters: number[] = [];
  #claims: Claim[] = [];
  /** Complete for every counter from here on. */
  #start = 0;

  clear(start: number): void {
    this.#counters = [];
    this.#claims = [];
    this.#start = start;
  }

  add(counter: number, claim: Claim): void {
    this.#counters.push(counter);
    this.#claims.push(claim);
    // Trimmed some at a time, so that the cost of trimming is spread thin.
    if (this.#counters.length > CLAIM_LOG_MAX + TRIMMED) {
      this.#start = this.#counters[TRIMMED - 1]!;
      this.#counters.splice(0, TRIMMED);
      this.#claims.splice(0, TRIMMED);
    }
  }

  /**
   * The first `max` claims that changed after `base`, each once, and the counter they lead to; undefined when the log
   * does not reach back to `base`.
   */
  since(base: number, max: number): { readonly claims: ReadonlySet<Claim>; readonly counter: number } | undefined {
    if (base < this.#start) return undefined;
    const claims = new Set<Claim>();
    let counter = base;
    for (let index = this.#firstAfter(base); index < this.#counters.length && claims.size < max; index++) {
      claims.add(this.#claims[index]!);
      counter = this.#counters[index]!;
    }
    return { claims, counter };
  }

  #firstAfter(base: number): number {
    let low = 0;
    let high = this.#counters.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#counters[middle]! <= base) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
