/**
 * One node's clock in the simulation: its own offset and drift, and the faults that stop a process. A paused node does
 * nothing until it is resumed and then does everything that came due meanwhile, late, as after SIGSTOP and SIGCONT. A
 * stopped one never does anything again, which is how a crash looks from inside. One that leaps finds that time has
 * passed of which it saw nothing, as on a machine that was suspended.
 */

import { assert, type Clock, type Timer } from "@rollcall/core";
import { GRID_STEP_MS, onGrid, onGridBefore } from "./time-grid.ts";

/** What a node was about to do; `action` is undefined once cancelled. */
interface Pending {
  action: (() => void) | undefined;
}

/** A timer that has not come due. */
interface Waiting extends Pending {
  /** By this node's clock. */
  readonly due: number;
  timer: Timer | undefined;
}

export class NodeClock implements Clock {
  readonly #base: Clock;
  #offsetMs: number;
  readonly #drift: number;
  #state: "running" | "paused" | "stopped" = "running";
  /** What came due while paused. */
  #late: Pending[] = [];
  readonly #waiting = new Set<Waiting>();

  constructor(base: Clock, offsetMs: number, drift: number) {
    if (!(drift > -1)) throw new Error(`drift must be more than -1, got ${drift}: time would not grow`);
    this.#base = base;
    this.#offsetMs = offsetMs;
    this.#drift = drift;
  }

  get state(): "running" | "paused" | "stopped" {
    return this.#state;
  }

  now(): number {
    return this.#seenAt(this.#base.now());
  }

  setTimer(delayMs: number, action: () => void): Timer {
    assert(delayMs >= 0, `a timer's delay is not negative, got ${delayMs}`);
    const waiting: Waiting = { action, due: this.now() + onGrid(delayMs), timer: undefined };
    this.#await(waiting);
    return {
      cancel: () => {
        waiting.action = undefined;
        waiting.timer?.cancel();
        this.#waiting.delete(waiting);
      },
    };
  }

  defer(action: () => void): void {
    const pending: Pending = { action };
    this.#base.defer(() => this.#comeDue(pending));
  }

  /** Stands still from now on. Time goes on without it. */
  pause(): void {
    if (this.#state === "running") this.#state = "paused";
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    const late = this.#late;
    this.#late = [];
    for (const pending of late) this.#base.defer(() => this.#comeDue(pending));
  }

  /** Finds itself `ms` later all at once: whatever was to be done in between is due now, earliest first. */
  leap(ms: number): void {
    this.#offsetMs += onGrid(ms);
    for (const waiting of [...this.#waiting].toSorted((a, b) => a.due - b.due)) {
      waiting.timer?.cancel();
      this.#await(waiting);
    }
  }

  /** Never does anything again. */
  stop(): void {
    this.#state = "stopped";
    this.#late = [];
    for (const { timer } of this.#waiting) timer?.cancel();
    this.#waiting.clear();
  }

  #await(waiting: Waiting): void {
    this.#waiting.add(waiting);
    waiting.timer = this.#base.setTimer(this.#baseDelay(Math.max(0, waiting.due - this.now())), () => {
      this.#waiting.delete(waiting);
      this.#comeDue(waiting);
    });
  }

  #comeDue(pending: Pending): void {
    if (this.#state === "paused") this.#late.push(pending);
    else if (this.#state === "running") pending.action?.();
  }

  #seenAt(baseTime: number): number {
    return this.#offsetMs + (this.#drift === 0 ? baseTime : onGridBefore(baseTime * (1 + this.#drift)));
  }

  /** How long the base clock has to go on until this one has seen `delayMs` pass: never less, or timers fire early. */
  #baseDelay(delayMs: number): number {
    if (this.#drift === 0) return delayMs;
    const baseNow = this.#base.now();
    const due = this.now() + delayMs;
    let baseDelay = onGridBefore(delayMs / (1 + this.#drift));
    while (this.#seenAt(baseNow + baseDelay) < due) baseDelay += GRID_STEP_MS;
    return baseDelay;
  }
}
