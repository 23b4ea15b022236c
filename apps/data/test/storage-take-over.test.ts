import { ALL_SLOTS, epoch, slotId, type Version } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { US, clusterState, session } from "./cluster-fixture.ts";
import {
  LEASE_MS,
  NOTHING_SAID,
  ORDERS,
  ORDERS_SLOT,
  recordsOf,
  startStorage,
  zonesIn,
  type HandMadeSession,
} from "./storage-fixture.ts";

const A = session("a");
const B = session("b");
const version = (leaderEpoch: number, counter: number): Version => ({ epoch: epoch(leaderEpoch), counter });

/** A node that follows everything, and has had all of it: one instance, at version 1.5. */
function startFollower(sessions = [A, B]) {
  const started = startStorage({ leader: "other", followers: [US], leaderEpoch: 1, sessions });
  const { storage } = started;
  const claims = recordsOf({ session: "a#1", ids: ["i-1"], version: version(1, 5) });
  for (const slot of ALL_SLOTS) storage.datums.of(slot)!.take([], version(1, 5));
  storage.datums.of(ORDERS_SLOT)!.take([{ key: ORDERS, claims }], version(1, 5));
  for (const slot of ALL_SLOTS) storage.ownership.syncChanged({ slot, leaderEpoch: epoch(1) }, true);
  return {
    ...started,
    promote: (members = sessions, departed: typeof sessions = []) =>
      storage.adopt(clusterState({ version: 2, leaderEpoch: 2, sessions: members, departed })),
    /** A session at the new epoch that holds what is here of it. */
    linkAt2: (member: typeof A): HandMadeSession => {
      const linked = started.link(member);
      linked.leaderEpoch = 2;
      return linked;
    },
  };
}

/** What the session holds is i-1 as the follower has it. */
const holdsFirst = (each: HandMadeSession) => each.hold(each.write("register", "i-1", 1));

describe("taking over from nothing", () => {
  test("ends when every session agrees; each report is confirmed, and everybody is told once", async () => {
    const { link, storage } = startStorage({ sessions: [A, B] });
    const [a, b] = [link(A), link(B)];
    await a.writes(a.write("register", "i-1", 1));
    await b.follow();
    const reports = a.reports();
    expect((await a.ask({ reports })).reported).toEqual(reports);
    expect([storage.ownership.count("leading"), await b.heard()]).toEqual([0, []]);
    const write = b.write("register", "i-2", 1);
    await b.say({ writes: [write] });
    const updates = (await b.ask({ reports: b.reports() })).notifications;
    expect(updates.map(zonesIn)).toEqual([["i-1", "i-2"]]);
    expect(updates[0]).toMatchObject({ confirmed: true, baseDigest: undefined });
    expect(await b.confirm(updates)).toEqual([]);
  });

  test("a report that comes before the table it is about is answered when the table is here", async () => {
    const { link, storage } = startStorage({ leader: "other", leaderEpoch: 1, sessions: [A, B] });
    const [a, b] = [link(A), link(B)];
    for (const each of [a, b]) {
      each.leaderEpoch = 2;
      expect(await each.say({ reports: each.reports() })).toEqual([]);
    }
    b.hold(b.write("register", "i-1", 1));
    await b.say({ reports: [b.report()] });
    storage.adopt(clusterState({ version: 2, leaderEpoch: 2, sessions: [A, B] }));
    expect((await a.heard()).flatMap(({ reported }) => reported)).toEqual(a.reports());
    expect((await b.heard()).flatMap(({ disagreed }) => disagreed)).toEqual([{ slot: ORDERS_SLOT, leaderEpoch: 2 }]);
  });

  test("a report that came before its table counts for nothing when its link is gone, or another leads", async () => {
    const { link, storage } = startStorage({ leader: "other", leaderEpoch: 1, sessions: [A] });
    const a = link(A);
    a.leaderEpoch = 2;
    await a.say({ reports: a.reports() });
    storage.adopt(clusterState({ version: 2, leader: "third", leaderEpoch: 2, sessions: [A] }));
    expect(await a.heard()).toEqual([]);
    a.leaderEpoch = 3;
    await a.say({ reports: a.reports() });
    storage.part(a.peer, false);
    storage.adopt(clusterState({ version: 3, leaderEpoch: 3, sessions: [A] }));
    expect([await a.heard(), storage.ownership.count("leading")]).toEqual([[], 0]);
  });

  test("waits for a session that is away and may come back, and no longer than for its registrations", async () => {
    const { clock, link, storage } = startStorage({ leader: "other", sessions: [A] });
    const a = link(A);
    storage.part(a.peer, false);
    storage.adopt(clusterState({ version: 2, leaderEpoch: 2, sessions: [] }));
    await clock.runFor(LEASE_MS - 1_000);
    expect(storage.ownership.count("leading")).toBe(0);
    await clock.runFor(1_500);
    expect(storage.ownership.count("leading")).toBe(ALL_SLOTS.length);
  });

  test("waits for a session of which only meta tells that it has gone", async () => {
    const { clock, storage } = startStorage({ sessions: [], departed: [A] });
    expect(storage.ownership.count("taking over")).toBe(ALL_SLOTS.length);
    await clock.runFor(LEASE_MS + 500);
    expect(storage.ownership.count("leading")).toBe(ALL_SLOTS.length);
  });

  test("is not hurried by a stall: whoever could not speak meanwhile is given the whole time", async () => {
    const { clock, nodeClock, storage } = startStorage({ sessions: [A] });
    await clock.runFor(10_000);
    nodeClock.pause();
    await clock.runFor(60_000);
    nodeClock.resume();
    await clock.runFor(LEASE_MS - 500);
    expect(storage.ownership.count("leading")).toBe(0);
    await clock.runFor(1_000);
    expect(storage.ownership.count("leading")).toBe(ALL_SLOTS.length);
  });

  test("is not hurried by a stall when a message is read before the node has noticed it", async () => {
    const { clock, nodeClock, link, storage } = startStorage({ sessions: [A, B] });
    const a = link(A);
    nodeClock.pause();
    await clock.runFor(60_000);
    storage.receive(a.peer, { ...NOTHING_SAID, reports: a.reports() });
    expect(storage.ownership.count("leading")).toBe(0);
    storage.adopt(clusterState({ version: 2, sessions: [A, B] }));
    expect(storage.ownership.count("leading")).toBe(0);
  });
});

describe("taking over what was on disk", () => {
  const disk = (session: string, leaseMs = 0) => [{ session, ids: ["i-1"], version: version(3, 7), leaseMs }];

  test("waits for sessions that left something there with a connection, and ends it when they do not come", async () => {
    const { clock, kind, link, shown } = startStorage({ leaderEpoch: 4, sessions: [A] }, disk("old#1"));
    const a = link(A);
    a.leaderEpoch = 4;
    await a.say({ reports: a.reports() });
    await clock.runFor(LEASE_MS - 500);
    expect(kind()).toBe("taking over");
    await clock.runFor(1_000);
    expect([kind(), shown()]).toEqual(["leading", []]);
  });

  test("does not wait for sessions long gone through which a lease was once made", async () => {
    const { kind, link, shown } = startStorage({ leaderEpoch: 4, sessions: [A] }, disk("old#1", 60_000));
    const a = link(A);
    a.leaderEpoch = 4;
    await a.say({ reports: a.reports() });
    expect([kind(), shown()]).toEqual(["leading", ["i-1"]]);
  });

  test("waits a little for a session that has just gone and left nothing there: the disk may lack the last moments", async () => {
    const picture = { leaderEpoch: 4, sessions: [A], departed: [B] };
    const { clock, kind, link } = startStorage(picture, disk("a#1"));
    const a = link(A);
    a.leaderEpoch = 4;
    holdsFirst(a);
    await a.say({ reports: a.reports() });
    await clock.runFor(4_700);
    expect(kind()).toBe("taking over");
    await clock.runFor(600);
    expect(kind()).toBe("leading");
  });

  test("issues versions above those that were", async () => {
    const { link, storage } = startStorage({ leaderEpoch: 4 }, disk("a#1"));
    const a = link(A);
    a.leaderEpoch = 4;
    expect(storage.datums.find(ORDERS)!.datum.version).toEqual(version(4, 0));
    expect(await a.writes(a.write("register", "i-2", 1))).toEqual([{ kind: "applied", version: version(4, 1) }]);
  });

  test.each([
    { what: "to lead", picture: { leaderEpoch: 3 } },
    { what: "to lead at an epoch long past", picture: { leaderEpoch: 1 } },
    { what: "to follow a leader of the past", picture: { leader: "other", followers: [US], leaderEpoch: 2 } },
  ])("of another history, when we are $what, begins with nothing, and the disk is told", ({ picture }) => {
    const started = startStorage({ leader: "other", leaderEpoch: 0 });
    const { storage } = started;
    const dropped: number[] = [];
    const ignored = { changed() {}, discarded() {}, ownershipChanged() {}, completed() {} };
    storage.watch({ ...ignored, dropped: (slot) => dropped.push(slot) });
    const [claim] = recordsOf(disk("a#1")[0]!);
    storage.datums.restore(ORDERS_SLOT, ORDERS, claim!);
    storage.restored("c", new Map([[ORDERS_SLOT, version(3, 7)]]));
    storage.adopt(clusterState({ version: 2, ...picture }));
    const content = storage.datums.of(ORDERS_SLOT)!;
    expect([[...content.claims()], content.leaderEpoch < 3 || content.leaderEpoch === picture.leaderEpoch]).toEqual([
      [],
      true,
    ]);
    expect(dropped).toEqual([ORDERS_SLOT]);
  });

  test("of another cluster is of no use, and one of this cluster is", () => {
    for (const [clusterId, size] of [
      ["d", 0],
      ["c", 1],
    ] as const) {
      const { storage } = startStorage({ leader: "other" });
      const [claim] = recordsOf(disk("a#1")[0]!);
      storage.datums.restore(ORDERS_SLOT, ORDERS, claim!);
      storage.restored("c", new Map([[ORDERS_SLOT, version(3, 7)]]));
      storage.joined(clusterId);
      expect([...storage.datums.claims()]).toHaveLength(size);
    }
  });

  test("is let go of where it is not given to us", () => {
    const { storage } = startStorage({ leader: "other", leaderEpoch: 4 }, disk("a#1"));
    expect(storage.datums.of(ORDERS_SLOT)).toBeUndefined();
  });
});

describe("taking over a complete copy", () => {
  test("goes on with what is here, at versions above all that was", async () => {
    const { promote, shown, storage, linkAt2, kind } = startFollower([A]);
    promote();
    expect([kind(), shown()]).toEqual(["taking over", undefined]);
    const a = linkAt2(A);
    holdsFirst(a);
    expect((await a.ask({ reports: a.reports(version(1, 5)) })).disagreed).toEqual([]);
    expect([kind(), shown(), storage.shownOf(ORDERS)!.datum.version]).toEqual(["leading", ["i-1"], version(2, 0)]);
  });

  test("does not wait for sessions that are away", () => {
    const { promote, kind, shown } = startFollower();
    promote([], [A, B]);
    expect([kind(), shown()]).toEqual(["leading", ["i-1"]]);
  });

  test("waits for all that are there, though they take their time", async () => {
    const { promote, kind, linkAt2, clock } = startFollower();
    promote();
    const [a, b] = [linkAt2(A), linkAt2(B)];
    holdsFirst(a);
    await a.say({ reports: a.reports(version(1, 5)) });
    await clock.runFor(LEASE_MS - 1_000);
    expect(kind()).toBe("taking over");
    await b.say({ reports: b.reports() });
    expect(kind()).toBe("leading");
  });

  test("waits for those that are away, too, when somebody has seen more than is here", async () => {
    const { promote, kind, linkAt2, clock } = startFollower();
    promote([B], [A]);
    expect(kind()).toBe("taking over");
    const b = linkAt2(B);
    await b.say({ reports: [b.report(ORDERS_SLOT, version(1, 6)), b.report(slotId(0), version(1, 5))] });
    expect(kind()).toBe("taking over");
    await clock.runFor(LEASE_MS - 1_000);
    expect(kind()).toBe("taking over");
    await clock.runFor(1_500);
    expect(kind()).toBe("leading");
  });

  test.each([
    { what: "as much as is here", seen: version(1, 5) },
    { what: "what the leader before that had", seen: version(0, 99) },
    { what: "what this leader has notified it of already", seen: version(2, 3) },
  ])("is not behind a session that has seen $what", async ({ seen }) => {
    const { promote, kind, linkAt2 } = startFollower();
    promote([B], [A]);
    const b = linkAt2(B);
    await b.say({ reports: [b.report(ORDERS_SLOT, seen)] });
    expect(kind()).toBe("leading");
  });

  test("takes what a session wrote to the leader before, which had no time to pass it on", async () => {
    const { promote, kind, shown, linkAt2 } = startFollower([A]);
    promote();
    const a = linkAt2(A);
    holdsFirst(a);
    const write = a.write("register", "i-2", 2);
    a.hold(write);
    const asked = await a.ask({ reports: a.reports(version(1, 5)) });
    expect(asked.disagreed).toEqual([{ slot: ORDERS_SLOT, leaderEpoch: 2 }]);
    expect(kind()).toBe("taking over");
    await a.say({ writes: [write] });
    await a.say({ reports: [a.report(ORDERS_SLOT, version(1, 5))] });
    expect([kind(), shown()]).toEqual(["leading", ["i-1", "i-2"]]);
  });

  test("a subscriber that holds the same content from before is only told the version", async () => {
    const { promote, linkAt2, storage } = startFollower([A]);
    promote();
    const a = linkAt2(A);
    holdsFirst(a);
    const { digest } = storage.datums.find(ORDERS)!.datum;
    expect(await a.follow(ORDERS, { version: version(1, 5), digest })).toEqual([]);
    const updates = (await a.ask({ reports: a.reports(version(1, 5)) })).notifications;
    expect(updates).toMatchObject([{ version: version(2, 0), baseDigest: digest, instances: [], removedIds: [] }]);
  });
});

describe("a slot that goes and comes back", () => {
  test("is kept for ten seconds, and taken over as a copy", async () => {
    const { clock, link, storage } = startStorage();
    const a = link(A);
    await a.writes(a.write("register", "i-1", 1));
    storage.adopt(clusterState({ version: 2, leader: "other", leaderEpoch: 2, sessions: [A] }));
    await clock.runFor(9_500);
    storage.adopt(clusterState({ version: 3, leaderEpoch: 3, sessions: [A] }));
    a.leaderEpoch = 3;
    expect(storage.ownership.of(ORDERS_SLOT)).toMatchObject({ kind: "taking over", basis: "partial" });
    expect((await a.ask({ reports: [a.report()] })).reported).toHaveLength(1);
  });

  test("is gone after that, and what was known before has to be written again", async () => {
    const { clock, link, shown, storage } = startStorage();
    const a = link(A);
    await a.writes(a.write("register", "i-1", 1));
    storage.adopt(clusterState({ version: 2, leader: "other", leaderEpoch: 2, sessions: [A] }));
    await clock.runFor(10_500);
    expect(storage.datums.of(ORDERS_SLOT)).toBeUndefined();
    storage.adopt(clusterState({ version: 3, leaderEpoch: 3, sessions: [A] }));
    a.leaderEpoch = 3;
    expect(storage.ownership.of(ORDERS_SLOT)).toMatchObject({ kind: "taking over", basis: "nothing" });
    expect((await a.ask({ reports: [a.report()] })).disagreed).toHaveLength(1);
    await a.writes(a.write("register", "i-1", 1));
    expect((await a.ask({ reports: [a.report()] })).reported).toHaveLength(1);
    expect(shown()).toEqual(["i-1"]);
  });
});
