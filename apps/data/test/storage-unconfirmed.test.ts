/** While a slot is taken over from what was on disk its lists are shown as what they are: nobody vouches for them. */

import { Datum, epoch, serviceKey, slotOfServiceKey, textFromServiceKey, type Version } from "@rollcall/core";
import { expect, test } from "vitest";
import { ANTI_ENTROPY_MS } from "../src/sessions/reconciler.ts";
import { US, clusterState, session } from "./cluster-fixture.ts";
import { ORDERS, ORDERS_SLOT, startStorage, zonesIn, type HandMadeSession } from "./storage-fixture.ts";

const A = session("a");
const B = session("b");
const version = (leaderEpoch: number, counter: number): Version => ({ epoch: epoch(leaderEpoch), counter });

/** A node with two instances on disk, that is to lead at epoch 4, and two sessions, of which one holds both instances. */
function startFromDisk() {
  const disk = [{ session: "a#1", ids: ["i-1", "i-2"], version: version(3, 7) }];
  const started = startStorage({ leaderEpoch: 4, sessions: [A, B] }, disk);
  const [a, b] = [started.link(A), started.link(B)];
  for (const each of [a, b]) each.leaderEpoch = 4;
  for (const id of ["i-1", "i-2"]) a.hold(a.write("register", id, 1));
  const agree = async (...sessions: readonly HandMadeSession[]) => {
    for (const each of sessions) await each.say({ reports: each.reports() });
  };
  return { ...started, a, b, agree };
}

test("a receiver that holds nothing is shown the doubtful list, and is told when it is vouched for", async () => {
  const { a, b, agree } = startFromDisk();
  const doubtful = await b.follow();
  expect(doubtful).toMatchObject([{ confirmed: false, baseDigest: undefined, version: version(4, 0) }]);
  expect(doubtful.map(zonesIn)).toEqual([["i-1", "i-2"]]);
  expect(await b.confirm(doubtful)).toEqual([]);
  await agree(a);
  expect(await b.heard()).toEqual([]);
  const { digest } = doubtful[0]!;
  const vouched = (await b.ask({ reports: b.reports() })).notifications;
  expect(vouched).toMatchObject([{ confirmed: true, digest, baseDigest: digest, instances: [], removedIds: [] }]);
  expect(await b.confirm(vouched)).toEqual([]);
});

test.each([
  { what: "more than the disk has heard of", at: version(3, 9) },
  { what: "what the disk cannot tell the difference to", at: version(3, 5) },
])("a receiver of a confirmed list, $what, is shown nothing before the slot is led, and then all", async ({ at }) => {
  const { a, b, agree, kind } = startFromDisk();
  const copy = new Datum(ORDERS, version(3, 1));
  copy.put({ id: "i-9", bytes: new Uint8Array(1) }, at);
  b.copies.set(textFromServiceKey(ORDERS), copy);
  expect(await b.follow(ORDERS, copy.held)).toEqual([]);
  await agree(a);
  expect(await b.heard()).toEqual([]);
  const { notifications } = await b.ask({ reports: b.reports() });
  expect(kind()).toBe("leading");
  expect(notifications).toMatchObject([{ confirmed: true, version: version(4, 0), baseDigest: undefined }]);
  expect(await b.confirm(notifications)).toEqual([]);
  expect([...copy.instances()].map(({ id }) => id).toSorted()).toEqual(["i-1", "i-2"]);
});

test("an empty doubtful list says nothing, and is not shown", async () => {
  const { b } = startFromDisk();
  const missing = serviceKey({ service: "payments" });
  expect(slotOfServiceKey(missing)).not.toBe(ORDERS_SLOT);
  expect(await b.follow(missing)).toEqual([]);
  const empty = sameSlotKey();
  expect(await b.follow(empty)).toEqual([]);
});

/** Another service of the slot of the orders. */
function sameSlotKey() {
  for (let number = 0; ; number++) {
    const key = serviceKey({ service: `s-${number}` });
    if (slotOfServiceKey(key) === ORDERS_SLOT) return key;
  }
}

test("nothing doubtful is shown of a complete copy, or of what sessions have just written to a slot begun with nothing", async () => {
  const { link, storage } = startStorage({ sessions: [A, B] });
  const [a, b] = [link(A), link(B)];
  await a.writes(a.write("register", "i-1", 1));
  expect([await b.follow(), storage.shownOf(ORDERS)]).toEqual([[], undefined]);
  const led = startStorage();
  const c = led.link(A);
  await c.writes(c.write("register", "i-1", 1));
  led.storage.adopt(clusterState({ version: 2, leaderEpoch: 2, sessions: [A] }));
  expect([await c.follow(), led.storage.shownOf(ORDERS)]).toEqual([[], undefined]);
});

test("nothing is shown by a node that follows, or is leaving", async () => {
  const { link, storage } = startStorage();
  const a = link(A);
  await a.writes(a.write("register", "i-1", 1));
  for (const [index, followers] of [[], [US]].entries()) {
    storage.adopt(clusterState({ version: 2 + index, leader: "other", followers, leaderEpoch: 2 }));
    expect([storage.shownOf(ORDERS), await a.follow()]).toEqual([undefined, []]);
  }
});

test("what changes while the list is doubtful is shown to those who have it, and is doubtful as well", async () => {
  const { a, b } = startFromDisk();
  await b.confirm(await b.follow());
  await a.writes(a.write("register", "i-3", 1), a.write("unregister", "i-1", 2));
  const updates = b.notifications(await b.heard());
  expect(updates).toMatchObject([{ confirmed: false, removedIds: ["i-1"] }]);
  expect(updates.map(zonesIn)).toEqual([["i-3"]]);
});

test("a receiver that has the doubtful list is told the confirmed one when it turns out to be another", async () => {
  const { a, b, agree } = startFromDisk();
  await b.confirm(await b.follow());
  a.holds.clear();
  await agree(b);
  await a.say({ holdings: [a.holdings()] });
  await b.confirm(b.notifications(await b.heard()));
  await a.say({ reports: a.reports() });
  expect(b.notifications(await b.heard())).toMatchObject([{ confirmed: true, instances: [], removedIds: [] }]);
});

test("a doubtful list is not compared as if it were what the session should have", async () => {
  const { b, clock } = startFromDisk();
  await b.confirm(await b.follow());
  await clock.runFor(ANTI_ENTROPY_MS + 500);
  expect((await b.heard()).filter(({ copies }) => copies !== undefined)).toEqual([]);
});
