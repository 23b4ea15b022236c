/** How long a data node that was told to stop waits for others to take its slots. */

import { EMPTY_SLOT_TABLE, epoch, type ClusterState, type Member } from "@rollcall/core";
import { SimClock } from "@rollcall/testing";
import { expect, test } from "vitest";
import { HandOver, type HandOverEnd } from "../src/slots/hand-over.ts";

const member = (nodeId: string, change: Partial<Member> = {}): Member => ({
  nodeId,
  incarnation: 1,
  role: "data",
  address: `${nodeId}:1`,
  ...change,
});

const stateOf = (leader: string, followers: readonly string[], others: readonly Member[]): ClusterState => ({
  clusterId: "c",
  version: 1,
  members: [member("data-1", { draining: true }), ...others],
  departed: [],
  table: {
    epoch: epoch(3),
    owners: EMPTY_SLOT_TABLE.owners.map(() => ({ leader, followers, leaderEpoch: epoch(2) })),
  },
});

function handOver(state: ClusterState | undefined) {
  const clock = new SimClock();
  const world = { state, isJoined: true };
  const mechanism = new HandOver("data-1", { clock, state: () => world.state, isJoined: () => world.isJoined });
  let end: HandOverEnd | undefined;
  const begin = (ms: number): void => void mechanism.begin(ms).then((how) => (end = how));
  return { clock, world, mechanism, begin, end: () => end };
}

const OTHER = member("data-2");

test.each<{ what: string; state: ClusterState | undefined; end: HandOverEnd }>([
  { what: "has never joined", state: undefined, end: "all slots are with others" },
  { what: "owns nothing", state: stateOf("data-2", [], [OTHER]), end: "all slots are with others" },
  {
    what: "is alone",
    state: stateOf("data-1", [], [member("session-1", { role: "session" })]),
    end: "nobody takes them",
  },
  {
    what: "is beside nobody but those who stop as well",
    state: stateOf("data-2", ["data-1"], [member("data-2", { draining: true })]),
    end: "nobody takes them",
  },
])("a node that $what need not wait", async ({ state, end: expected }) => {
  const { clock, begin, end } = handOver(state);
  begin(10_000);
  await clock.runFor(0);
  expect(end()).toBe(expected);
});

test("it serves until it neither leads nor follows anything, and is told so at once", async () => {
  const { clock, world, mechanism, begin, end } = handOver(stateOf("data-1", ["data-2"], [OTHER]));
  expect(mechanism.hasBegun).toBe(false);
  begin(10_000);
  await clock.runFor(5_000);
  world.state = stateOf("data-2", ["data-1"], [OTHER]);
  mechanism.look();
  await clock.runFor(0);
  expect([mechanism.hasBegun, end()]).toEqual([true, undefined]);
  world.state = stateOf("data-2", [], [OTHER]);
  mechanism.look();
  await clock.runFor(0);
  expect(end()).toBe("all slots are with others");
});

test("it waits no longer than it may", async () => {
  const { clock, begin, end } = handOver(stateOf("data-1", ["data-2"], [OTHER]));
  begin(3_000);
  await clock.runFor(2_900);
  expect(end()).toBeUndefined();
  await clock.runFor(200);
  expect(end()).toBe("time is over");
});

test("it waits for another meta to lead, and not for one that does not come back", async () => {
  const { clock, world, begin, end } = handOver(stateOf("data-1", ["data-2"], [OTHER]));
  begin(60_000);
  await clock.runFor(5_000);
  world.isJoined = false;
  await clock.runFor(1_500);
  world.isJoined = true;
  await clock.runFor(1_000);
  world.isJoined = false;
  await clock.runFor(1_500);
  expect(end()).toBeUndefined();
  await clock.runFor(600);
  expect(end()).toBe("meta does not answer");
});
