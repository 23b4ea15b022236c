/**
 * Randomness that repeats. One seed decides a whole simulation; every part of it draws from its own fork, named by a
 * label, so that one more draw in one part does not change what another part sees.
 *
 * The generator is sfc32 (Chris Doty-Humphrey, public domain): 128 bits of state, 32-bit arithmetic only.
 */

import { assert, hash64, type Random } from "@rollcall/core";

const utf8 = new TextEncoder();

/** Numbers drawn before the first is used: the author's advice for mixing a seed of few bits. */
const WARM_UP_DRAWS = 12;

export class SeededRandom implements Random {
  /** The path of labels from the root, which a failing run prints. */
  readonly seed: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number | string) {
    this.seed = String(seed);
    const first = hash64(utf8.encode(this.seed));
    const second = hash64(utf8.encode(`${this.seed}#`));
    this.#a = first.high | 0;
    this.#b = first.low | 0;
    this.#c = second.high | 0;
    for (let draw = 0; draw < WARM_UP_DRAWS; draw++) this.uint32();
  }

  /** An independent stream. It depends on this one's seed and the label only, not on what was drawn before. */
  fork(label: string): SeededRandom {
    return new SeededRandom(`${this.seed}/${label}`);
  }

  /** A whole number from 0 to 2^32 - 1. */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  next(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  id(): string {
    let id = "";
    for (let word = 0; word < 4; word++) id += this.uint32().toString(16).padStart(8, "0");
    return id;
  }

  /** A whole number from 0 up to, but not including, `max`. */
  int(max: number): number {
    assert(Number.isInteger(max) && max > 0, `a range of whole numbers is not empty, got ${max}`);
    return Math.floor(this.next() * max);
  }

  /** A number from `low` up to, but not including, `high`. */
  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  /** True in the share `probability` of all draws. */
  chance(probability: number): boolean {
    // Certain answers draw nothing, so that a fault switched off costs nothing.
    if (probability <= 0) return false;
    return probability >= 1 || this.next() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.int(items.length)] as Item;
  }

  /** The items in random order. */
  shuffle<Item>(items: readonly Item[]): Item[] {
    const shuffled = [...items];
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = this.int(last + 1);
      [shuffled[last], shuffled[other]] = [shuffled[other] as Item, shuffled[last] as Item];
    }
    return shuffled;
  }
}
