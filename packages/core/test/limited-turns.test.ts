import { expect, test } from "vitest";

import { limitedTurns, type Clock } from "../src/index.ts";

function startClock(actionsMax: number) {
  const deferred: (() => void)[] = [];
  const clock: Clock = {
    now: () => 7,
    setTimer: () => ({ cancel: () => {} }),
    defer: (action) => void deferred.push(action),
  };
  const done: string[] = [];
  const limited = limitedTurns(clock, actionsMax);
  return {
    limited,
    done,
    ask: (...names: string[]) => {
      for (const name of names) limited.defer(() => void done.push(name));
    },
    turns: () => deferred.length,
    turn: () => deferred.shift()?.(),
  };
}

test("what many ask for is done in order, so many in one turn", () => {
  const { ask, turn, turns, done } = startClock(2);
  ask("a", "b", "c", "d", "e");
  expect([turns(), done]).toEqual([1, []]);
  turn();
  expect([turns(), done]).toEqual([1, ["a", "b"]]);
  ask("f");
  turn();
  expect([turns(), done]).toEqual([1, ["a", "b", "c", "d"]]);
  turn();
  expect([turns(), done]).toEqual([0, ["a", "b", "c", "d", "e", "f"]]);
  ask("g");
  turn();
  expect([turns(), done.at(-1)]).toEqual([0, "g"]);
});

test("what is asked for while a turn runs is done in a later one", () => {
  const { limited, turn, turns, done } = startClock(2);
  limited.defer(() => limited.defer(() => void done.push("later")));
  turn();
  expect([turns(), done]).toEqual([1, []]);
  turn();
  expect([turns(), done]).toEqual([0, ["later"]]);
});

test("an action that throws keeps none of those in later turns from being done", () => {
  const { limited, ask, turn, done } = startClock(1);
  limited.defer(() => {
    throw new Error("broken");
  });
  ask("a");
  expect(turn).toThrow("broken");
  turn();
  expect(done).toEqual(["a"]);
});
