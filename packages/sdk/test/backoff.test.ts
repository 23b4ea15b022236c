import type { Random } from "@rollcall/core";
import { describe, expect, test } from "vitest";

import { pauseBeforeDial } from "../src/backoff.ts";

const options = { jitterMs: 50, pauseMinMs: 100, pauseMaxMs: 5_000 };

/** Always draws the same number. */
const drawing = (number: number): Random => ({ next: () => number, id: () => "" });

describe("pauseBeforeDial", () => {
  // The most that each pause can be: what full jitter draws from.
  test.each([
    ["one server", 1, [0, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]],
    ["three servers", 3, [0, 50, 50, 100, 200, 400, 800, 1_600, 3_200, 5_000]],
  ])("with %s every one is tried at once, then pauses double", (_, serverCount, longest) => {
    const pauses = longest.map((_, failures) => pauseBeforeDial(failures, serverCount, options, drawing(1)));
    expect(pauses).toEqual(longest);
  });

  test("full jitter: any pause from none to the longest", () => {
    expect(pauseBeforeDial(4, 1, options, drawing(0))).toBe(0);
    expect(pauseBeforeDial(4, 1, options, drawing(0.5))).toBe(400);
  });

  test("a very long row of failures stays at the longest", () => {
    expect(pauseBeforeDial(5_000, 2, options, drawing(1))).toBe(5_000);
  });
});
