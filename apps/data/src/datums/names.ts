/**
 * One text for names that are the same: each message brings its own copy of its client's and its session's name, and a
 * claim keeps it. The names seen last are known; one that is not known any more costs a copy, and nothing else.
 */

/** Names known at most: as many as there are clients that register at about the same time, and a megabyte. */
const NAMES_MAX = 8_192;

export class Names {
  /** In the order they came. */
  readonly #names = new Map<string, string>();
  /** What comes in bulk comes from one. */
  #last = "";

  get size(): number {
    return this.#names.size;
  }

  knows(name: string): boolean {
    return this.#names.has(name);
  }

  /** The same text, and nearly always the same string as the last time. */
  shared(name: string): string {
    if (name === this.#last) return this.#last;
    this.#last = this.#known(name);
    return this.#last;
  }

  #known(name: string): string {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    if (this.#names.size >= NAMES_MAX) {
      const [oldest] = this.#names.keys();
      this.#names.delete(oldest!);
    }
    this.#names.set(name, name);
    return name;
  }
}
