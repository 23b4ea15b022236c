import { expect, test } from "vitest";
import { SeededRandom } from "../src/index.ts";

const draws = (random: SeededRandom, count: number) => Array.from({ length: count }, () => random.uint32());

test("a seed repeats and another seed does not", () => {
  expect(draws(new SeededRandom(7), 20)).toEqual(draws(new SeededRandom(7), 20));
  expect(draws(new SeededRandom(7), 20)).not.toEqual(draws(new SeededRandom(8), 20));
});

test("a fork does not depend on what was drawn before it, and differs by label", () => {
  const used = new SeededRandom(7);
  draws(used, 100);
  expect(draws(used.fork("network"), 5)).toEqual(draws(new SeededRandom(7).fork("network"), 5));
  expect(draws(used.fork("network"), 5)).not.toEqual(draws(used.fork("clients"), 5));
});

test("whole numbers fill their range evenly and stay inside", () => {
  const random = new SeededRandom("even");
  const counts = Array.from({ length: 10 }, () => 0);
  for (let draw = 0; draw < 100_000; draw++) counts[random.int(10)]!++;
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
});

test("a chance comes true in its share of draws; certain ones draw nothing", () => {
  const random = new SeededRandom("chance");
  let hits = 0;
  for (let draw = 0; draw < 100_000; draw++) if (random.chance(0.3)) hits++;
  expect(Math.abs(hits - 30_000)).toBeLessThan(1_000);
  const before = new SeededRandom("certain");
  expect([before.chance(0), before.chance(1)]).toEqual([false, true]);
  expect(before.uint32()).toBe(new SeededRandom("certain").uint32());
});

test("an id is 32 lower-case hexadecimal digits", () => {
  const random = new SeededRandom(1);
  const ids = Array.from({ length: 1_000 }, () => random.id());
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(new Set(ids).size).toBe(1_000);
});

test("shuffling keeps the items, picking takes one of them", () => {
  const random = new SeededRandom(2);
  const items = [1, 2, 3, 4, 5];
  expect(random.shuffle(items).toSorted((a, b) => a - b)).toEqual(items);
  expect(items).toContain(random.pick(items));
  expect(() => random.pick([])).toThrow("not empty");
});
