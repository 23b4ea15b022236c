import { ALL_SLOTS, epoch, instanceFromInput, serviceKey, slotOfServiceKey } from "@rollcall/core";
import { bytesFromInstance } from "@rollcall/protocol";
import { describe, expect, test } from "vitest";
import { TOMBSTONE_MS } from "../src/datums/tombstones.ts";
import { clusterState, session } from "./cluster-fixture.ts";
import { LEASE_MS, ORDERS, startStorage, zonesIn } from "./storage-fixture.ts";

const A = session("a");
const B = session("b");
const version = (leaderEpoch: number, counter: number) => ({ epoch: leaderEpoch, counter });
const reports = (leaderEpoch: number) => ALL_SLOTS.map((slot) => ({ slot, leaderEpoch: epoch(leaderEpoch) }));

describe("a write", () => {
  test("is answered with the version at which it was applied, in the order of asking, in one frame", async () => {
    const { link } = startStorage();
    const a = link(A);
    const frames = await a.say({ writes: [a.write("register", "i-1", 1), a.write("register", "i-2", 1)] });
    expect(frames).toHaveLength(1);
    expect(frames[0]!.results).toEqual([
      { sequence: 1, outcome: { kind: "applied", version: version(1, 1) } },
      { sequence: 2, outcome: { kind: "applied", version: version(1, 2) } },
    ]);
  });

  test("that is repeated is applied at the version it already has", async () => {
    const { link, shown } = startStorage();
    const a = link(A);
    const write = a.write("register", "i-1", 1);
    const [first, again] = await a.writes(write, { ...write, sequence: 9 });
    expect(again).toEqual(first);
    expect(shown()).toEqual(["i-1"]);
  });

  test("that comes late is told what is newer", async () => {
    const { link, shown } = startStorage();
    const a = link(A);
    const outcomes = await a.writes(a.write("unregister", "i-1", 2), a.write("register", "i-1", 1));
    expect(outcomes[1]).toEqual({ kind: "superseded", by: { incarnation: 1, counter: 2 } });
    expect(shown()).toEqual([]);
  });

  test.each([
    { what: "a slot that is another's", picture: { leader: "other" }, at: 1, kind: "moved" },
    { what: "an older epoch", picture: { leaderEpoch: 3 }, at: 2, kind: "stale" },
    { what: "a newer epoch", picture: { leaderEpoch: 3 }, at: 4, kind: "stale" },
  ])("for $what is refused as $kind and leaves nothing", async ({ picture, at, kind }) => {
    const { link, storage } = startStorage({ version: 5, ...picture });
    const a = link(A);
    a.leaderEpoch = at;
    const leaderEpoch = picture.leaderEpoch ?? 1;
    expect(await a.writes(a.write("register", "i-1", 1))).toEqual([{ kind, tableEpoch: 5, leaderEpoch }]);
    expect(storage.datums.find(ORDERS)).toBeUndefined();
  });

  test("is taken while the slot is being taken over, and shown to nobody before that is done", async () => {
    const { link, shown, storage } = startStorage({ sessions: [A, B] });
    const [a, b] = [link(A), link(B)];
    expect(await a.writes(a.write("register", "i-1", 1))).toEqual([{ kind: "applied", version: version(1, 1) }]);
    expect(await b.follow()).toEqual([]);
    expect([shown(), storage.readable(ORDERS)]).toEqual([undefined, undefined]);
  });
});

describe("taking over", () => {
  test("ends when every session has reported; each report is confirmed, and everybody is told once", async () => {
    const { link, storage } = startStorage({ sessions: [A, B] });
    const [a, b] = [link(A), link(B)];
    await a.writes(a.write("register", "i-1", 1));
    await b.follow();
    const [confirmed] = await a.say({ reports: reports(1) });
    expect(confirmed!.reported).toEqual(reports(1));
    expect([storage.ownership.count("leading"), await b.heard()]).toEqual([0, []]);
    const frames = await b.say({ writes: [b.write("register", "i-2", 1)], reports: reports(1) });
    const updates = b.notifications(frames);
    expect(updates.map(zonesIn)).toEqual([["i-1", "i-2"]]);
    expect(updates[0]).toMatchObject({ confirmed: true, baseDigest: undefined });
    expect(await b.confirm(updates)).toEqual([]);
  });

  test("a report that comes before the table it is about is not confirmed", async () => {
    const { link, storage } = startStorage({ leader: "other", leaderEpoch: 1, sessions: [A] });
    const a = link(A);
    expect(await a.say({ reports: reports(2) })).toEqual([]);
    storage.adopt(clusterState({ version: 2, leaderEpoch: 2, sessions: [A] }));
    expect(storage.ownership.count("leading")).toBe(0);
    const [confirmed] = await a.say({ reports: reports(2) });
    expect(confirmed!.reported).toHaveLength(ALL_SLOTS.length);
    expect(storage.ownership.count("leading")).toBe(ALL_SLOTS.length);
  });

  test("a subscriber that holds the same content from before is only told the version", async () => {
    const { link, storage } = startStorage({ sessions: [A] });
    const a = link(A);
    await a.say({ reports: reports(1) });
    await a.writes(a.write("register", "i-1", 1));
    await a.confirm(await a.follow());
    const { held } = [...a.copies.values()][0]!;
    storage.adopt(clusterState({ version: 2, leaderEpoch: 2, sessions: [A] }));
    a.leaderEpoch = 2;
    expect(a.notifications(await a.say({ interests: [{ key: ORDERS, held }] }))).toEqual([]);
    const updates = a.notifications(await a.say({ writes: [a.write("register", "i-1", 1)], reports: reports(2) }));
    expect(updates).toMatchObject([{ version: version(2, 1), baseDigest: held.digest, instances: [], removedIds: [] }]);
  });

  test("a higher epoch begins with nothing, and what was known before has to be written again", async () => {
    const { link, storage, shown } = startStorage();
    const a = link(A);
    await a.writes(a.write("register", "i-1", 1));
    storage.adopt(clusterState({ version: 2, leaderEpoch: 2, sessions: [A] }));
    await a.say({ reports: reports(2) });
    expect(shown()).toEqual([]);
    a.leaderEpoch = 2;
    expect(await a.writes(a.write("register", "i-1", 1))).toEqual([{ kind: "applied", version: version(2, 1) }]);
    expect(shown()).toEqual(["i-1"]);
  });

  test("waits for a session that is away and may come back, and no longer than for its registrations", async () => {
    const { clock, link, storage } = startStorage({ sessions: [A] });
    const a = link(A);
    await a.say({ reports: reports(1) });
    storage.part(a.peer);
    storage.adopt(clusterState({ version: 2, sessions: [] }));
    storage.adopt(clusterState({ version: 3, leaderEpoch: 2, sessions: [] }));
    await clock.runFor(LEASE_MS - 1_000);
    expect(storage.ownership.count("leading")).toBe(0);
    await clock.runFor(1_500);
    expect(storage.ownership.count("leading")).toBe(ALL_SLOTS.length);
  });
});

describe("notifications", () => {
  test("go to those who are interested, and to nobody else", async () => {
    const { link } = startStorage();
    const [a, b, c] = [link(A), link(B), link(session("c"))];
    await a.confirm(await a.follow());
    await b.confirm(await b.follow(serviceKey({ service: "payments" })));
    await c.writes(c.write("register", "i-1", 1));
    expect(a.notifications(await a.heard()).map(zonesIn)).toEqual([["i-1"]]);
    expect(await b.heard()).toEqual([]);
    expect(await c.heard()).toEqual([]);
  });

  test("answer whoever asks, also when there is nothing", async () => {
    const { link } = startStorage();
    const updates = await link(A).follow();
    expect(updates).toMatchObject([{ key: ORDERS, instances: [], baseDigest: undefined, confirmed: true }]);
  });

  test("one is on its way at a time: what changes meanwhile comes together, as a delta, after the receipt", async () => {
    const { link } = startStorage();
    const [a, b] = [link(A), link(B)];
    await b.writes(b.write("register", "i-0", 1), b.write("register", "i-1", 1), b.write("register", "i-2", 1));
    const first = await a.follow();
    await b.writes(b.write("register", "i-3", 1));
    await b.writes(b.write("register", "i-3", 2, { zone: "newest" }), b.write("unregister", "i-0", 2));
    expect(await a.heard()).toEqual([]);
    const second = a.notifications(await a.confirm(first));
    expect(second).toMatchObject([{ baseDigest: first[0]!.digest, removedIds: ["i-0"] }]);
    expect(second.map(zonesIn)).toEqual([["i-3 newest"]]);
    expect(await a.confirm(second)).toEqual([]);
    expect([...a.copies.values()][0]!.size).toBe(3);
  });

  test("of equal content are not sent", async () => {
    const { link } = startStorage();
    const [a, b] = [link(A), link(B)];
    await b.writes(b.write("register", "i-1", 1));
    await a.confirm(await a.follow());
    await b.writes(b.write("register", "i-1", 2), b.write("register", "i-1", 1), b.write("unregister", "i-9", 1));
    expect(await a.heard()).toEqual([]);
  });

  test("wait while the link is congested, and the newest goes out when it is not", async () => {
    const { link } = startStorage();
    const [a, b] = [link(A), link(B)];
    await a.confirm(await a.follow());
    a.stream.congested = true;
    for (const [index, zone] of ["one", "two", "three"].entries())
      await b.writes(b.write("register", "i-1", index + 1, { zone }));
    expect(await a.heard()).toEqual([]);
    a.stream.congested = false;
    a.peer.drained();
    expect(a.notifications(await a.heard()).map(zonesIn)).toEqual([["i-1 three"]]);
  });

  test("whose receipt never comes are followed by a snapshot, unless the link is congested", async () => {
    const { clock, link } = startStorage();
    const [a, b] = [link(A), link(B)];
    await b.writes(b.write("register", "i-1", 1));
    expect(await a.follow()).toHaveLength(1);
    await clock.runFor(1_900);
    expect(await a.heard()).toEqual([]);
    a.stream.congested = true;
    await clock.runFor(5_000);
    expect(await a.heard()).toEqual([]);
    a.stream.congested = false;
    await clock.runFor(250);
    expect(a.notifications(await a.heard())).toMatchObject([{ baseDigest: undefined, instances: [{ id: "i-1" }] }]);
  });

  test("that a session cannot use are followed by a snapshot", async () => {
    const { link } = startStorage();
    const [a, b] = [link(A), link(B)];
    await b.writes(b.write("register", "i-1", 1));
    const [update] = await a.follow();
    const held = { version: update!.version, digest: { high: 1, low: 1 } };
    const frames = await a.say({ receipts: [{ key: ORDERS, held, resync: true }] });
    expect(a.notifications(frames)).toMatchObject([{ baseDigest: undefined, instances: [{ id: "i-1" }] }]);
  });

  test("end with the interest, and the service is let go of when nobody needs it", async () => {
    const { link, storage } = startStorage();
    const [a, b] = [link(A), link(B)];
    await a.confirm(await a.follow());
    await b.confirm(await b.follow());
    await a.say({ uninterests: [ORDERS] });
    expect(storage.datums.find(ORDERS)).toBeDefined();
    await b.say({ uninterests: [ORDERS] });
    expect(storage.datums.find(ORDERS)).toBeUndefined();
    await b.writes(b.write("register", "i-1", 1));
    expect([await a.heard(), await b.heard()]).toEqual([[], []]);
  });

  test("end with the link", async () => {
    const { link, storage } = startStorage();
    const [a, b] = [link(A), link(B)];
    await a.confirm(await a.follow());
    storage.part(a.peer);
    await b.writes(b.write("register", "i-1", 1));
    expect(await a.heard()).toEqual([]);
  });

  test("of many services are cut into frames of bounded size", async () => {
    const { link } = startStorage();
    const [a, b] = [link(A), link(B)];
    const keys = Array.from({ length: 8 }, (_, index) => serviceKey({ service: `s-${index}` }));
    const small = instanceFromInput({ id: "i-1", address: "10.0.0.1:80" }, () => "");
    const instance = bytesFromInstance({ ...small, payload: new Uint8Array(100 * 1_024) });
    await b.writes(...keys.map((key) => b.write("register", "i-1", 1, { key, instance })));
    const frames = await a.say({ interests: keys.map((key) => ({ key, held: undefined })) });
    expect(frames.map(({ notifications }) => notifications.length)).toEqual([3, 3, 2]);
  });
});

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
    const before = storage.readable(ORDERS)!.datum.version;
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
    await clock.runFor(60_000);
    for (const each of [a, b]) await each.say({ reports: reports(1) });
    expect([storage.ownership.count("leading"), shown()]).toEqual([ALL_SLOTS.length, ["i-1"]]);
    await clock.runFor(6_000);
    expect(shown()).toEqual([]);
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

describe("the registrations of a session", () => {
  test("stay while only its link is down", async () => {
    const { clock, link, shown, storage } = startStorage({ sessions: [A] });
    const a = link(A);
    await a.say({ reports: reports(1) });
    await a.writes(a.write("register", "i-1", 1));
    storage.part(a.peer);
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
    storage.part(a.peer);
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
    storage.part(a.peer);
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
    storage.part(a.peer);
    await clock.runFor(2 * LEASE_MS);
    expect(shown()).toEqual([]);
  });
});

describe("tombstones", () => {
  test("refuse late duplicates for their time; then the service is let go of", async () => {
    const { clock, link, storage } = startStorage();
    const a = link(A);
    await a.writes(a.write("register", "i-1", 1), a.write("unregister", "i-1", 2));
    await clock.runFor(TOMBSTONE_MS - 1_000);
    expect(await a.writes(a.write("register", "i-1", 1))).toMatchObject([{ kind: "superseded" }]);
    await clock.runFor(2_000);
    expect(storage.datums.find(ORDERS)).toBeUndefined();
  });

  test("of an earlier epoch take nothing from the service that is there now", async () => {
    const { clock, link, shown, storage } = startStorage();
    const a = link(A);
    await a.writes(a.write("unregister", "i-1", 1));
    await clock.runFor(1_000);
    storage.adopt(clusterState({ version: 2, leaderEpoch: 2, sessions: [A] }));
    await a.say({ reports: reports(2) });
    a.leaderEpoch = 2;
    await a.writes(a.write("register", "i-2", 1));
    await clock.runFor(TOMBSTONE_MS + 1_000);
    expect(shown()).toEqual(["i-2"]);
  });
});

test("a query is answered with the services of the slots that are led completely", async () => {
  const { link, storage } = startStorage({ sessions: [A] });
  const a = link(A);
  const keys = ["orders", "payments"].map((service) => serviceKey({ service }));
  await a.writes(...keys.map((key) => a.write("register", "i-1", 1, { key })));
  const ask = async () => (await a.say({ queries: [{ sequence: 4, namespace: "default" }] }))[0]!.answers;
  expect(await ask()).toEqual([{ sequence: 4, services: [] }]);
  await a.say({ reports: [{ slot: slotOfServiceKey(keys[1]!), leaderEpoch: epoch(1) }] });
  expect(await ask()).toEqual([{ sequence: 4, services: [{ key: keys[1], instances: 1 }] }]);
  expect(storage.ownership.count("leading")).toBe(1);
});
