/** Nodes that come and go, and for how long they are given nothing. */

import { describe, expect, test } from "vitest";
import { FORGET_MS, Steadiness, UNSTEADY_MAX_MS, UNSTEADY_MS, unsteadyMs } from "../src/membership/steadiness.ts";

describe("the time for which a node is given nothing", () => {
  test.each([
    { vanished: 1, as: "back", minutes: 1 },
    { vanished: 2, as: "back", minutes: 2 },
    { vanished: 3, as: "back", minutes: 4 },
    { vanished: 1, as: "new", minutes: 0 },
    { vanished: 2, as: "new", minutes: 0 },
    { vanished: 3, as: "new", minutes: 1 },
    { vanished: 4, as: "new", minutes: 2 },
  ] as const)("is $minutes minutes for one that vanished $vanished times and is $as", ({ vanished, as, minutes }) => {
    expect(unsteadyMs(vanished, as)).toBe(minutes * UNSTEADY_MS);
  });

  test("grows with each time and has an end", () => {
    const times = Array.from({ length: 40 }, (_, index) => unsteadyMs(index, "back"));
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    expect(times.at(-1)).toBe(UNSTEADY_MAX_MS);
  });
});

describe("a node", () => {
  test("that was killed once or twice, or left in order, is steady", () => {
    const steadiness = new Steadiness();
    steadiness.joined("a", "new", 0);
    steadiness.vanished("a", 1_000);
    steadiness.vanished("a", 2_000);
    expect([steadiness.joined("a", "new", 3_000), steadiness.isSteady("a")]).toEqual([0, true]);
    for (let start = 0; start < 20; start++) expect(steadiness.joined("b", "new", start)).toBe(0);
  });

  test("whose process dies again and again is given nothing, each time for longer, and then all as usual", () => {
    const steadiness = new Steadiness();
    const waits = [1, 2, 3, 4, 5].map((time) => {
      steadiness.vanished("a", time * 1_000);
      return steadiness.joined("a", "new", time * 1_000);
    });
    expect(waits).toEqual([0, 0, UNSTEADY_MS, 2 * UNSTEADY_MS, 4 * UNSTEADY_MS]);
    expect([steadiness.isSteady("a"), steadiness.isSteady("b")]).toEqual([false, true]);
    expect([steadiness.expire(5_000 + 4 * UNSTEADY_MS - 1), steadiness.isSteady("a")]).toEqual([false, false]);
    expect([steadiness.expire(5_500 + 4 * UNSTEADY_MS), steadiness.isSteady("a")]).toEqual([true, true]);
  });

  test("that has not vanished for long enough is as good as new", () => {
    const steadiness = new Steadiness();
    for (let time = 0; time < 5; time++) steadiness.vanished("a", time);
    expect(steadiness.joined("a", "back", FORGET_MS + 5)).toBe(0);
    steadiness.vanished("a", FORGET_MS + 6);
    expect(steadiness.joined("a", "back", FORGET_MS + 7)).toBe(UNSTEADY_MS);
  });
});
