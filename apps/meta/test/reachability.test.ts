/** Who cannot be reached by whom. */

import type { Member } from "@rollcall/core";
import { SimClock } from "@rollcall/testing";
import { expect, test } from "vitest";
import { DIAL_AGAIN_MS, Reachability } from "../src/membership/reachability.ts";

const member = (nodeId: string, address = `${nodeId}:1`): Member => ({
  nodeId,
  address,
  incarnation: 1,
  role: "session",
});

function open(there = new Set<string>()) {
  const clock = new SimClock();
  const dialed: string[] = [];
  let changes = 0;
  const reachability = new Reachability({
    clock,
    reaches(address) {
      dialed.push(address);
      return Promise.resolve(there.has(address));
    },
    changed: () => changes++,
  });
  return { clock, reachability, dialed, there, changes: () => changes };
}

test("what nodes say of each other counts until they say otherwise, and is news only when it is new", () => {
  const { reachability, changes } = open();
  reachability.report("session-2", ["data-1"]);
  reachability.report("session-1", ["data-1", "data-2"]);
  reachability.report("session-1", ["data-2", "data-1"]);
  expect([reachability.unreachableFrom("data-1"), changes()]).toEqual([["session-1", "session-2"], 2]);
  reachability.report("session-1", []);
  reachability.report("session-3", []);
  expect([reachability.unreachableFrom("data-1"), reachability.unreachableFrom("data-2"), changes()]).toEqual([
    ["session-2"],
    [],
    3,
  ]);
});

test("what a node has said goes with it", () => {
  const { reachability } = open();
  reachability.report("session-1", ["data-1"]);
  reachability.gone("session-1");
  expect(reachability.unreachableFrom("data-1")).toEqual([]);
});

test("a node that joins is dialed back once, and again and again while nobody answers", async () => {
  const { clock, reachability, dialed, there } = open(new Set(["session-1:1"]));
  reachability.joined(member("session-1"));
  reachability.joined(member("session-2"));
  await clock.runFor(3 * DIAL_AGAIN_MS - 1);
  expect(dialed).toEqual(["session-1:1", "session-2:1", "session-2:1", "session-2:1"]);
  expect([reachability.unreachableFrom("session-1"), reachability.unreachableFrom("session-2")]).toEqual([
    [],
    ["meta"],
  ]);
  there.add("session-2:1");
  await clock.runFor(10 * DIAL_AGAIN_MS);
  expect([dialed.length, reachability.unreachableFrom("session-2")]).toEqual([5, []]);
});

test("a node that is gone, or joins at another address, is not looked for where it was", async () => {
  const { clock, reachability, dialed } = open(new Set(["new:1"]));
  reachability.joined(member("a"));
  reachability.joined(member("b"));
  await clock.runFor(1);
  reachability.gone("a");
  reachability.joined(member("b", "new:1"));
  await clock.runFor(10 * DIAL_AGAIN_MS);
  expect(dialed).toEqual(["a:1", "b:1", "new:1"]);
  expect([reachability.unreachableFrom("a"), reachability.unreachableFrom("b")]).toEqual([[], []]);
});
