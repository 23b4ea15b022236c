/** The receipts that are owed for pushes. What a feed holds is said when the receipt leaves, so one speaks for several pushes. */

import type { Feed } from "./feed.ts";
import type { Draft } from "./outbox.ts";

export class Receipts {
  readonly #wake: () => void;
  /** Feeds that were pushed, and whether each needs a snapshot. */
  readonly #owed = new Map<Feed, boolean>();

  /** @param wake something waits to be sent */
  constructor(wake: () => void) {
    this.#wake = wake;
  }

  owe(feed: Feed, resync: boolean): void {
    this.#owed.set(feed, resync);
    this.#wake();
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
