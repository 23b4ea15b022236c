import { expect, test } from "vitest";
import { SimClock } from "../src/index.ts";

test("nodes disagree about time, and each sees it grow", async () => {
  const clock = new SimClock();
  const ahead = clock.nodeClock(3_600_000);
  const fast = clock.nodeClock(0, 0.01);
  await clock.runUntil(10_000);
  expect(ahead.now()).toBe(3_610_000);
  expect(fast.now()).toBe(10_100);
});

test("a fast node's timer comes early for everyone else", async () => {
  const clock = new SimClock();
  const fired: number[] = [];
  clock.nodeClock(0, 0.25).setTimer(1_000, () => fired.push(clock.now()));
  await clock.runUntil(2_000);
  expect(fired).toEqual([800]);
});

test("a paused node does what came due meanwhile when it is resumed, in order, but not what was cancelled", async () => {
  const clock = new SimClock();
  const node = clock.nodeClock();
  const seen: string[] = [];
  node.setTimer(10, () => seen.push(`${node.now()} ten`));
  node.setTimer(20, () => seen.push(`${node.now()} twenty`));
  const cancelled = node.setTimer(30, () => seen.push("never"));
  node.pause();
  await clock.runUntil(100);
  expect(seen).toEqual([]);
  cancelled.cancel();
  node.resume();
  await clock.runUntil(101);
  expect(seen).toEqual(["100 ten", "100 twenty"]);
});

test("a stopped node never does anything again", async () => {
  const clock = new SimClock();
  const node = clock.nodeClock();
  const seen: string[] = [];
  node.setTimer(10, () => seen.push("timer"));
  node.defer(() => seen.push("deferred"));
  node.stop();
  node.resume();
  await clock.runUntil(100);
  expect(seen).toEqual([]);
});

test("a clock that leaps makes due what was to be done in between, earliest first, and the rest that much earlier", async () => {
  const world = new SimClock();
  const node = world.nodeClock(1_000);
  const done: string[] = [];
  node.setTimer(200, () => done.push(`second at ${world.now()}`));
  node.setTimer(100, () => done.push(`first at ${world.now()}`));
  node.setTimer(5_000, () => done.push(`third at ${world.now()}`));
  node.setTimer(150, () => done.push("cancelled")).cancel();
  await world.runFor(50);
  node.leap(4_000);
  expect(node.now()).toBe(5_050);
  await world.runFor(2_000);
  expect(done).toEqual(["first at 50", "second at 50", "third at 1000"]);
});
