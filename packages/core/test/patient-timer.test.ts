import { expect, test } from "vitest";

import { setPatientTimer, type Clock } from "../src/index.ts";

/** A clock of a process that can stand still: what is due then runs when it goes on, one after the other. */
function processClock() {
  let now = 0;
  let waiting: { at: number; action: () => void }[] = [];
  const deferred: (() => void)[] = [];
  const clock: Clock = {
    now: () => now,
    setTimer: (delayMs, action) => {
      const entry = { at: now + delayMs, action };
      waiting.push(entry);
      return { cancel: () => void (waiting = waiting.filter((each) => each !== entry)) };
    },
    defer: (action) => void deferred.push(action),
  };
  const runDue = (): void => {
    const due = waiting.filter(({ at }) => at <= now);
    waiting = waiting.filter(({ at }) => at > now);
    for (const { action } of due) action();
  };
  return {
    clock,
    /** Runs for so long, a millisecond at a time. */
    run: (ms: number) => {
      for (let step = 0; step < ms; step++) {
        now++;
        runDue();
        for (const action of deferred.splice(0)) action();
      }
    },
    standStill: (ms: number, input = () => {}) => {
      now += ms;
      runDue();
      input();
      for (const action of deferred.splice(0)) action();
    },
  };
}

test("a process that runs all the time waits as long as it is asked to", () => {
  const { clock, run } = processClock();
  let ends = 0;
  setPatientTimer(clock, 3_000, () => ends++);
  run(2_999);
  expect(ends).toBe(0);
  run(1);
  expect(ends).toBe(1);
  run(10_000);
  expect(ends).toBe(1);
});

test("one that stood still for longer than that goes on waiting", () => {
  const { clock, run, standStill } = processClock();
  let ends = 0;
  setPatientTimer(clock, 3_000, () => ends++);
  run(100);
  standStill(60_000);
  run(2_499);
  expect(ends).toBe(0);
  run(1);
  expect(ends).toBe(1);
});

test("what came in while it stood still is heard first, and may make the wait needless", () => {
  const { clock, run, standStill } = processClock();
  let ends = 0;
  const timer = setPatientTimer(clock, 3_000, () => ends++);
  run(2_900);
  standStill(5_000, () => timer.cancel());
  run(10_000);
  expect(ends).toBe(0);
});
