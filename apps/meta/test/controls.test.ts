/** What operators decide, on a store that the test holds. */

import { silentLog, type Control } from "@rollcall/core";
import { SimClock } from "@rollcall/testing";
import { describe, expect, test } from "vitest";
import { CHANGES_MAX } from "../src/controls/change-log.ts";
import { Controls, type Decision } from "../src/controls/controls.ts";
import { HeldMetaStore } from "./held-meta-store.ts";
import { controlCodec } from "./open-cluster.ts";

const off: Control = { kind: "rebalance off" };
const by = (author: string, expectedVersion?: number): Decision => ({
  author,
  reason: "maintenance",
  decidedAt: "2026-01-01T00:00:00Z",
  expectedVersion,
});

async function open(store = new HeldMetaStore()) {
  const clock = new SimClock();
  let changes = 0;
  const ports = { clock, log: silentLog, leadership: store, codec: controlCodec };
  const controls = new Controls(await store.readControls(), ports, () => void changes++);
  return { clock, store, controls, changes: () => changes };
}

test("a decision is kept with who made it and why, and deciding anew replaces it", async () => {
  const { controls, store } = await open();
  const first = await controls.set(off, undefined, by("ann"));
  expect(first).toMatchObject({ id: "rebalance", version: 1, author: "ann", reason: "maintenance" });
  await controls.set(off, undefined, by("bob"));
  expect(controls.list()).toMatchObject([{ id: "rebalance", version: 2, author: "bob" }]);
  expect((await open(store)).controls.list()).toEqual(controls.list());
});

test("a decision that cannot be stored counts for nothing", async () => {
  const { controls, store, changes } = await open();
  store.writeControls = () => Promise.reject(new Error("no space left on device"));
  await expect(controls.set(off, undefined, by("ann"))).rejects.toThrow("no space left");
  expect([controls.list(), controls.version, changes()]).toEqual([[], 0, 0]);
});

describe("whoever says what he has seen", () => {
  test.each([
    { what: "that there is none, while there is one", expected: 0 },
    { what: "an older version", expected: 1 },
  ])("is refused when it is $what", async ({ expected }) => {
    const { controls } = await open();
    await controls.set(off, undefined, by("ann"));
    await controls.set(off, undefined, by("ann"));
    const late = controls.set(off, undefined, by("bob", expected));
    await expect(late).rejects.toMatchObject({
      reason: "conflict",
      message: `rebalance is at version 2, not at ${expected} as expected`,
    });
    await expect(controls.remove("rebalance", by("bob", expected))).rejects.toMatchObject({ reason: "conflict" });
    expect(await controls.remove("rebalance", by("bob", 2))).toBe(3);
  });

  test("decides alone, however many do so at once", async () => {
    const { controls } = await open();
    const both = ["ann", "bob"].map((author) => controls.set(off, undefined, by(author, 0)));
    const outcomes = await Promise.allSettled(both);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  });
});

describe("a decision for a time", () => {
  test("ends by itself", async () => {
    const { controls, clock, changes } = await open();
    await controls.set(off, 5_000, by("ann"));
    await clock.runFor(4_999);
    controls.sweep(clock.now());
    await clock.runFor(0);
    expect(controls.list()).toMatchObject([{ expiresInMs: 1 }]);
    await clock.runFor(1);
    controls.sweep(clock.now());
    await clock.runFor(0);
    expect([controls.list(), changes()]).toEqual([[], 2]);
  });

  test("is not much longer for restarts: what is left of it is kept every minute", async () => {
    const { controls, clock, store } = await open();
    await controls.set(off, 600_000, by("ann"));
    await clock.runFor(90_000);
    controls.sweep(clock.now());
    await clock.runFor(50_000);
    expect((await open(store)).controls.list()).toMatchObject([{ expiresInMs: 510_000 }]);
  });

  test("and not for ever", async () => {
    const { controls } = await open();
    expect(() => controls.set(off, 0, by("ann"))).toThrow("expires_in_ms must be from 1 to");
    expect(() => controls.set(off, undefined, by(" "))).toThrow("author must be 1 to 128 characters");
  });
});

describe("what was decided of late", () => {
  test("is told with who, why, and the record before and after, and outlives a restart", async () => {
    const { controls, clock, store } = await open();
    await controls.set(off, undefined, by("ann"));
    await controls.set(off, 5_000, by("bob"));
    await clock.runFor(5_000);
    controls.sweep(clock.now());
    await clock.runFor(0);
    await controls.set(off, undefined, by("cat"));
    await controls.remove("rebalance", by("dan"));
    const changes = controls.changes();
    expect(
      changes.map(({ version, author, reason, before, after }) => {
        return [version, author, reason, before?.version, after?.version];
      }),
    ).toEqual([
      [1, "ann", "maintenance", undefined, 1],
      [2, "bob", "maintenance", 1, 2],
      [3, "meta", "its time was over", 2, undefined],
      [4, "cat", "maintenance", undefined, 4],
      [5, "dan", "maintenance", 4, undefined],
    ]);
    expect(changes[1]).toMatchObject({ before: { author: "ann" }, after: { author: "bob", control: off } });
    expect(JSON.stringify((await open(store)).controls.changes())).toBe(JSON.stringify(changes));
    expect(controls.changes(2)).toEqual(changes.slice(3));
  });

  test("is forgotten after a thousand others, also in the store", async () => {
    const { controls, store } = await open();
    for (let change = 1; change <= CHANGES_MAX + 5; change++) await controls.set(off, undefined, by("ann"));
    expect(controls.changes().map(({ version }) => version)).toEqual(
      Array.from({ length: CHANGES_MAX }, (_, at) => at + 6),
    );
    expect((await store.readControls()).records.size).toBe(CHANGES_MAX + 1);
  });

  test("is not what could not be stored", async () => {
    const { controls, store } = await open();
    const writeControls = store.writeControls.bind(store);
    store.writeControls = () => Promise.reject(new Error("no space left on device"));
    await expect(controls.set(off, undefined, by("ann"))).rejects.toThrow("no space left");
    store.writeControls = writeControls;
    await controls.set(off, undefined, by("bob"));
    expect(controls.changes()).toMatchObject([{ version: 1, author: "bob" }]);
  });
});
