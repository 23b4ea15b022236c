import type { RegistryError } from "@rollcall/core";
import { SimClock } from "@rollcall/testing";
import { describe, expect, test } from "vitest";

import { RestoreGate, type Entrant } from "../src/connections/restore-gate.ts";

function open({ restoringMax = 2, queueMax = 2 } = {}) {
  const clock = new SimClock();
  const gate = new RestoreGate(clock, { restoringMax, queueMax });
  const seen: string[] = [];
  const arrive = (name: string): Entrant => {
    const entrant: Entrant = {
      enter: () => void seen.push(`${name} enters`),
      turnAway: ({ reason, retryAfterMs }: RegistryError) => void seen.push(`${name}: ${reason}, ${retryAfterMs}`),
    };
    gate.request(entrant);
    return entrant;
  };
  const run = async (ms: number): Promise<void> => {
    await clock.runFor(ms);
    gate.sweep(clock.now());
  };
  return { gate, seen, arrive, run };
}

describe("clients that come at once", () => {
  test("are let in at once while there is room, then in order as others are done, and are turned away beyond that", () => {
    const { gate, seen, arrive } = open();
    const [a, b] = [arrive("a"), arrive("b")];
    for (const name of ["c", "d", "e"]) arrive(name);
    expect(seen).toEqual(["a enters", "b enters", "e: overloaded, 1000"]);
    expect([gate.restoring, gate.waiting, gate.refused]).toEqual([2, 2, 1]);
    gate.leave(b);
    gate.leave(a);
    expect(seen.slice(3)).toEqual(["c enters", "d enters"]);
    expect([gate.restoring, gate.waiting]).toEqual([2, 0]);
  });

  test("that go while they wait make room for others", () => {
    const { gate, seen, arrive } = open({ restoringMax: 1, queueMax: 1 });
    const [a, b] = [arrive("a"), arrive("b")];
    gate.leave(b);
    arrive("c");
    gate.leave(a);
    expect(seen).toEqual(["a enters", "c enters"]);
  });

  test("are sent elsewhere when it is not their turn in time", async () => {
    const { seen, arrive, run } = open({ restoringMax: 1, queueMax: 3 });
    for (const name of ["a", "b", "c", "d"]) arrive(name);
    await run(5_000);
    await run(4_999);
    expect(seen).toEqual(["a enters", "b enters"]);
    await run(1);
    expect(seen).toEqual(["a enters", "b enters", "c enters", "d: overloaded, 1000"]);
  });

  test("do not wait for ever for some that are never answered", async () => {
    const { gate, seen, arrive, run } = open({ restoringMax: 1 });
    arrive("a");
    await run(4_000);
    arrive("b");
    await run(1_000);
    expect(seen).toEqual(["a enters", "b enters"]);
    expect(gate.restoring).toBe(1);
  });
});

test("of very many, only some are let in within one turn, and none that is gone by then", async () => {
  const { gate, seen, arrive, run } = open({ restoringMax: 100 });
  const all = Array.from({ length: 60 }, (_, index) => arrive(`${index}`));
  const first = seen.length;
  expect(first).toBeLessThan(40);
  gate.leave(all.at(-1)!);
  await run(0);
  expect(seen).toEqual(all.slice(0, -1).map((_, index) => `${index} enters`));
});

test("who is not let in yet when the time to be brought back is over is let in all the same", async () => {
  const { gate, seen, arrive, run } = open({ restoringMax: 100 });
  for (let index = 0; index < 60; index++) arrive(`${index}`);
  gate.sweep(5_000);
  await run(0);
  expect(seen).toHaveLength(60);
});

test("one that is done twice makes room once", () => {
  const { gate, seen, arrive } = open({ restoringMax: 1, queueMax: 3 });
  const a = arrive("a");
  for (const name of ["b", "c"]) arrive(name);
  gate.leave(a);
  gate.leave(a);
  expect(seen).toEqual(["a enters", "b enters"]);
});
