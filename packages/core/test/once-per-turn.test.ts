import { expect, test } from "vitest";

import { oncePerTurn, type Clock } from "../src/index.ts";

test("what is asked for often in one turn is done once, and again in the next", () => {
  const deferred: (() => void)[] = [];
  const clock: Clock = {
    now: () => 0,
    setTimer: () => ({ cancel: () => {} }),
    defer: (action) => void deferred.push(action),
  };
  let done = 0;
  const ask = oncePerTurn(clock, () => {
    done++;
    // Asking from within is asking for the next turn.
    if (done === 1) ask();
  });
  ask();
  ask();
  expect(deferred.length).toBe(1);
  deferred.shift()!();
  expect([done, deferred.length]).toEqual([1, 1]);
  deferred.shift()!();
  expect([done, deferred.length]).toEqual([2, 0]);
});
