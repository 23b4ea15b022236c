import { serviceKey, slotOfServiceKey } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { TOMBSTONE_MS } from "../src/datums/tombstones.ts";
import { clusterState, session } from "./cluster-fixture.ts";
import { ORDERS, startStorage } from "./storage-fixture.ts";

const A = session("a");
const B = session("b");
const version = (leaderEpoch: number, counter: number) => ({ epoch: leaderEpoch, counter });

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
    expect([shown(), storage.shownOf(ORDERS)]).toEqual([undefined, undefined]);
  });
});

describe("a session that believes in", () => {
  test.each([
    { what: "a newer epoch of a slot than this node", picture: {}, at: 2, asked: 1 },
    { what: "a newer epoch of a slot of another's", picture: { leader: "other" }, at: 2, asked: 1 },
    { what: "the same epoch of a slot of another's", picture: { leader: "other" }, at: 1, asked: 0 },
    { what: "an older epoch", picture: { leaderEpoch: 3 }, at: 2, asked: 0 },
    { what: "the same epoch", picture: {}, at: 1, asked: 0 },
  ])("$what makes it ask meta $asked times", async ({ picture, at, asked }) => {
    const { link, meta } = startStorage(picture);
    const a = link(A);
    a.leaderEpoch = at;
    await a.writes(a.write("register", "i-1", 1));
    expect(meta.asked).toBe(asked);
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

  test("of what was there earlier take nothing from the service that is there now", async () => {
    const { clock, link, shown, storage } = startStorage();
    const a = link(A);
    await a.writes(a.write("unregister", "i-1", 1));
    await clock.runFor(1_000);
    storage.adopt(clusterState({ version: 2, leader: "other", leaderEpoch: 2, sessions: [A] }));
    await clock.runFor(11_000);
    storage.adopt(clusterState({ version: 3, leaderEpoch: 3, sessions: [A] }));
    a.leaderEpoch = 3;
    await a.say({ reports: a.reports() });
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
  await a.say({ reports: [a.report(slotOfServiceKey(keys[1]!))] });
  expect(await ask()).toEqual([{ sequence: 4, services: [{ key: keys[1], instances: 1 }] }]);
  expect(storage.ownership.count("leading")).toBe(1);
});
