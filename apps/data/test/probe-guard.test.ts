import { expect, test } from "vitest";

import { HOLD_MS, ProbeGuard, seemsCutOff, type ProbeLook } from "../src/probes/probe-guard.ts";

const look = (parts: Partial<ProbeLook>): ProbeLook => ({
  now: 0,
  failing: 0,
  passing: 0,
  passedSince: parts.passing ?? 0,
  isCutOff: false,
  ...parts,
});

test("one that fails is believed when another passes", () => {
  expect(new ProbeGuard().mayMark(look({ failing: 1, passing: 1 }))).toBe(true);
});

test("one that fails is not believed before another has passed since", () => {
  const guard = new ProbeGuard();
  expect(guard.mayMark(look({ failing: 1, passing: 9, passedSince: 0 }))).toBe(false);
  expect(guard.mayMark(look({ failing: 1, passing: 9, passedSince: 1 }))).toBe(true);
  expect(guard.episodes).toBe(0);
});

test("the only one there is is believed", () => {
  expect(new ProbeGuard().mayMark(look({ failing: 1 }))).toBe(true);
  expect(new ProbeGuard().mayMark(look({ failing: 2 }))).toBe(true);
});

test("when more than half of many fail nothing is marked, for a time", () => {
  const guard = new ProbeGuard();
  expect(guard.mayMark(look({ failing: 5, passing: 5 }))).toBe(true);
  expect(guard.mayMark(look({ now: 1_000, failing: 6, passing: 4 }))).toBe(false);
  expect(guard.mayMark(look({ now: HOLD_MS, failing: 6, passing: 4 }))).toBe(false);
  expect(guard.mayMark(look({ now: 1_000 + HOLD_MS, failing: 6, passing: 4 }))).toBe(true);
  expect(guard.episodes).toBe(1);
});

test("while nothing passes nothing is marked, however long it lasts", () => {
  const guard = new ProbeGuard();
  for (let now = 0; now < 10 * HOLD_MS; now += 1_000) expect(guard.mayMark(look({ now, failing: 3 }))).toBe(false);
  // One that passes again shows that this node reaches somebody; from then on there is time to see who else comes back.
  const since = 10 * HOLD_MS;
  expect(guard.mayMark(look({ now: since, failing: 2, passing: 1 }))).toBe(true);
});

test("a node that seems to be cut off marks nobody, and begins to wait anew when it is back", () => {
  const guard = new ProbeGuard();
  expect(guard.mayMark(look({ failing: 1, passing: 9, isCutOff: true }))).toBe(false);
  expect(guard.mayMark(look({ now: 5 * HOLD_MS, failing: 6, passing: 4, isCutOff: true }))).toBe(false);
  expect(guard.mayMark(look({ now: 5 * HOLD_MS + 1, failing: 6, passing: 4 }))).toBe(false);
  expect(guard.mayMark(look({ now: 6 * HOLD_MS + 1, failing: 6, passing: 4 }))).toBe(true);
});

test("being cut off again after having been believed holds again", () => {
  const guard = new ProbeGuard();
  guard.mayMark(look({ failing: 6, passing: 4 }));
  expect(guard.mayMark(look({ now: HOLD_MS, failing: 6, passing: 4 }))).toBe(true);
  expect(guard.mayMark(look({ now: HOLD_MS + 1, failing: 10, passing: 0 }))).toBe(false);
});

test("without sessions a node seems cut off, and when meta has just fallen silent, but not when meta is gone for good", () => {
  expect(seemsCutOff(1, 900, 1_000)).toBe(false);
  expect(seemsCutOff(0, 900, 1_000)).toBe(true);
  expect(seemsCutOff(1, 3_000, 1_000)).toBe(true);
  expect(seemsCutOff(1, 60_000, 1_000)).toBe(false);
});
