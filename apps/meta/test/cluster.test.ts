import { SLOT_COUNT, type ClusterState } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { DEPARTED_MS } from "../src/membership/departed.ts";
import { HeldMetaStore } from "./held-meta-store.ts";
import { LEASE_MS, hello, leadersOf, membersOf, openCluster } from "./open-cluster.ts";

describe("a cluster that is founded", () => {
  test("has an id of its own, nobody in it, and is durable before it is told", async () => {
    const { cluster, store, told } = await openCluster();
    expect(told).toEqual([cluster.state]);
    expect(cluster.state).toMatchObject({ version: 1, members: [], table: { epoch: 0 } });
    expect(store.record?.clusterId).toBe(cluster.state.clusterId);
    const other = await openCluster({ seed: 2 });
    expect(other.cluster.state.clusterId).not.toBe(cluster.state.clusterId);
  });

  test("gives the slots to data nodes and none to others", async () => {
    const { cluster, sync } = await openCluster();
    cluster.join(hello("session-1"));
    cluster.join(hello("data-1"));
    cluster.join(hello("data-2"));
    await sync();
    expect(membersOf(cluster.state)).toEqual(["session-1", "data-1", "data-2"]);
    expect(leadersOf(cluster.state)).toEqual(new Set(["data-1", "data-2"]));
  });
});

describe("a state is told only once it is durable", () => {
  test("while it is being written, everybody sees the state before it", async () => {
    const { cluster, store, told, settle } = await openCluster();
    store.hold();
    const member = cluster.join(hello("data-1"));
    await settle();
    expect(member.incarnation).toBe(1);
    expect([cluster.state.version, told.length]).toEqual([1, 1]);
    expect(store.writing).toMatchObject({ version: 2, lastIncarnation: 1 });
    store.finish();
    await settle();
    expect(told.at(-1)).toBe(cluster.state);
    expect(membersOf(cluster.state)).toEqual(["data-1"]);
    expect(store.record?.table).toEqual(cluster.state.table);
  });

  test("changes that come meanwhile are written together by the next write", async () => {
    const { cluster, store, told, settle } = await openCluster();
    store.hold();
    for (const nodeId of ["data-1", "data-2", "data-3", "session-1"]) cluster.join(hello(nodeId));
    cluster.leave(cluster.join(hello("data-4")));
    expect(store.writing?.members).toHaveLength(1);
    store.finish();
    await settle();
    expect(membersOf(told.at(-1))).toEqual(["data-1"]);
    expect(store.writing?.members.map(({ nodeId }) => nodeId)).toEqual(["data-1", "data-2", "data-3", "session-1"]);
    store.finish();
    await settle();
    expect(store.writing).toBeUndefined();
    expect(told.map(({ version }) => version)).toEqual([1, 2, 3]);
  });

  test("one that could not be written is told to nobody and written again within a sweep", async () => {
    const { clock, cluster, store, told, errors, settle } = await openCluster();
    store.hold();
    const member = cluster.join(hello("data-1"));
    store.fail("disk full");
    await settle();
    expect([cluster.state.version, told.length, errors.length]).toEqual([1, 1, 1]);
    await clock.runFor(250);
    expect(store.writing).toMatchObject({ version: 2, lastIncarnation: member.incarnation });
    store.finish();
    await settle();
    expect(membersOf(cluster.state)).toEqual(["data-1"]);
  });

  test("the next change writes what a failed write has left", async () => {
    const { cluster, store, settle } = await openCluster();
    store.hold();
    cluster.join(hello("data-1"));
    cluster.join(hello("data-2"));
    store.fail("disk full");
    await settle();
    cluster.join(hello("session-1"));
    store.finish();
    await settle();
    expect(membersOf(cluster.state)).toEqual(["data-1", "data-2", "session-1"]);
    expect(cluster.state.version).toBe(2);
  });
});

describe("a node that falls silent", () => {
  test("is dropped when its lease has ended, and its slots go to the others", async () => {
    const { clock, cluster } = await openCluster();
    const silent = cluster.join(hello("data-1"));
    const renewing = cluster.join(hello("data-2"));
    for (let second = 1; second <= 2; second++) {
      await clock.runFor(1_000);
      expect(cluster.renew(renewing)).toBe(true);
    }
    expect(membersOf(cluster.state)).toEqual(["data-1", "data-2"]);
    await clock.runFor(1_500);
    expect(membersOf(cluster.state)).toEqual(["data-2"]);
    expect(leadersOf(cluster.state)).toEqual(new Set(["data-2"]));
    expect(cluster.renew(silent)).toBe(false);
  });

  test("and comes back as the life it was has what it had", async () => {
    const { clock, cluster, settle } = await openCluster();
    const { incarnation } = cluster.join(hello("data-1"));
    await settle();
    const before = cluster.state.table;
    await clock.runFor(LEASE_MS + 500);
    expect(membersOf(cluster.state)).toEqual([]);
    expect(cluster.state.table, "there is nobody else to give them to").toBe(before);
    expect(cluster.slots().leaderless).toBe(SLOT_COUNT);
    cluster.join(hello("data-1", { incarnation }));
    await settle();
    expect(cluster.state.table).toBe(before);
    expect(cluster.slots()).toEqual({ leaderless: 0, unsynced: 0, moves: 0 });
  });

  test("and comes back in a new life takes them up at higher epochs", async () => {
    const { clock, cluster, settle } = await openCluster();
    cluster.join(hello("data-1"));
    await clock.runFor(LEASE_MS + 500);
    const before = cluster.state.table;
    cluster.join(hello("data-1", { startId: "second" }));
    await settle();
    expect(leadersOf(cluster.state)).toEqual(new Set(["data-1"]));
    for (const [slot, { leaderEpoch }] of cluster.state.table.owners.entries())
      expect(leaderEpoch).toBe(before.owners[slot]!.leaderEpoch + 1);
  });
});

test("a restart within the lease gives the node's slots a higher epoch, for it has lost them", async () => {
  const { cluster, settle, sync } = await openCluster({ replicas: 1 });
  cluster.join(hello("data-1"));
  cluster.join(hello("data-2"));
  await sync();
  const before = cluster.state;
  cluster.join(hello("data-1", { startId: "second" }));
  await settle();
  expect(cluster.state.members.find(({ nodeId }) => nodeId === "data-1")?.incarnation).toBe(3);
  for (const [slot, { leader, leaderEpoch }] of cluster.state.table.owners.entries()) {
    const known = before.table.owners[slot]!;
    expect(leader).toBe(known.leader);
    expect(leaderEpoch).toBe(leader === "data-1" ? known.leaderEpoch + 1 : known.leaderEpoch);
  }
});

test("a session that joins or restarts moves no slot", async () => {
  const { cluster, settle } = await openCluster();
  cluster.join(hello("data-1"));
  await settle();
  const { table } = cluster.state;
  cluster.join(hello("session-1"));
  cluster.join(hello("session-1", { startId: "second" }));
  await settle();
  expect(cluster.state.table).toBe(table);
  expect(cluster.state.version).toBeGreaterThan(2);
});

test("a reconnect changes nothing and writes nothing", async () => {
  const { cluster, told, settle } = await openCluster();
  const member = cluster.join(hello("data-1"));
  await settle();
  const { length } = told;
  expect(cluster.join(hello("data-1", { incarnation: 1 }))).toBe(member);
  await settle();
  expect(told).toHaveLength(length);
});

describe("a meta that starts from its store", () => {
  async function restarted() {
    const first = await openCluster();
    for (const nodeId of ["data-1", "data-2", "session-1"]) first.cluster.join(hello(nodeId));
    await first.settle();
    first.cluster.close();
    return { before: first.cluster.state, second: await openCluster({ store: new HeldMetaStore(first.store.record) }) };
  }

  test("knows the cluster, its members, their incarnations and the very table", async () => {
    const { before, second } = await restarted();
    expect(second.cluster.state).toEqual({ ...before, version: before.version + 1 });
    expect(second.cluster.join(hello("data-1")).incarnation).toBe(1);
    expect(second.cluster.join(hello("data-9")).incarnation).toBe(4);
  });

  test("evicts nobody for one lease, and then those who have not come back", async () => {
    const { second } = await restarted();
    await second.clock.runFor(LEASE_MS - 1);
    const back = second.cluster.join(hello("data-1", { incarnation: 1 }));
    expect(back.incarnation).toBe(1);
    expect(membersOf(second.cluster.state)).toEqual(["data-1", "data-2", "session-1"]);
    await second.clock.runFor(500);
    expect(membersOf(second.cluster.state)).toEqual(["data-1"]);
    expect(second.cluster.state.departed).toMatchObject([{ nodeId: "session-1", incarnation: 3 }]);
    expect(leadersOf(second.cluster.state)).toEqual(new Set(["data-1"]));
  });

  test("never lets versions or epochs go back", async () => {
    const { before, second } = await restarted();
    second.cluster.join(hello("data-2", { startId: "second" }));
    await second.settle();
    let last = before;
    for (const state of second.told) {
      expect(state.version).toBeGreaterThan(last.version);
      expect(state.table.epoch).toBeGreaterThanOrEqual(last.table.epoch);
      for (let slot = 0; slot < SLOT_COUNT; slot++)
        expect(state.table.owners[slot]!.leaderEpoch).toBeGreaterThanOrEqual(last.table.owners[slot]!.leaderEpoch);
      last = state;
    }
  });

  test("tells of a store that cannot be read", async () => {
    const store = new HeldMetaStore();
    store.read = () => Promise.reject(new Error("unreadable"));
    await expect(openCluster({ store })).rejects.toThrow("unreadable");
  });
});

test("a closed cluster looks at no lease any more", async () => {
  const { clock, cluster, told, settle } = await openCluster();
  cluster.join(hello("data-1"));
  await settle();
  const { length } = told;
  cluster.close();
  await clock.runFor(10 * LEASE_MS);
  expect(told).toHaveLength(length);
});

describe("sessions that went are told of for a while", () => {
  const departedOf = (state: ClusterState) => state.departed.map((member) => `${member.nodeId}#${member.incarnation}`);

  test("whether they left, restarted or fell silent, and then no more", async () => {
    const { clock, cluster, told, settle } = await openCluster();
    cluster.leave(cluster.join(hello("session-1")));
    cluster.join(hello("session-2"));
    cluster.join(hello("session-2", { startId: "second" }));
    cluster.join(hello("data-1"));
    cluster.leave(cluster.join(hello("data-2")));
    await settle();
    expect(departedOf(cluster.state)).toEqual(["session-1#1", "session-2#2"]);
    await clock.runFor(LEASE_MS + 500);
    expect(membersOf(cluster.state)).toEqual([]);
    expect(departedOf(cluster.state)).toEqual(["session-1#1", "session-2#2", "session-2#3"]);
    await clock.runFor(DEPARTED_MS - LEASE_MS);
    expect(departedOf(cluster.state)).toEqual(["session-2#3"]);
    await clock.runFor(LEASE_MS + 500);
    expect(departedOf(cluster.state)).toEqual([]);
    expect(told.at(-1)).toBe(cluster.state);
  });

  test("unless the same life is back", async () => {
    const { clock, cluster, settle } = await openCluster();
    const { incarnation } = cluster.join(hello("session-1"));
    await clock.runFor(LEASE_MS + 500);
    expect(departedOf(cluster.state)).toEqual(["session-1#1"]);
    cluster.join(hello("session-1", { incarnation }));
    await settle();
    expect(departedOf(cluster.state)).toEqual([]);
  });

  test("also by a meta that has restarted meanwhile", async () => {
    const first = await openCluster();
    first.cluster.leave(first.cluster.join(hello("session-1")));
    await first.settle();
    first.cluster.close();
    const { clock, cluster } = await openCluster({ store: new HeldMetaStore(first.store.record) });
    await clock.runFor(DEPARTED_MS - 500);
    expect(departedOf(cluster.state)).toEqual(["session-1#1"]);
    await clock.runFor(1_000);
    expect(departedOf(cluster.state)).toEqual([]);
  });
});

describe("a meta that stood still", () => {
  test("evicts nobody, and then those who do not renew for a whole lease", async () => {
    const { clock, cluster, pause, resume, sync } = await openCluster();
    const alive = cluster.join(hello("data-1"));
    cluster.join(hello("data-2"));
    cluster.join(hello("session-1"));
    await sync();
    const before = cluster.state;
    pause();
    await clock.runFor(30_000);
    resume();
    await clock.runFor(LEASE_MS - 500);
    expect(cluster.state).toBe(before);
    expect(cluster.renew(alive)).toBe(true);
    await clock.runFor(1_000);
    expect(membersOf(cluster.state)).toEqual(["data-1"]);
  });

  test("for less than a second has only been slow: leases end as ever", async () => {
    const { clock, cluster, pause, resume } = await openCluster();
    cluster.join(hello("data-1"));
    await clock.runFor(LEASE_MS - 250);
    pause();
    await clock.runFor(900);
    resume();
    await clock.runFor(0);
    expect(membersOf(cluster.state)).toEqual([]);
  });
});
