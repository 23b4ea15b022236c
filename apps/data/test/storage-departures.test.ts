import { epoch } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { US, clusterState, session } from "./cluster-fixture.ts";
import { LEASE_MS, ORDERS, ORDERS_SLOT, recordsOf, startStorage } from "./storage-fixture.ts";

const A = session("a");
const B = session("b");

describe("the registrations of a session", () => {
  test("stay while only its link is down", async () => {
    const { clock, link, shown, storage } = startStorage({ sessions: [A] });
    const a = link(A);
    await a.say({ reports: a.reports() });
    await a.writes(a.write("register", "i-1", 1));
    storage.part(a.peer, false);
    await clock.runFor(10 * LEASE_MS);
    expect(shown()).toEqual(["i-1"]);
  });

  test("outlive it by their lease when it is gone, and then go together; leases of others stay", async () => {
    const { clock, link, shown, storage } = startStorage();
    const [a, b] = [link(A), link(B)];
    storage.adopt(clusterState({ version: 2, sessions: [A, B] }));
    await a.writes(a.write("register", "i-1", 1), a.write("register", "i-2", 1));
    await a.writes(a.write("register", "leased", 1, { clientId: "", leaseMs: 60_000 }));
    await b.writes(b.write("register", "i-3", 1, { clientId: "client-2" }));
    storage.part(a.peer, false);
    storage.adopt(clusterState({ version: 3, sessions: [B] }));
    await clock.runFor(LEASE_MS - 500);
    expect(shown()).toEqual(["i-1", "i-2", "i-3", "leased"]);
    await clock.runFor(1_000);
    expect(shown()).toEqual(["i-3", "leased"]);
  });

  test("that their clients have taken to another session stay there", async () => {
    const { clock, link, shown, storage } = startStorage();
    const [a, b] = [link(A), link(B)];
    storage.adopt(clusterState({ version: 2, sessions: [A, B] }));
    await a.writes(a.write("register", "i-1", 1));
    storage.part(a.peer, false);
    storage.adopt(clusterState({ version: 3, sessions: [B] }));
    await b.writes(b.write("register", "i-1", 1));
    await clock.runFor(2 * LEASE_MS);
    expect(shown()).toEqual(["i-1"]);
  });

  test("stay when the session is back before the lease has ended", async () => {
    const { clock, link, shown, storage } = startStorage();
    const a = link(A);
    storage.adopt(clusterState({ version: 2, sessions: [A] }));
    await a.writes(a.write("register", "i-1", 1));
    storage.adopt(clusterState({ version: 3, sessions: [] }));
    await clock.runFor(LEASE_MS - 500);
    storage.adopt(clusterState({ version: 4, sessions: [A] }));
    await clock.runFor(10 * LEASE_MS);
    expect(shown()).toEqual(["i-1"]);
  });

  test("stay as long as it is linked, whatever meta has heard of it", async () => {
    const { clock, link, shown, storage } = startStorage();
    const a = link(A);
    storage.adopt(clusterState({ version: 2, sessions: [A] }));
    await a.writes(a.write("register", "i-1", 1));
    storage.adopt(clusterState({ version: 3, sessions: [] }));
    await clock.runFor(3 * LEASE_MS);
    expect(shown()).toEqual(["i-1"]);
    storage.part(a.peer, false);
    await clock.runFor(2 * LEASE_MS);
    expect(shown()).toEqual([]);
  });

  test("stay, though their time is up, until meta is known to say still that it is gone", async () => {
    const { clock, link, meta, nodeClock, shown, storage } = startStorage();
    const a = link(A);
    storage.adopt(clusterState({ version: 2, sessions: [A] }));
    await a.writes(a.write("register", "i-1", 1));
    storage.part(a.peer, false);
    storage.adopt(clusterState({ version: 3, sessions: [] }));
    meta.knownAt = nodeClock.now();
    await clock.runFor(10 * LEASE_MS);
    expect(shown()).toEqual(["i-1"]);
    // What was asked before the time was up says nothing of now.
    meta.knownAt = LEASE_MS - 1_000;
    await clock.runFor(1_000);
    expect(shown()).toEqual(["i-1"]);
    meta.knownAt = nodeClock.now();
    await clock.runFor(500);
    expect(shown()).toEqual([]);
  });

  test("stay when meta, asked after a long silence, knows the session", async () => {
    const { clock, link, meta, nodeClock, shown, storage } = startStorage();
    const a = link(A);
    storage.adopt(clusterState({ version: 2, sessions: [A] }));
    await a.writes(a.write("register", "i-1", 1));
    storage.part(a.peer, false);
    storage.adopt(clusterState({ version: 3, sessions: [] }));
    meta.knownAt = 0;
    await clock.runFor(10 * LEASE_MS);
    storage.adopt(clusterState({ version: 4, sessions: [A] }));
    meta.knownAt = nodeClock.now();
    await clock.runFor(10 * LEASE_MS);
    expect(shown()).toEqual(["i-1"]);
  });

  test("stay for their whole lease after the node itself stood still", async () => {
    const { clock, nodeClock, link, shown, storage } = startStorage();
    const a = link(A);
    storage.adopt(clusterState({ version: 2, sessions: [A] }));
    await a.writes(a.write("register", "i-1", 1));
    storage.part(a.peer, false);
    storage.adopt(clusterState({ version: 3, sessions: [] }));
    await clock.runFor(5_000);
    nodeClock.pause();
    await clock.runFor(60_000);
    nodeClock.resume();
    await clock.runFor(LEASE_MS - 500);
    expect(shown()).toEqual(["i-1"]);
    await clock.runFor(1_000);
    expect(shown()).toEqual([]);
  });

  test("end when it is known from them alone, and was gone before this node led their slot", async () => {
    const { clock, shown, storage } = startStorage({ leader: "other", followers: [US] });
    const version = { epoch: epoch(1), counter: 5 };
    const claims = recordsOf({ session: "gone#1", ids: ["i-1"], version });
    storage.datums.of(ORDERS_SLOT)!.take([{ key: ORDERS, claims }], version);
    storage.ownership.syncChanged({ slot: ORDERS_SLOT, leaderEpoch: epoch(1) }, true);
    // As a follower it leaves that to the leader.
    storage.adopt(clusterState({ version: 2, leader: "other", followers: [US] }));
    await clock.runFor(10 * LEASE_MS);
    expect([...storage.datums.claims()].map(({ removed }) => removed)).toEqual([false]);
    storage.adopt(clusterState({ version: 3, leaderEpoch: 2 }));
    expect(shown()).toEqual(["i-1"]);
    await clock.runFor(LEASE_MS - 500);
    expect(shown()).toEqual(["i-1"]);
    await clock.runFor(1_000);
    expect(shown()).toEqual([]);
  });

  test("end only as a conclusion: when it comes back after all, so do they", async () => {
    const { clock, link, shown, storage } = startStorage();
    const a = link(A);
    storage.adopt(clusterState({ version: 2, sessions: [A] }));
    const write = a.write("register", "i-1", 1);
    await a.writes(write);
    storage.part(a.peer, false);
    storage.adopt(clusterState({ version: 3, sessions: [] }));
    await clock.runFor(2 * LEASE_MS);
    expect(shown()).toEqual([]);
    const again = link(A);
    again.hold(write);
    expect((await again.ask({ reports: [again.report()] })).disagreed).toHaveLength(1);
    await again.writes(write);
    expect([shown(), (await again.ask({ reports: [again.report()] })).reported.length]).toEqual([["i-1"], 1]);
  });
});
