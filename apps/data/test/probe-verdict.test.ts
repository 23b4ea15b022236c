import { DEFAULT_PROBE_TIMING, type ProbeTiming } from "@rollcall/core";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { afterAnswer, verdictOnce } from "../src/probes/verdict.ts";

/** After each answer, `+` or `-`, whether the instance is marked: `x` or `.`. */
function story(answers: string, timing: ProbeTiming = DEFAULT_PROBE_TIMING, wasUnhealthy = false): string {
  let verdict = verdictOnce(wasUnhealthy);
  return answers
    .split("")
    .map((answer) => {
      verdict = afterAnswer(verdict, answer === "+", timing);
      return verdict.unhealthy ? "x" : ".";
    })
    .join("");
}

test.each([
  ["three of the last five mark it", "+---+", "...xx"],
  ["two do not, however often", "--+++--+++", ".........."],
  ["failures need not be one after another", "-+-+-", "....x"],
  ["two good answers one after another take the mark away", "---+-++", "..xxxx."],
  ["what led to a mark does not lead back to it", "---++-+--", "..xx....x"],
  ["one that answers now and then stays marked", "---+-+-+-+", "..xxxxxxxx"],
])("%s", (_, answers, marks) => {
  expect(story(answers)).toBe(marks);
});

test("whoever begins to ask leaves things as they are", () => {
  expect(story("--", DEFAULT_PROBE_TIMING, false)).toBe("..");
  expect(story("+", DEFAULT_PROBE_TIMING, true)).toBe("x");
  expect(story("-+-", DEFAULT_PROBE_TIMING, true)).toBe("xxx");
});

test("one bad answer is enough where that is asked for", () => {
  expect(story("+-", { ...DEFAULT_PROBE_TIMING, failures: 1, window: 1 })).toBe(".x");
});

test("one that only passes is never marked, and one that only fails always is in the end", () => {
  const timings = fc.integer({ min: 1, max: 20 }).chain((window) =>
    fc.record({
      window: fc.constant(window),
      failures: fc.integer({ min: 1, max: window }),
      intervalMs: fc.constant(1_000),
      timeoutMs: fc.constant(100),
    }),
  );
  fc.assert(
    fc.property(timings, fc.boolean(), (timing, wasUnhealthy) => {
      expect(story("+".repeat(20), timing, wasUnhealthy).at(-1)).toBe(".");
      expect(story("-".repeat(20), timing, wasUnhealthy).at(-1)).toBe("x");
    }),
  );
});
