import { expect, test } from "vitest";

import { timelineOf } from "../src/harness/timeline.ts";

test("callbacks count in the tenth of a second in which they were, and by whether they are concerned", () => {
  const noted = [950, 999, 1_000, 1_099, 1_100, 1_250].map((arrivedAt) => ({
    arrivedAt,
    concerned: arrivedAt >= 1_000,
  }));
  expect(timelineOf(noted, { zeroAt: 1_000, fromMs: -100, untilMs: 200 })).toEqual([
    { ms: -100, concerned: 0, others: 2 },
    { ms: 0, concerned: 2, others: 0 },
    { ms: 100, concerned: 1, others: 0 },
  ]);
});
