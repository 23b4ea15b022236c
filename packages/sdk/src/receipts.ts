/** The receipts that are owed for pushes. What a feed holds is said when the receipt leaves, so one speaks for several pushes. */

import type { Feed } from "./feed.ts";
import type { Draft } from "./outbox.ts";

export class Receipts {
  readonly #wake: () => void;
  readonly #answer: () => void;
  /** Feeds that were pushed, and whether each needs a snapshot. */
  readonly #owed = new Map<Feed, boolean>();

  /**
   * @param wake something waits to be sent
   * @param answer the same, which answers what has just come
   */
  constructor(wake: () => void, answer: () => void) {
    this.#wake = wake;
    this.#answer = answer;
  }

  owe(feed: Feed, resync: boolean): void {
    this.#owed.set(feed, resync);
    // Changes come one by one; first lists come together, and those who asked for no more than that are about to say so.
    if (feed.changes > 1) this.#answer();
    else this.#wake();
  }

  drop(feed: Feed): void {
    this.#owed.delete(feed);
  }

  clear(): void {
    this.#owed.clear();
  }

  fill(draft: Draft): void {
    for (const [feed, resync] of this.#owed) {
      if (draft.isFull) return;
      const { key, filter, heldForReceipt: held } = feed;
      this.#owed.delete(feed);
      draft.receipt({ key, filter, held, resync });
    }
  }
}
