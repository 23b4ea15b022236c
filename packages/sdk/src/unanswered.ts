/**
 * What was sent and has no answer yet. Whatever waits longer than the timeout is handed back to be sent again. All
 * items wait equally long, so they fall due in the order they were sent and one timer serves any number of them.
 */

import type { Clock, Timer } from "@rollcall/core";

export class Unanswered<Item> {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #overdue: (item: Item) => void;
  /** When each was sent (clock milliseconds), earliest first. */
  readonly #sentAt = new Map<Item, number>();
  #timer: Timer | undefined;
  /** Nobody is there yet who could answer: a session that many come to at once says hello when it is their turn. */
  #isHeld = false;

  constructor(clock: Clock, timeoutMs: number, overdue: (item: Item) => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#overdue = overdue;
  }

  sent(item: Item): void {
    this.#sentAt.delete(item);
    this.#sentAt.set(item, this.#clock.now());
    this.#arm();
  }

  get isEmpty(): boolean {
    return this.#sentAt.size === 0;
  }

  /** `item` has its answer, or none is wanted any more. */
  settle(item: Item): void {
    if (this.#sentAt.delete(item) && this.#sentAt.size === 0) this.#disarm();
  }

  /** Forgets everything. */
  clear(): void {
    this.#sentAt.clear();
    this.#disarm();
  }

  /** Forgets everything, for the link on which answers could come is gone; what is sent now waits for {@link opened} first. */
  restart(): void {
    this.clear();
    this.#isHeld = true;
  }

  /** The other side has said hello, and is heard from now on. */
  opened(): void {
    this.#isHeld = false;
    const now = this.#clock.now();
    for (const item of this.#sentAt.keys()) this.#sentAt.set(item, now);
    this.#arm();
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#isHeld) return;
    for (const sentAt of this.#sentAt.values()) {
      const waitMs = Math.max(0, sentAt + this.#timeoutMs - this.#clock.now());
      this.#timer = this.#clock.setTimer(waitMs, () => this.#collect());
      return;
    }
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #collect(): void {
    this.#timer = undefined;
    const latest = this.#clock.now() - this.#timeoutMs;
    for (const [item, sentAt] of this.#sentAt) {
      if (sentAt > latest) break;
      this.#sentAt.delete(item);
      this.#overdue(item);
    }
    this.#arm();
  }
}
