import { expect, test } from "vitest";
import * as fc from "fast-check";
import { SimClock } from "../src/index.ts";

function recorded() {
  const clock = new SimClock();
  const seen: string[] = [];
  const note = (what: string) => () => void seen.push(`${clock.now()} ${what}`);
  return { clock, seen, note };
}

test("timers fire in the order of their times, and of insertion among equal times", async () => {
  const { clock, seen, note } = recorded();
  clock.setTimer(20, note("late"));
  clock.setTimer(10, note("first of two"));
  clock.setTimer(10, note("second of two"));
  await clock.runUntil(15);
  expect(seen).toEqual(["10 first of two", "10 second of two"]);
  expect(clock.now()).toBe(15);
  await clock.runFor(10);
  expect(seen.at(-1)).toBe("20 late");
  expect(clock.now()).toBe(25);
});

test("any mix of timers and cancellations fires what a sorted list would", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ delay: fc.nat(50), cancelled: fc.boolean() }), { maxLength: 300 }),
      async (wanted) => {
        const clock = new SimClock();
        const fired: number[] = [];
        const timers = wanted.map(({ delay }, index) => clock.setTimer(delay, () => fired.push(index)));
        for (const [index, timer] of timers.entries()) if (wanted[index]!.cancelled) timer.cancel();
        await clock.runUntil(50);
        const expected = wanted
          .map(({ delay, cancelled }, index) => ({ delay, cancelled, index }))
          .filter(({ cancelled }) => !cancelled)
          .toSorted((a, b) => a.delay - b.delay || a.index - b.index);
        expect(fired).toEqual(expected.map(({ index }) => index));
      },
    ),
    { numRuns: 50 },
  );
});

test("deferred work waits for all input of the moment, keeps its order, and comes before time passes", async () => {
  const { clock, seen, note } = recorded();
  clock.setTimer(10, () => {
    seen.push("10 input one");
    clock.defer(note("deferred one"));
    clock.defer(note("deferred two"));
  });
  clock.setTimer(10, note("input two"));
  clock.setTimer(10.5, note("later"));
  await clock.runUntil(20);
  expect(seen).toEqual(["10 input one", "10 input two", "10 deferred one", "10 deferred two", "10.5 later"]);
});

test("promises are followed to their end before time passes", async () => {
  const { clock, seen, note } = recorded();
  const nested = async (depth: number): Promise<void> => {
    await Promise.resolve();
    if (depth > 0) await nested(depth - 1);
  };
  clock.setTimer(10, () => {
    void nested(3).then(note("settled"));
  });
  clock.setTimer(11, note("next"));
  await clock.runUntil(20);
  expect(seen).toEqual(["10 settled", "11 next"]);
});

test("a timer does not fire before the time its owner computes for it", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.double({ min: -0.5, max: 0.5, noNaN: true }),
      async (start, delay, drift) => {
        const clock = new SimClock();
        await clock.runUntil(Math.floor(start));
        const node = clock.nodeClock(123.25, drift);
        const due = node.now() + Math.floor(delay);
        let firedAt: number | undefined;
        node.setTimer(Math.floor(delay), () => void (firedAt = node.now()));
        await clock.runUntilIdleOr(() => false, Infinity);
        expect(firedAt).toBeGreaterThanOrEqual(due);
        expect(firedAt).toBeLessThan(due + 0.01);
      },
    ),
  );
});

test("running until a condition says why it came back and stops the time there", async () => {
  const { clock, seen, note } = recorded();
  clock.setTimer(10, note("one"));
  clock.setTimer(20, note("two"));
  expect(await clock.runUntilIdleOr(() => seen.length === 1, 100)).toBe("met");
  expect(clock.now()).toBe(10);
  expect(await clock.runUntilIdleOr(() => false, 5)).toBe("limit");
  expect(clock.now()).toBe(15);
  expect(await clock.runUntilIdleOr(() => false, 100)).toBe("idle");
  expect(clock.now()).toBe(20);
});

test("a loop in which no time passes fails the run", async () => {
  const clock = new SimClock({ eventsPerInstantMax: 1_000 });
  const again = () => clock.defer(again);
  again();
  await expect(clock.runUntil(1)).rejects.toThrow("stands still at 0 ms");
});

test("what an event throws fails the run", async () => {
  const clock = new SimClock();
  clock.setTimer(1, () => {
    throw new Error("invariant broken");
  });
  await expect(clock.runUntil(2)).rejects.toThrow("invariant broken");
});
