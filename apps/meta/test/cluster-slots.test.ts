/** How the cluster comes to its slot table: what followers say, which nodes may lead, and when nobody is given anything. */

import { ALL_SLOTS, SLOT_COUNT, ownerOf, type ClusterState } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { ROUND_PAUSE_MS } from "../src/cluster/cluster.ts";
import { hello, leadersOf, leadsOf, membersOf, openCluster, reportAll } from "./open-cluster.ts";

describe("what followers have in full", () => {
  test("decides who takes over, without anything being gathered anew", async () => {
    const { cluster, rounds, sync } = await openCluster();
    for (const nodeId of ["data-1", "data-2", "data-3"]) cluster.join(hello(nodeId));
    await sync();
    const before = cluster.state.table;
    expect(cluster.slots()).toMatchObject({ leaderless: 0, unsynced: 0 });
    cluster.leave(cluster.join(hello("data-1")));
    await rounds();
    for (const [slot, { leader, followers }] of before.owners.entries())
      expect(ownerOf(cluster.state.table, ALL_SLOTS[slot]!).leader).toBe(leader === "data-1" ? followers[0] : leader);
    expect(cluster.slots().unsynced).toBeGreaterThan(0);
  });

  test("makes leads even, a few at a time, each round durable and told before the next", async () => {
    const { cluster, told, rounds, sync } = await openCluster();
    cluster.join(hello("data-1"));
    cluster.join(hello("data-2"));
    await rounds();
    expect(leadsOf(cluster.state, "data-2")).toBe(0);
    reportAll(cluster, "data-2");
    await rounds();
    expect(leadsOf(cluster.state, "data-2")).toBe(64);
    await sync();
    expect(leadsOf(cluster.state, "data-2")).toBe(128);
    expect(cluster.slots()).toEqual({ leaderless: 0, unsynced: 0, moves: 128 });
    for (const [index, { version, table }] of told.entries()) {
      if (index === 0) continue;
      expect(version).toBe(told[index - 1]!.version + 1);
      expect(table.epoch).toBeLessThanOrEqual(told[index - 1]!.table.epoch + 1);
    }
  });

  test("is looked at again after each round: the room that one has made is used by the next", async () => {
    const { cluster, sync } = await openCluster({ replicas: 1 });
    cluster.join(hello("data-1"));
    cluster.join(hello("data-2"));
    await sync();
    expect([leadsOf(cluster.state, "data-2"), cluster.slots().moves]).toEqual([128, 128]);
    expect(cluster.state.table.owners.flatMap(({ followers }) => followers)).toEqual([]);
  });

  test("counts only when it was said of the state that is in force", async () => {
    const { cluster, rounds } = await openCluster();
    cluster.join(hello("data-1"));
    cluster.join(hello("data-2"));
    await rounds();
    const { version } = cluster.state;
    cluster.join(hello("session-1"));
    await rounds();
    reportAll(cluster, "data-2", { ...cluster.state, version });
    reportAll(cluster, "data-2", { ...cluster.state, version: cluster.state.version + 1 });
    await rounds();
    expect(cluster.slots()).toMatchObject({ unsynced: SLOT_COUNT, moves: 0 });
    reportAll(cluster, "data-2");
    await rounds();
    expect(cluster.slots().moves).toBe(64);
  });

  test("is not made a new state of unless it changes the table", async () => {
    const { cluster, told, rounds, sync } = await openCluster();
    cluster.join(hello("data-1"));
    cluster.join(hello("data-2"));
    await sync();
    const { length } = told;
    for (const nodeId of ["data-1", "data-2"]) reportAll(cluster, nodeId);
    cluster.reportSynced("data-2", cluster.state.version, new Set());
    await rounds();
    expect(told).toHaveLength(length);
    expect(cluster.slots().unsynced).toBe(128);
  });

  test("is forgotten when the follower restarts: it is not promoted before it has synced anew", async () => {
    const { cluster, rounds, sync } = await openCluster({ replicas: 3 });
    for (const nodeId of ["data-1", "data-2", "data-3"]) cluster.join(hello(nodeId));
    await sync();
    cluster.join(hello("data-2", { startId: "second" }));
    await rounds();
    expect(leadsOf(cluster.state, "data-2")).toBe(0);
    for (const nodeId of ["data-1", "data-3"]) reportAll(cluster, nodeId);
    await rounds();
    cluster.leave(cluster.join(hello("data-1")));
    await rounds();
    expect(leadersOf(cluster.state)).toEqual(new Set(["data-3"]));
    await sync();
    expect(leadsOf(cluster.state, "data-2")).toBe(128);
  });
});

describe("with fewer data nodes than there should be", () => {
  test("nobody takes over, and with enough of them all is given out", async () => {
    const { cluster, rounds, sync } = await openCluster({ dataNodesMin: 2 });
    const first = cluster.join(hello("data-1"));
    await rounds();
    expect(leadersOf(cluster.state)).toEqual(new Set([undefined]));
    cluster.join(hello("data-2"));
    await sync();
    const { table } = cluster.state;
    expect(leadersOf(cluster.state)).toEqual(new Set(["data-1", "data-2"]));
    cluster.leave(first);
    await rounds();
    expect([membersOf(cluster.state), cluster.state.table === table]).toEqual([["data-2"], true]);
    cluster.join(hello("data-3"));
    await rounds();
    expect(leadersOf(cluster.state)).toEqual(new Set(["data-2"]));
  });
});

describe("a node whose lease has ended and that is back", () => {
  async function backAgain() {
    const it = await openCluster();
    const stays = it.cluster.join(hello("data-1"));
    const goes = it.cluster.join(hello("data-2"));
    await it.sync();
    const run = async (ms: number, alive = [stays]) => {
      for (let passed = 0; passed < ms; passed += 1_000) {
        for (const member of alive) it.cluster.renew(member);
        await it.clock.runFor(1_000);
      }
    };
    await run(5_000);
    expect(membersOf(it.cluster.state)).toEqual(["data-1"]);
    const back = it.cluster.join(hello("data-2", { incarnation: goes.incarnation }));
    await it.sync();
    return { ...it, run: (ms: number) => run(ms, [stays, back]), stays };
  }

  test("follows, and gets leads again after a minute", async () => {
    const { cluster, run, sync } = await backAgain();
    await run(59_000);
    await sync();
    expect(leadsOf(cluster.state, "data-2")).toBe(0);
    expect(cluster.slots().unsynced).toBe(0);
    await run(2_000);
    await sync();
    expect(leadsOf(cluster.state, "data-2")).toBe(128);
  });

  test("is said to be unsteady until then", async () => {
    const { cluster, run } = await backAgain();
    const unsteady = () => cluster.state.members.filter((member) => member.unsteady).map(({ nodeId }) => nodeId);
    expect(unsteady()).toEqual(["data-2"]);
    await run(62_000);
    expect(unsteady()).toEqual([]);
  });

  test("takes over at once when the leader is lost", async () => {
    const { cluster, rounds, stays } = await backAgain();
    cluster.leave(stays);
    await rounds();
    expect(leadsOf(cluster.state, "data-2")).toBe(SLOT_COUNT);
  });

  test("unlike one that left, or that restarted", async () => {
    const { cluster, sync } = await openCluster();
    cluster.join(hello("data-1"));
    cluster.leave(cluster.join(hello("data-2")));
    cluster.join(hello("data-2", { startId: "second" }));
    await sync();
    expect(leadsOf(cluster.state, "data-2")).toBe(128);
    cluster.join(hello("data-2", { startId: "third" }));
    await sync();
    expect(leadsOf(cluster.state, "data-2")).toBe(128);
  });
});

describe("a data node that is to hand its slots over", () => {
  const decision = { author: "ann", reason: "new machine", decidedAt: "", expectedVersion: undefined };
  const owns = (state: ClusterState, nodeId: string): boolean =>
    state.table.owners.some(({ leader, followers }) => leader === nodeId || followers.includes(nodeId));
  const drainingOf = (state: ClusterState) =>
    state.members.filter(({ draining }) => draining).map(({ nodeId }) => nodeId);

  async function three() {
    const it = await openCluster({ nodeLeaseMs: 60_000 });
    const [first, second, third] = ["data-1", "data-2", "data-3"].map((nodeId) => it.cluster.join(hello(nodeId)));
    await it.sync();
    return { ...it, first: first!, second: second!, third: third! };
  }

  test("because it was told to stop owns nothing when all are synced; everybody is told that it drains", async () => {
    const { cluster, sync, settle, first, told } = await three();
    const { epoch } = cluster.state.table;
    cluster.reportStopping(first, true);
    await settle();
    expect(drainingOf(cluster.state)).toEqual(["data-1"]);
    await sync();
    expect([owns(cluster.state, "data-1"), membersOf(cluster.state)]).toEqual([false, ["data-1", "data-2", "data-3"]]);
    expect(told.at(-1)!.table.epoch).toBeGreaterThan(epoch);
    const { table } = cluster.state;
    cluster.leave(first);
    await sync();
    expect(cluster.state.table, "nothing moves when it leaves").toBe(table);
  });

  test("because it was told to stop is like any other in its next life", async () => {
    const { cluster, sync, first } = await three();
    cluster.reportStopping(first, true);
    await sync();
    cluster.join(hello("data-1", { startId: "second" }));
    await sync();
    expect([drainingOf(cluster.state), leadsOf(cluster.state, "data-1")]).toEqual([[], 85]);
  });

  test("because an operator said so stays a member without slots, over restarts, until that is taken back", async () => {
    const { cluster, sync } = await three();
    const drain = { kind: "node drain", nodeId: "data-2" } as const;
    const { id } = await cluster.controls.set(drain, undefined, decision);
    await sync();
    expect([drainingOf(cluster.state), owns(cluster.state, "data-2")]).toEqual([["data-2"], false]);
    cluster.join(hello("data-2", { startId: "second" }));
    await sync();
    expect([drainingOf(cluster.state), owns(cluster.state, "data-2")]).toEqual([["data-2"], false]);
    await cluster.controls.remove(id, decision);
    await sync();
    expect([drainingOf(cluster.state), leadsOf(cluster.state, "data-2")]).toEqual([[], 85]);
  });

  test("is named by an id that a node can have", async () => {
    const { cluster } = await openCluster();
    const drain = { kind: "node drain", nodeId: "data 1" } as const;
    expect(() => cluster.controls.set(drain, undefined, decision)).toThrow(/node_id/);
  });
});

test("while an operator has turned rebalancing off nothing moves but what has to, and afterwards all goes on", async () => {
  const { clock, cluster, sync, rounds } = await openCluster();
  for (const nodeId of ["data-1", "data-2"]) cluster.join(hello(nodeId));
  await sync();
  const decision = { author: "ann", reason: "import", decidedAt: "", expectedVersion: undefined };
  await cluster.controls.set({ kind: "rebalance off" }, undefined, decision);
  cluster.join(hello("data-3"));
  await sync();
  expect(leadsOf(cluster.state, "data-3")).toBe(0);
  const gone = cluster.join(hello("data-2"));
  cluster.leave(gone);
  await rounds();
  expect(leadersOf(cluster.state)).not.toContain("data-2");
  await cluster.controls.remove("rebalance", decision);
  await clock.runFor(ROUND_PAUSE_MS);
  await sync();
  expect(leadsOf(cluster.state, "data-3")).toBe(128);
});
