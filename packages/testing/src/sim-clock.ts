/**
 * Virtual time. Nothing passes until the test runs the clock; then timers fire in the order of their times, each as one
 * event, and hours take as long as the events in them. Between two events the promises that the first one settled are
 * followed to their end, so that code with `await` in it sees virtual time stand still, as it should.
 *
 * Times lie on a grid of 1/1024 ms: sums of such numbers are exact, so a timer never fires an unmeasurable moment
 * before the time that its owner computes for it.
 */

import { assert, type Clock, type Timer } from "@rollcall/core";
import { NodeClock } from "./node-clock.ts";
import { TimerHeap } from "./timer-heap.ts";
import { onGrid } from "./time-grid.ts";

export interface SimClockOptions {
  /**
   * Waits until no promise reaction is left to run. A platform's macrotask does it exactly
   * (`() => new Promise((resolve) => setImmediate(resolve))`, about 1 us); the default is {@link settleInTurns}.
   */
  readonly settle?: (() => Promise<void>) | undefined;
  /** Events that may happen without time passing. More are taken for an endless loop and fail the run. */
  readonly eventsPerInstantMax?: number | undefined;
}

/** Why {@link SimClock.runUntilIdleOr} came back. */
export type RunEnd = "met" | "idle" | "limit";

const EVENTS_PER_INSTANT_MAX = 100_000;

/** Turns of the microtask queue that {@link settleInTurns} waits: more than any chain of awaits in Rollcall is long. */
const SETTLE_TURNS = 16;

/**
 * Settles promises with nothing but the language: waits a fixed number of turns of the microtask queue. Chains that are
 * longer go on during the next event: still the same in every run, but at a later virtual time than in a real process.
 */
export async function settleInTurns(): Promise<void> {
  const settled = Promise.resolve();
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await settled;
}

export class SimClock implements Clock {
  readonly #settle: () => Promise<void>;
  readonly #eventsPerInstantMax: number;
  readonly #timers = new TimerHeap();
  #deferred: (() => void)[] = [];
  #deferredDone = 0;
  #now = 0;
  #events = 0;
  #eventsThisInstant = 0;
  #running = false;

  constructor({ settle = settleInTurns, eventsPerInstantMax = EVENTS_PER_INSTANT_MAX }: SimClockOptions = {}) {
    this.#settle = settle;
    this.#eventsPerInstantMax = eventsPerInstantMax;
  }

  now(): number {
    return this.#now;
  }

  /** Events that have happened so far. */
  get events(): number {
    return this.#events;
  }

  setTimer(delayMs: number, action: () => void): Timer {
    assert(delayMs >= 0, `a timer's delay is not negative, got ${delayMs}`);
    const timer = this.#timers.push(this.#now + onGrid(delayMs), action);
    return { cancel: () => this.#timers.cancel(timer) };
  }

  /** Runs `action` after everything that is due at this virtual time, in order, and before time passes. */
  defer(action: () => void): void {
    this.#deferred.push(action);
  }

  /**
   * A node's own view of time: `offsetMs` ahead, and `drift` faster (0.01 gains 10 ms a second). Nodes thus disagree
   * about time while each sees it grow.
   */
  nodeClock(offsetMs = 0, drift = 0): NodeClock {
    return new NodeClock(this, onGrid(offsetMs), drift);
  }

  /** Lets everything happen that is due until `time`, which is then the present. */
  async runUntil(time: number): Promise<void> {
    await this.#run(time, () => false);
  }

  async runFor(ms: number): Promise<void> {
    await this.runUntil(this.#now + ms);
  }

  /**
   * Runs until `condition` holds (looked at after every event), nothing is left to happen, or `limitMs` have passed.
   * Time stops at the event that decided it.
   */
  async runUntilIdleOr(condition: () => boolean, limitMs: number): Promise<RunEnd> {
    return this.#run(this.#now + limitMs, condition, () => this.#timers.nextTime === Infinity);
  }

  async #run(limit: number, condition: () => boolean, idle: () => boolean = () => false): Promise<RunEnd> {
    assert(!this.#running, "a clock is run by one caller at a time");
    this.#running = true;
    try {
      await this.#settle();
      for (;;) {
        if (condition()) return "met";
        const action = this.#next(limit);
        if (action === undefined) {
          if (idle()) return "idle";
          this.#advance(Math.max(this.#now, limit));
          return "limit";
        }
        this.#events++;
        this.#eventsThisInstant++;
        assert(this.#eventsThisInstant <= this.#eventsPerInstantMax, `the simulation stands still at ${this.#now} ms`);
        action();
        await this.#settle();
      }
    } finally {
      this.#running = false;
    }
  }

  #next(limit: number): (() => void) | undefined {
    const time = this.#timers.nextTime;
    // What is due now is input already waiting, and deferred work comes after all of that.
    if (time > this.#now) {
      const deferred = this.#nextDeferred();
      if (deferred !== undefined) return deferred;
      if (time > limit || time === Infinity) return undefined;
      this.#advance(time);
    }
    const timer = this.#timers.pop();
    const { action } = timer;
    // A timer that has fired is no longer there to be cancelled.
    timer.action = undefined;
    return action;
  }

  #nextDeferred(): (() => void) | undefined {
    const action = this.#deferred[this.#deferredDone];
    if (action === undefined) return undefined;
    if (++this.#deferredDone === this.#deferred.length) {
      this.#deferred = [];
      this.#deferredDone = 0;
    }
    return action;
  }

  #advance(time: number): void {
    if (time !== this.#now) this.#eventsThisInstant = 0;
    this.#now = time;
  }
}
