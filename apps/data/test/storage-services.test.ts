import { SLOT_COUNT, serviceKey, slotOfServiceKey, type ServicesNotification } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { clusterState, session } from "./cluster-fixture.ts";
import { ORDERS, ORDERS_SLOT, startStorage, type HandMadeSession } from "./storage-fixture.ts";

const A = session("a");
const B = session("b");
const STOCK = serviceKey({ service: "stock" });

/** Says that it is interested in the services of a namespace. */
async function list(link: HandMadeSession, namespace = "default"): Promise<readonly ServicesNotification[]> {
  return (await link.ask({ servicesInterests: [{ namespace, held: undefined }] })).servicesNotifications;
}

/** Confirms what came and gives what comes then. */
async function confirm(link: HandMadeSession, notified: readonly ServicesNotification[]) {
  const servicesReceipts = notified.map((item) => ({ namespace: item.namespace, held: item, resync: false }));
  return (await link.ask({ servicesReceipts })).servicesNotifications;
}

const heard = async (link: HandMadeSession) =>
  (await link.heard()).flatMap(({ servicesNotifications }) => servicesNotifications);

const inWords = ({ slots, removedSlots, services, removed }: ServicesNotification) => ({
  slots: slots.length,
  removedSlots: removedSlots.length,
  services: services.map(({ service }) => service).toSorted(),
  removed: removed.map(({ service }) => service).toSorted(),
});

const NOTHING_NEW = { slots: 0, removedSlots: 0, services: [], removed: [] };

describe("a list of services", () => {
  test("is told whole to who asks, with the slots it is about, and then what comes and goes", async () => {
    const { link } = startStorage();
    const [a, b] = [link(A), link(B)];
    await b.writes(b.write("register", "i-1", 1), b.write("register", "s-1", 1, { key: STOCK }));
    const first = await list(a);
    expect(first.map(inWords)).toEqual([
      { slots: SLOT_COUNT, removedSlots: 0, services: ["orders", "stock"], removed: [] },
    ]);
    await confirm(a, first);
    await b.writes(b.write("unregister", "i-1", 2));
    const second = await heard(a);
    expect(second.map(inWords)).toEqual([{ ...NOTHING_NEW, removed: ["orders"] }]);
    await confirm(a, second);
    await b.writes(b.write("register", "i-1", 3));
    expect((await heard(a)).map(inWords)).toEqual([{ ...NOTHING_NEW, services: ["orders"] }]);
  });

  test("has no news in further instances, nor in those of other namespaces", async () => {
    const { link } = startStorage();
    const [a, b] = [link(A), link(B)];
    await b.writes(b.write("register", "i-1", 1));
    await confirm(a, await list(a));
    await b.writes(b.write("register", "i-2", 1), b.write("register", "i-1", 2, { zone: "b" }));
    await b.writes(b.write("unregister", "i-2", 2));
    await b.writes(b.write("register", "i-3", 1, { key: serviceKey({ namespace: "shop", service: "orders" }) }));
    expect(await heard(a)).toEqual([]);
  });

  test("is on its way once at a time: what changes meanwhile comes together, and what came and went does not", async () => {
    const { link } = startStorage();
    const [a, b] = [link(A), link(B)];
    const first = await list(a);
    await b.writes(b.write("register", "i-1", 1));
    await b.writes(b.write("register", "s-1", 1, { key: STOCK }), b.write("unregister", "i-1", 2));
    expect(await heard(a)).toEqual([]);
    const [second] = await confirm(a, first);
    expect(second!.services).toEqual([STOCK]);
  });

  test("is not about slots that others lead, or that are being taken over, and says so", async () => {
    const { storage, link } = startStorage();
    const [a, b] = [link(A), link(B)];
    await b.writes(b.write("register", "i-1", 1));
    await confirm(a, await list(a));
    const isOrders = (slot: number) => slot === ORDERS_SLOT;
    const leader = (slot: number) => (isOrders(slot) ? "data-2" : "data-1");
    storage.adopt(clusterState({ version: 2, leader, leaderEpoch: (slot) => (isOrders(slot) ? 2 : 1) }));
    const left = await heard(a);
    expect(left.map(inWords)).toEqual([{ ...NOTHING_NEW, removedSlots: 1, removed: ["orders"] }]);
    await confirm(a, left);
    // Given back, it is told of again when it is led completely.
    storage.adopt(clusterState({ version: 3, leaderEpoch: (slot) => (isOrders(slot) ? 3 : 1), sessions: [A, B] }));
    expect([storage.ownership.of(ORDERS_SLOT).kind, await heard(a)]).toEqual(["taking over", []]);
    for (const link of [a, b]) {
      link.leaderEpoch = 3;
      await link.say({ reports: [link.report(slotOfServiceKey(ORDERS))] });
    }
    expect(storage.ownership.of(ORDERS_SLOT).kind).toBe("leading");
    expect((await heard(a)).map(inWords)).toEqual([{ ...NOTHING_NEW, slots: 1, services: ["orders"] }]);
  });

  test("is kept as long as somebody is interested, and no longer", async () => {
    const { storage, link } = startStorage();
    const [a, b] = [link(A), link(B)];
    await list(a);
    await list(b);
    await list(b, "shop");
    expect(storage.lists.size).toBe(2);
    await a.say({ servicesUninterests: ["default"] });
    expect(storage.lists.size).toBe(2);
    storage.part(b.peer, true);
    expect(storage.lists.size).toBe(0);
  });

  test("is compared now and then, by what it comes to", async () => {
    const { clock, link } = startStorage({ sessions: [A] });
    const a = link(A);
    const first = await list(a);
    await confirm(a, first);
    await clock.runFor(10_500);
    const digests = (await a.heard()).flatMap(({ servicesDigests }) => servicesDigests);
    expect(digests).toEqual([{ namespace: "default", digest: first[0]!.digest }]);
  });
});
