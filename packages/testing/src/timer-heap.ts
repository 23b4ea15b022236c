/**
 * The timers of the simulation: a binary heap ordered by time, and by insertion among equal times, so that a run is
 * the same whenever its inputs are. A cancelled timer stays where it is until it comes to the top or until half of the
 * heap is cancelled ones; programs that renew timeouts on every message would otherwise pay for a search each time.
 */

export interface HeapTimer {
  readonly time: number;
  readonly order: number;
  /** Undefined once the timer was cancelled or taken. */
  action: (() => void) | undefined;
}

/** Below this size a heap is never worth rebuilding. */
const REBUILD_SIZE_MIN = 64;

export class TimerHeap {
  #timers: HeapTimer[] = [];
  #inserted = 0;
  #cancelled = 0;

  push(time: number, action: () => void): HeapTimer {
    const timer: HeapTimer = { time, order: this.#inserted++, action };
    this.#timers.push(timer);
    this.#rise(this.#timers.length - 1);
    return timer;
  }

  /** The time of the earliest timer that was not cancelled; Infinity when there is none. */
  get nextTime(): number {
    for (;;) {
      const first = this.#timers[0];
      if (first === undefined) return Infinity;
      if (first.action !== undefined) return first.time;
      this.#takeFirst();
      this.#cancelled--;
    }
  }

  /** Takes out the timer that {@link nextTime} speaks of. */
  pop(): HeapTimer {
    const first = this.#takeFirst();
    if (first?.action === undefined) throw new Error("no timer is due: look at nextTime first");
    return first;
  }

  cancel(timer: HeapTimer): void {
    if (timer.action === undefined) return;
    timer.action = undefined;
    this.#cancelled++;
    if (this.#timers.length < REBUILD_SIZE_MIN || this.#cancelled * 2 < this.#timers.length) return;
    this.#timers = this.#timers.filter((kept) => kept.action !== undefined).toSorted(compareTimers);
    this.#cancelled = 0;
  }

  #takeFirst(): HeapTimer | undefined {
    const timers = this.#timers;
    const first = timers[0];
    const last = timers.pop();
    if (last !== undefined && last !== first) {
      timers[0] = last;
      this.#sink();
    }
    return first;
  }

  #rise(from: number): void {
    const timers = this.#timers;
    const rising = timers[from] as HeapTimer;
    let at = from;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = timers[parentAt] as HeapTimer;
      if (compareTimers(parent, rising) <= 0) break;
      timers[at] = parent;
      at = parentAt;
    }
    timers[at] = rising;
  }

  #sink(): void {
    const timers = this.#timers;
    const sinking = timers[0] as HeapTimer;
    let at = 0;
    for (;;) {
      let childAt = 2 * at + 1;
      if (childAt >= timers.length) break;
      const right = timers[childAt + 1];
      if (right !== undefined && compareTimers(right, timers[childAt] as HeapTimer) < 0) childAt++;
      const child = timers[childAt] as HeapTimer;
      if (compareTimers(sinking, child) <= 0) break;
      timers[at] = child;
      at = childAt;
    }
    timers[at] = sinking;
  }
}

function compareTimers(a: HeapTimer, b: HeapTimer): number {
  return a.time - b.time || a.order - b.order;
}
