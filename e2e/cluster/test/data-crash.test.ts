// Data nodes that die, come and go while clients are at work: R3, R4 and R22 of the contract.

import { ownerOf, serviceKey, slotOfServiceKey, type SlotOwner } from "@rollcall/core";
import { expect, test } from "vitest";

import type { RealCluster, RealNode } from "../src/real-cluster.ts";
import { slotsLed } from "../src/slot-moves.ts";
import { until } from "../src/until.ts";
import { tell, expectSurvived, type Stage } from "./fault-fixture.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 3, sessions: 2 });

/** What other tests beside this one may take of the machine: the contract speaks of an unloaded one. */
const MACHINE_MS = 2_000;
/** Limits of the contract, in milliseconds. */
const SERVED_AGAIN_MS = 4_000 + MACHINE_MS;
const REBUILT_MS = 5_000;
/** Longer than a node lease: by then meta has given the slots of the dead to others. */
const ASSIGNED_MS = 10_000;

test("the leader of slots is killed: they are served again within 4 s, and nobody notices", async () => {
  const { cluster } = fixture;
  await cluster.settled();
  await expectSurvived(cluster, { name: "leader-killed" }, async (stage) => {
    const [dying] = cluster.data as [RealNode];
    const { killedAt, epochs, orphans } = await kill(cluster, [dying], stage);
    expect(orphans, "changing services whose slot has no follower that lives").toBe(0);
    await stage.traffic.untilNewLeaders(epochs, SERVED_AGAIN_MS);
    tell(`the leader of ${epochs.size} changing services is killed: served again after ${since(killedAt)} ms`);
  });
});

test("leader and follower of slots are killed together: rebuilt from the sessions within 5 s of their assignment", async () => {
  const { cluster } = fixture;
  // Four nodes, of which two stay.
  await Promise.all([cluster.addNode("data"), cluster.addNode("data")]);
  await cluster.settled();
  await expectSurvived(cluster, { name: "pair-killed", shape: { services: 80 } }, async (stage) => {
    const dying = cluster.data.slice(0, 2);
    const { killedAt, epochs, orphans } = await kill(cluster, dying, stage);
    expect(orphans, "changing services whose slot has no follower that lives").toBeGreaterThan(0);
    await until(async () => slotsLed((await cluster.state()).table, dying).every((count) => count === 0), {
      what: "others are given the slots of the dead",
      withinMs: ASSIGNED_MS,
    });
    const assignedAt = performance.now();
    await stage.traffic.untilNewLeaders(epochs, REBUILT_MS);
    tell(
      `leaders of ${epochs.size} changing services are killed, of ${orphans} with all followers: assigned after ` +
        `${(assignedAt - killedAt).toFixed(0)} ms, served again ${since(assignedAt)} ms later`,
    );
  });
});

test("data nodes are added and removed: slots end up even, each moves once at most, and nobody notices", async () => {
  const { cluster } = fixture;
  await expectSurvived(cluster, { name: "scaled" }, async ({ slots }) => {
    const steps: readonly (() => Promise<unknown>)[] = [
      () => cluster.addNode("data"),
      () => cluster.addNode("data"),
      () => cluster.stop(cluster.data[0]!),
      () => cluster.stop(cluster.data[0]!),
    ];
    for (const step of steps) {
      const movesBefore = slots.moves.length;
      const from = performance.now();
      await step();
      await cluster.settled();
      tell(
        `${cluster.data.length} data nodes: even and ready after ${since(from)} ms, ` +
          `${slots.moves.length - movesBefore} slots moved`,
      );
      expect(slots.movedTwice(movesBefore)).toEqual([]);
    }
  });
}, 60_000);

interface Killed {
  readonly killedAt: number;
  /** The changing services that they led, and at which leader epoch. */
  readonly epochs: ReadonlyMap<string, number>;
  /** Of how many of these they were all the followers too. */
  readonly orphans: number;
}

async function kill(cluster: RealCluster, nodes: readonly RealNode[], { traffic }: Stage): Promise<Killed> {
  const { table } = await cluster.state();
  const dying = new Set(nodes.map(({ nodeId }) => nodeId));
  const ownerOfService = (service: string): SlotOwner => ownerOf(table, slotOfServiceKey(serviceKey({ service })));
  const led = traffic.busy.filter((service) => dying.has(ownerOfService(service).leader ?? ""));
  const orphans = led.filter((service) => ownerOfService(service).followers.every((nodeId) => dying.has(nodeId)));
  expect(led.length, "changing services that are led by who dies").toBeGreaterThan(0);
  const epochs = traffic.epochsOf(led);
  const killedAt = performance.now();
  await Promise.all(nodes.map((node) => cluster.kill(node)));
  return { killedAt, epochs, orphans: orphans.length };
}

function since(from: number): string {
  return (performance.now() - from).toFixed(0);
}
