import { ALL_SLOTS, epoch, serviceKey, slotOfServiceKey } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { ANTI_ENTROPY_MS } from "../src/sessions/reconciler.ts";
import { US, clusterState, session } from "./cluster-fixture.ts";
import { ORDERS, ORDERS_SLOT, startStorage, type HandMadeSession } from "./storage-fixture.ts";

const A = session("a");
const B = session("b");
const PAYMENTS = serviceKey({ service: "payments" });
const orders = { slot: ORDERS_SLOT, leaderEpoch: 1 };

/** A slot that is led, with three instances of a session that agrees about them. */
async function startAgreed() {
  const started = startStorage({ sessions: [A] });
  const a = started.link(A);
  await a.writes(...["i-1", "i-2", "i-3"].map((id) => a.write("register", id, 1)));
  await a.say({ reports: a.reports() });
  return { ...started, a };
}

/** The session loses a registration, and nobody was told. */
const lose = (each: HandMadeSession, id: string) => each.holds.delete(`default/default/orders ${id} client-1`);

describe("a report", () => {
  test("of what the leader has is echoed, whatever else other sessions hold", async () => {
    const { a, link } = await startAgreed();
    const b = link(B);
    await b.writes(b.write("register", "i-9", 1, { clientId: "client-2" }));
    for (const each of [a, b]) {
      const report = each.report();
      expect(await each.ask({ reports: [report] })).toMatchObject({ reported: [report], disagreed: [] });
    }
  });

  test.each([
    { what: "less", change: (a: HandMadeSession) => void lose(a, "i-2") },
    { what: "more", change: (a: HandMadeSession) => a.hold(a.write("register", "i-4", 1)) },
    { what: "a newer version of something", change: (a: HandMadeSession) => a.hold(a.write("register", "i-1", 2)) },
    { what: "other content", change: (a: HandMadeSession) => a.hold(a.write("register", "i-1", 1, { zone: "z" })) },
  ])("of $what than the leader has is disagreed with, and the slot is not led for it", async ({ change }) => {
    const { a, storage, kind } = await startAgreed();
    change(a);
    expect(await a.ask({ reports: [a.report()] })).toMatchObject({ reported: [], disagreed: [orders] });
    storage.adopt(clusterState({ version: 2, leaderEpoch: 2, sessions: [A] }));
    a.leaderEpoch = 2;
    await a.say({ reports: a.reports() });
    expect([kind(), storage.ownership.count("leading")]).toEqual(["taking over", ALL_SLOTS.length - 1]);
  });

  test("has neither leases nor removals in it", async () => {
    const { a } = await startAgreed();
    await a.writes(a.write("unregister", "i-1", 2), a.write("register", "i-5", 1, { clientId: "", leaseMs: 60_000 }));
    expect((await a.ask({ reports: [a.report()] })).reported).toHaveLength(1);
  });

  test.each([0, 2])("at epoch %i, of a slot led at 1, is not answered", async (leaderEpoch) => {
    const { a } = await startAgreed();
    a.leaderEpoch = leaderEpoch;
    expect(await a.say({ reports: [a.report()], inventories: [a.inventory()], holdings: [a.holdings()] })).toEqual([]);
  });
});

describe("an inventory", () => {
  test("is answered with the services that differ, either way", async () => {
    const { a, storage } = await startAgreed();
    expect((await a.ask({ inventories: [a.inventory()] })).differences).toEqual([{ ...orders, keys: [] }]);
    lose(a, "i-2");
    expect((await a.ask({ inventories: [a.inventory()] })).differences).toEqual([{ ...orders, keys: [ORDERS] }]);
    for (const id of ["i-1", "i-3"]) lose(a, id);
    expect((await a.ask({ inventories: [a.inventory()] })).differences).toEqual([{ ...orders, keys: [ORDERS] }]);
    expect(storage.reconciler.repairs).toBe(2);
  });

  test("of a service that nothing is known of here is a difference", async () => {
    const { a } = await startAgreed();
    a.hold(a.write("register", "i-1", 1, { key: PAYMENTS }));
    const slot = slotOfServiceKey(PAYMENTS);
    expect((await a.ask({ inventories: [a.inventory(slot)] })).differences).toEqual([
      { slot, leaderEpoch: 1, keys: [PAYMENTS] },
    ]);
  });
});

describe("what a session lists as held", () => {
  test("ends what is not listed, and nothing else", async () => {
    const { a, link, shown } = await startAgreed();
    const b = link(B);
    await b.writes(b.write("register", "i-9", 1, { clientId: "client-2" }));
    await a.writes(a.write("register", "leased", 1, { clientId: "", leaseMs: 60_000 }));
    lose(a, "i-2");
    await a.say({ holdings: [a.holdings()] });
    expect(shown()).toEqual(["i-1", "i-3", "i-9", "leased"]);
    expect((await a.ask({ reports: [a.report()] })).reported).toHaveLength(1);
  });

  test("ends nothing outside the range that is listed", async () => {
    const { a, shown } = await startAgreed();
    for (const id of ["i-1", "i-2", "i-3"]) lose(a, id);
    await a.say({ holdings: [a.holdings(ORDERS, { after: "i-1", upTo: "i-2" })] });
    expect(shown()).toEqual(["i-1", "i-3"]);
    await a.say({ holdings: [a.holdings(ORDERS, { after: "i-2", upTo: "" })] });
    expect(shown()).toEqual(["i-1"]);
    await a.say({ holdings: [a.holdings(ORDERS, { after: "", upTo: "i-1" })] });
    expect(shown()).toEqual([]);
  });

  test("ends it as a conclusion only: the same word of the session brings it back", async () => {
    const { a, shown } = await startAgreed();
    const again = a.write("register", "i-2", 1);
    lose(a, "i-2");
    await a.say({ holdings: [a.holdings()] });
    expect(shown()).toEqual(["i-1", "i-3"]);
    expect(await a.writes(again)).toMatchObject([{ kind: "applied" }]);
    expect(shown()).toEqual(["i-1", "i-2", "i-3"]);
  });

  test("is told to subscribers, as confirmed", async () => {
    const { a, link } = await startAgreed();
    const b = link(B);
    await b.confirm(await b.follow());
    lose(a, "i-2");
    await a.say({ holdings: [a.holdings()] });
    expect(b.notifications(await b.heard())).toMatchObject([{ removedIds: ["i-2"], confirmed: true }]);
  });

  test("counts for nothing when a later write of the session has been seen", async () => {
    const { a, shown } = await startAgreed();
    lose(a, "i-2");
    const early = a.holdings();
    await a.writes(a.write("register", "i-4", 1));
    await a.say({ holdings: [early] });
    expect(shown()).toEqual(["i-1", "i-2", "i-3", "i-4"]);
    await a.say({ holdings: [a.holdings()] });
    expect(shown()).toEqual(["i-1", "i-3", "i-4"]);
  });

  test("counts when it comes with the very writes it was taken after", async () => {
    const { a, shown } = await startAgreed();
    lose(a, "i-2");
    const write = a.write("register", "i-4", 1);
    a.hold(write);
    await a.say({ writes: [write], holdings: [a.holdings()] });
    expect(shown()).toEqual(["i-1", "i-3", "i-4"]);
  });

  test("counts on a new link, on which nothing has been written yet", async () => {
    const { a, link, shown, storage } = await startAgreed();
    storage.part(a.peer, false);
    const again = link(A);
    await again.say({ holdings: [again.holdings(ORDERS, { afterWrite: 0 })] });
    expect(shown()).toEqual([]);
  });
});

test("a session that disagrees goes the whole way down, and both agree then", async () => {
  const { link, shown, storage, kind } = startStorage({ sessions: [A] });
  const a = link(A);
  await a.writes(...["i-1", "i-2"].map((id) => a.write("register", id, 1)));
  await a.writes(a.write("register", "i-1", 1, { key: PAYMENTS }));
  lose(a, "i-1");
  const unsaid = a.write("register", "i-3", 1);
  a.hold(unsaid);
  const { disagreed } = await a.ask({ reports: a.reports() });
  expect([disagreed, kind(), storage.ownership.count("leading")]).toEqual([
    [orders],
    "taking over",
    ALL_SLOTS.length - 1,
  ]);
  const { differences } = await a.ask({ inventories: disagreed.map(({ slot }) => a.inventory(slot)) });
  expect(differences).toEqual([{ ...orders, keys: [ORDERS] }]);
  const writes = ["i-2", "i-3"].map((id) => a.write("register", id, 1));
  await a.say({ writes, holdings: [a.holdings()] });
  const report = a.report();
  expect((await a.ask({ reports: [report] })).reported).toEqual([report]);
  expect([kind(), shown(), shown(PAYMENTS)]).toEqual(["leading", ["i-2", "i-3"], ["i-1"]]);
});

describe("the sum over all that a session holds", () => {
  test("that is ours is not answered", async () => {
    const { a } = await startAgreed();
    expect(await a.say({ registrations: a.rollUp(1) })).toEqual([]);
  });

  test("that is not ours makes the leader ask for a report of every slot", async () => {
    const { a } = await startAgreed();
    lose(a, "i-2");
    expect((await a.ask({ registrations: a.rollUp(1) })).reportAll).toBe(true);
  });

  test("is ours only at the leaders' epochs by which it was made", async () => {
    const { a } = await startAgreed();
    a.leaderEpoch = 2;
    expect((await a.ask({ registrations: a.rollUp(1) })).reportAll).toBe(true);
  });

  test.each([0, 2])("by table %i, when ours is 1, is about other slots: there is nothing to compare", async (table) => {
    const { a } = await startAgreed();
    lose(a, "i-2");
    expect(await a.say({ registrations: a.rollUp(table) })).toEqual([]);
  });

  test("leaves out slots that others lead", async () => {
    const { link } = startStorage({ leader: (slot) => (slot === ORDERS_SLOT ? "other" : US) });
    const a = link(A);
    await a.writes(...[ORDERS, PAYMENTS].map((key) => a.write("register", "i-1", 1, { key })));
    expect(await a.say({ registrations: a.rollUp(1, (slot) => slot !== ORDERS_SLOT) })).toEqual([]);
    expect((await a.ask({ registrations: a.rollUp(1) })).reportAll).toBe(true);
  });
});

describe("a session with which the node does not agree", () => {
  test("is named when that has gone on for a while, and no longer than it does", async () => {
    const { a, clock, nodeClock, storage } = await startAgreed();
    lose(a, "i-2");
    await a.say({ reports: [a.report()] });
    await clock.runFor(20_000);
    await a.say({ reports: [a.report()] });
    const problems = (patienceMs: number) => storage.reconciler.problems(nodeClock.now(), patienceMs);
    expect([problems(20_001), problems(20_000)]).toEqual([[], ["the sync with session a#1 fails"]]);
    a.hold(a.write("register", "i-2", 1));
    await a.say({ reports: [a.report()] });
    expect(problems(0)).toEqual([]);
  });

  test("is not named any more when its link is gone, while others are", async () => {
    const { a, link, storage, nodeClock } = await startAgreed();
    const b = link(B);
    b.hold(b.write("register", "i-9", 1));
    lose(a, "i-2");
    for (const each of [a, b]) await each.say({ reports: [each.report()] });
    storage.part(a.peer, false);
    expect(storage.reconciler.problems(nodeClock.now(), 0)).toEqual(["the sync with session b#1 fails"]);
  });
});

// What sessions were notified of -------------------------------------------------------------------------------------

describe("what a session was notified of", () => {
  /** A session that follows two services, and has been told all of them. */
  async function startNotified() {
    const started = await startAgreed();
    const { a, link } = started;
    const b = link(B);
    await a.writes(a.write("register", "i-1", 1, { key: PAYMENTS }));
    for (const key of [ORDERS, PAYMENTS]) await b.confirm(await b.follow(key));
    const rollUps = (frames: Awaited<ReturnType<typeof b.heard>>) =>
      frames.flatMap(({ copies }) => (copies === undefined ? [] : [copies]));
    /** What has come of a round of comparing. */
    const round = async () => {
      await b.heard();
      await started.clock.runFor(ANTI_ENTROPY_MS + 250);
      return rollUps(await b.heard());
    };
    return { ...started, b, round };
  }

  test("is compared every ten seconds by one digest", async () => {
    const { b, round, clock } = await startNotified();
    const copies = { tableEpoch: 1, digest: b.copiesDigest() };
    expect(await round()).toEqual([copies]);
    expect(await round()).toEqual([copies]);
    await clock.runFor(ANTI_ENTROPY_MS - 1_000);
    expect(await b.heard()).toEqual([]);
  });

  test("is not compared while a notification is on its way, or cannot leave", async () => {
    const { a, b, round } = await startNotified();
    await a.writes(a.write("register", "i-9", 1));
    const unanswered = b.notifications(await b.heard());
    b.stream.congested = true;
    expect(await round()).toEqual([]);
    b.stream.congested = false;
    await b.confirm(unanswered);
    expect(await round()).toEqual([{ tableEpoch: 1, digest: b.copiesDigest() }]);
  });

  test("is not compared while it waits for a slot that is being taken over", async () => {
    const { storage, b, round } = await startNotified();
    const slot = slotOfServiceKey(PAYMENTS);
    const leaderEpoch = (each: number) => (each === slot ? 2 : 1);
    storage.adopt(clusterState({ version: 2, leaderEpoch, sessions: [A, session("silent")] }));
    await b.say({ uninterests: [PAYMENTS] });
    expect(await b.follow(PAYMENTS)).toEqual([]);
    expect(await round()).toEqual([]);
  });

  test("is asked for again in the slots where the session has something else", async () => {
    const { b } = await startNotified();
    const slots = [ORDERS, PAYMENTS].map(slotOfServiceKey);
    const digests = slots.map((slot) => ({ slot, leaderEpoch: epoch(1), digest: b.copiesDigest(slot) }));
    expect((await b.ask({ copies: digests })).askAgain).toEqual([]);
    const wrong = { ...digests[1]!, digest: { high: 1, low: 1 } };
    expect((await b.ask({ copies: [digests[0]!, wrong] })).askAgain).toEqual([slots[1]]);
    expect((await b.ask({ copies: [digests[0]!] })).askAgain).toEqual([slots[1]]);
    const other = ALL_SLOTS.find((slot) => !slots.includes(slot))!;
    expect((await b.ask({ copies: [...digests, { ...wrong, slot: other }] })).askAgain).toEqual([other]);
  });

  test("is not asked for again while something is on its way, which may be what makes the difference", async () => {
    const { a, b } = await startNotified();
    const wrong = { slot: ORDERS_SLOT, leaderEpoch: epoch(1), digest: { high: 1, low: 1 } };
    await a.writes(a.write("register", "i-9", 1));
    expect((await b.ask({ copies: [wrong] })).askAgain).toEqual([]);
  });

  test("is put right when the session tells its interests of that slot again", async () => {
    const { b } = await startNotified();
    const copy = b.copies.get("default/default/orders")!;
    copy.remove("i-2", { epoch: epoch(1), counter: 99 });
    const held = { version: { epoch: epoch(1), counter: 3 }, digest: copy.digest };
    const [update] = await b.follow(ORDERS, held);
    expect(update).toMatchObject({ baseDigest: undefined, instances: [{ id: "i-1" }, { id: "i-2" }, { id: "i-3" }] });
  });
});
