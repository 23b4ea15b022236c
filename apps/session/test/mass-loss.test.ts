import { describe, expect, test } from "vitest";

import { LOSSES_FREE, MassLoss } from "../src/connections/mass-loss.ts";

interface Losses {
  readonly count: number;
  readonly everyMs?: number;
  /** Connections that stay. */
  readonly present: number;
  /** After which each loss is judged. */
  readonly graceMs?: number;
}

/** Loses connections one after the other; gives how many of them were taken for part of a mass loss. */
function lose({ count, everyMs = 0, present, graceMs = 300 }: Losses) {
  const massLoss = new MassLoss();
  const waiting: number[] = [];
  let masses = 0;
  const judgeUntil = (now: number): void => {
    while (waiting.length > 0 && waiting[0]! + graceMs <= now) if (massLoss.isMass(waiting.shift()!, present)) masses++;
  };
  for (let index = 0; index < count; index++) {
    judgeUntil(index * everyMs);
    massLoss.lost(index * everyMs);
    waiting.push(index * everyMs);
  }
  judgeUntil(Infinity);
  return { masses, episodes: massLoss.episodes };
}

describe("connections that are lost at once", () => {
  test.each([
    { what: "one of few", lost: { count: 1, present: 0 }, masses: 0 },
    { what: "as many as may be, whatever their share", lost: { count: LOSSES_FREE, present: 0 }, masses: 0 },
    { what: "one more than that, of few", lost: { count: LOSSES_FREE + 1, present: 0 }, masses: LOSSES_FREE + 1 },
    { what: "a hundred of ten thousand, with their host", lost: { count: 100, present: 9_900 }, masses: 0 },
    { what: "two thousand of ten thousand", lost: { count: 2_000, present: 8_000 }, masses: 2_000 },
    { what: "all", lost: { count: 5_000, present: 0 }, masses: 5_000 },
    { what: "many, one after the other", lost: { count: 1_000, everyMs: 100, present: 200 }, masses: 0 },
    {
      what: "many, one after the other, judged late",
      lost: { count: 1_000, everyMs: 100, present: 200, graceMs: 60_000 },
      masses: 0,
    },
  ])("$what", ({ lost, masses }) => {
    expect(lose(lost)).toEqual({ masses, episodes: Number(masses > 0) });
  });

  test("again later count as another time", () => {
    const massLoss = new MassLoss();
    for (const beganAt of [0, 60_000, 120_000]) {
      for (let index = 0; index < 100; index++) massLoss.lost(beganAt);
      expect(massLoss.isMass(beganAt, 0)).toBe(true);
      massLoss.lost(beganAt + 30_000);
      expect(massLoss.isMass(beganAt + 30_000, 0)).toBe(false);
    }
    expect(massLoss.episodes).toBe(3);
  });
});
