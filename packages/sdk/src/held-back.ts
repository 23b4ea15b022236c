/**
 * The client's own layer of the empty guard (D12): what it shows stays, although the registry has something else that
 * nobody vouches for, or cannot be reached at all. That is right for a while, and it must not go unnoticed: there is an
 * event when it begins, and after a bounded time the list that is shown counts as confirmed no longer.
 */

import type { Clock } from "@rollcall/core";

import type { HeldBackEvent } from "./events.ts";
import type { Feed } from "./feed.ts";
import { Unanswered } from "./unanswered.ts";

/**
 * Why an older list is shown. `empty`: the registry sent an empty one that it does not vouch for. `unconfirmed`: one that
 * is not empty. `disconnected`: there is no connection.
 */
export type HeldBackBecause = "empty" | "unconfirmed" | "disconnected";

export interface HeldBackCounts {
  /** Subscriptions that show an older list now. */
  readonly now: number;
  /** How often that has begun. */
  readonly begun: number;
  /** How often it went on for longer than `heldBackMaxMs`. */
  readonly overdue: number;
}

export interface HeldBackListener {
  began(feed: Feed, because: HeldBackBecause): void;
  overdue(feed: Feed, because: HeldBackBecause): void;
}

export class HeldBack {
  readonly #listener: HeldBackListener;
  readonly #because = new Map<Feed, HeldBackBecause>();
  readonly #waiting: Unanswered<Feed>;
  #begun = 0;
  #overdue = 0;

  /** @param maxMs how long what is shown counts as confirmed without a word, in milliseconds */
  constructor(clock: Clock, maxMs: number, listener: HeldBackListener) {
    this.#listener = listener;
    this.#waiting = new Unanswered(clock, maxMs, (feed) => this.#isOverdue(feed));
  }

  get counts(): HeldBackCounts {
    return { now: this.#because.size, begun: this.#begun, overdue: this.#overdue };
  }

  /** Something is held back from the feed. The time counts from the first reason on. */
  begin(feed: Feed, because: HeldBackBecause): void {
    const before = this.#because.get(feed);
    // What the registry says is more than that it says nothing.
    if (before === because || (before !== undefined && because === "disconnected")) return;
    this.#because.set(feed, because);
    if (before === undefined) {
      this.#begun++;
      this.#waiting.sent(feed);
    }
    this.#listener.began(feed, because);
  }

  /** The registry vouches for what the feed shows, or nobody watches it any more. */
  end(feed: Feed): void {
    this.#because.delete(feed);
    this.#waiting.settle(feed);
  }

  #isOverdue(feed: Feed): void {
    const because = this.#because.get(feed);
    if (because === undefined) return;
    this.#overdue++;
    feed.doubt();
    this.#listener.overdue(feed, because);
  }
}

export function heldBackEvent({ key: service, filter, view }: Feed, because: HeldBackBecause): HeldBackEvent {
  return { service, filter, because, version: view?.version };
}
