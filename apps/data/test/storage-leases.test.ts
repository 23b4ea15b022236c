import { ALL_SLOTS, epoch } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { US, clusterState, session } from "./cluster-fixture.ts";
import { ORDERS, ORDERS_SLOT, recordsOf, startStorage } from "./storage-fixture.ts";

const A = session("a");
const B = session("b");

describe("a lease", () => {
  const leased = { clientId: "", leaseMs: 5_000 };

  test("ends when it is not renewed, and those interested are told", async () => {
    const { clock, link, shown } = startStorage();
    const [a, b] = [link(A), link(B)];
    await b.confirm(await b.follow());
    await a.writes(a.write("register", "i-1", 1, leased));
    await b.confirm(b.notifications(await b.heard()));
    await clock.runFor(4_900);
    expect(shown()).toEqual(["i-1"]);
    await clock.runFor(500);
    expect(shown()).toEqual([]);
    expect(b.notifications(await b.heard())).toMatchObject([{ removedIds: ["i-1"], confirmed: true }]);
  });

  test("goes on while it is renewed, through any session, and no version is issued for that", async () => {
    const { clock, link, shown, storage } = startStorage();
    const [a, b] = [link(A), link(B)];
    await a.writes(a.write("register", "i-1", 1, leased));
    const before = storage.shownOf(ORDERS)!.datum.version;
    for (let second = 0; second < 20; second++) {
      await clock.runFor(1_000);
      expect(await b.writes(b.write("renew", "i-1", 0, { clientId: "" }))).toEqual([
        { kind: "applied", version: before },
      ]);
    }
    expect(shown()).toEqual(["i-1"]);
  });

  test.each([
    { what: "never registered", before: [] },
    { what: "unregistered", before: ["register", "unregister"] as const },
  ])("that was $what is unknown to its renewal", async ({ before }) => {
    const { link, shown } = startStorage();
    const a = link(A);
    for (const [index, kind] of before.entries()) await a.writes(a.write(kind, "i-1", index + 1, leased));
    expect(await a.writes(a.write("renew", "i-1", 0, { clientId: "" }))).toEqual([{ kind: "unknown" }]);
    expect(shown()).toEqual([]);
  });

  test("that has ended is unknown to a late renewal, and can be registered again", async () => {
    const { clock, link, shown } = startStorage();
    const a = link(A);
    await a.writes(a.write("register", "i-1", 1, leased));
    await clock.runFor(6_000);
    expect(await a.writes(a.write("renew", "i-1", 0, { clientId: "" }))).toEqual([{ kind: "unknown" }]);
    await a.writes(a.write("register", "i-1", 2, leased));
    expect(shown()).toEqual(["i-1"]);
  });

  test("is not called unknown while the slot is being taken over, for it may be on its way", async () => {
    const { link } = startStorage({ sessions: [A, B] });
    const a = link(A);
    expect(await a.writes(a.write("renew", "i-1", 0, { clientId: "" }))).toMatchObject([{ kind: "migrating" }]);
    await a.writes(a.write("register", "i-1", 1, leased));
    expect(await a.writes(a.write("renew", "i-1", 0, { clientId: "" }))).toMatchObject([{ kind: "applied" }]);
  });

  test("does not end while the slot is being taken over", async () => {
    const { clock, link, shown, storage } = startStorage({ sessions: [A, B] });
    const [a, b] = [link(A), link(B)];
    await a.writes(a.write("register", "i-1", 1, leased));
    await clock.runFor(14_000);
    for (const each of [a, b]) await each.say({ reports: each.reports() });
    expect([storage.ownership.count("leading"), shown()]).toEqual([ALL_SLOTS.length, ["i-1"]]);
    await clock.runFor(6_000);
    expect(shown()).toEqual([]);
  });

  test("runs at the leader alone, and begins anew with a new one, who cannot know when it was renewed last", async () => {
    const { clock, shown, storage } = startStorage({ leader: "other", followers: [US] });
    const version = { epoch: epoch(1), counter: 5 };
    const claims = recordsOf({ session: "a#1", ids: ["i-1"], version, leaseMs: 5_000 });
    storage.datums.of(ORDERS_SLOT)!.take([{ key: ORDERS, claims }], version);
    await clock.runFor(60_000);
    storage.adopt(clusterState({ version: 2, leaderEpoch: 2 }));
    expect(shown()).toEqual(["i-1"]);
    await clock.runFor(4_900);
    expect(shown()).toEqual(["i-1"]);
    await clock.runFor(600);
    expect(shown()).toEqual([]);
  });

  test("does not run on while the slot is another's, and begins anew when it comes back", async () => {
    const { clock, link, shown, storage } = startStorage();
    const a = link(A);
    await a.writes(a.write("register", "i-1", 1, leased));
    await clock.runFor(4_000);
    storage.adopt(clusterState({ version: 2, leader: "other", leaderEpoch: 2, sessions: [A] }));
    await clock.runFor(8_000);
    storage.adopt(clusterState({ version: 3, leaderEpoch: 3, sessions: [A] }));
    a.leaderEpoch = 3;
    await a.say({ reports: a.reports() });
    await clock.runFor(4_500);
    expect(shown()).toEqual(["i-1"]);
    await clock.runFor(1_000);
    expect(shown()).toEqual([]);
  });

  test("stands still while a session that is a member is not linked: its clients cannot renew", async () => {
    const { clock, link, shown, storage } = startStorage({ sessions: [A, B] });
    const [a, b] = [link(A), link(B)];
    for (const each of [a, b]) await each.say({ reports: each.reports() });
    await a.writes(a.write("register", "i-1", 1, leased));
    storage.part(b.peer, false);
    await clock.runFor(60_000);
    expect(shown()).toEqual(["i-1"]);
    link(B);
    await clock.runFor(4_900);
    expect(shown()).toEqual(["i-1"]);
    await clock.runFor(5_600);
    expect(shown()).toEqual([]);
  });

  test("that became a registration with a connection ends no more", async () => {
    const { clock, link, shown } = startStorage();
    const a = link(A);
    await a.writes(a.write("register", "i-1", 1, leased), a.write("register", "i-1", 2, { clientId: "" }));
    await clock.runFor(60_000);
    expect(shown()).toEqual(["i-1"]);
  });

  test("does not end because the process stood still", async () => {
    const { clock, nodeClock, link, shown } = startStorage();
    const a = link(A);
    await a.writes(a.write("register", "i-1", 1, leased));
    await clock.runFor(1_000);
    nodeClock.pause();
    await clock.runFor(30_000);
    nodeClock.resume();
    await clock.runFor(4_500);
    expect(shown()).toEqual(["i-1"]);
    await clock.runFor(1_000);
    expect(shown()).toEqual([]);
  });
});

describe("leases of many", () => {
  const LEASE = { clientId: "", leaseMs: 5_000 };
  const IDS = Array.from({ length: 100 }, (_, index) => `i-${String(index).padStart(3, "0")}`);

  test("that are all missed at once stay listed, and nothing has happened when they are renewed again", async () => {
    const { clock, link, shown, storage } = startStorage();
    const a = link(A);
    for (const id of IDS) await a.writes(a.write("register", id, 1, LEASE));
    await clock.runFor(12_000);
    expect(shown()).toEqual(IDS);
    expect(storage.leases).toMatchObject({ count: IDS.length, held: IDS.length, episodes: 1 });
    const answers = await a.writes(...IDS.map((id) => a.write("renew", id, 0, LEASE)));
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(["applied"]));
    await clock.runFor(500);
    expect(storage.leases).toMatchObject({ held: 0 });
    expect(shown()).toEqual(IDS);
  });

  test("that are gone in truth go within a minute, while those that unregister go at once", async () => {
    const { clock, link, shown } = startStorage();
    const a = link(A);
    for (const id of IDS) await a.writes(a.write("register", id, 1, LEASE));
    await clock.runFor(6_000);
    const [first, ...others] = IDS;
    await a.writes(a.write("unregister", first!, 2, { clientId: "" }));
    expect(shown()).toEqual(others);
    await clock.runFor(50_000);
    expect(shown()).toEqual([]);
  });
});
