import { expect, test } from "vitest";
import { DURATION_BOUNDS_MS, DurationHistogram } from "../src/duration-histogram.ts";

test("each duration is counted once, in the first bucket that is not below it", () => {
  const histogram = new DurationHistogram();
  for (const durationMs of [0, 0.25, 0.26, 1, 99.9, 100, 1e9]) histogram.observe(durationMs);
  const bounds = [...DURATION_BOUNDS_MS, Infinity];
  const counted = histogram.counts.flatMap((count, at) => (count > 0 ? [[bounds[at], count]] : []));
  expect(counted).toEqual([
    [0.25, 2],
    [0.5, 1],
    [1, 1],
    [100, 2],
    [Infinity, 1],
  ]);
  expect(histogram.sumMs).toBeCloseTo(1e9 + 201.41);
});
