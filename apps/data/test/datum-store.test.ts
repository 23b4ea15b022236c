import { compareVersions, epoch, serviceKey, slotOfServiceKey, type ServiceKey, type Version } from "@rollcall/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DatumStore } from "../src/datums/datum-store.ts";

const ORDERS = serviceKey({ service: "orders" });
const SLOT = slotOfServiceKey(ORDERS);

function opened(leaderEpoch = 1): DatumStore {
  const store = new DatumStore();
  store.open(SLOT, epoch(leaderEpoch));
  return store;
}

function register(store: DatumStore, id: string, counter = 1, key: ServiceKey = ORDERS) {
  const service = store.obtain(key);
  const write = {
    sequence: 1,
    kind: "register" as const,
    leaderEpoch: epoch(1),
    key,
    instanceId: id,
    clientId: "c",
    version: { incarnation: 1, counter },
    instance: new TextEncoder().encode(`${id} ${counter}`),
    leaseMs: 0,
  };
  service.merge(write, "s#1", store.issue(service.slot));
  return service.find(id, "c")!;
}

test("versions only grow, also for a service that goes and comes back, and for a slot that does", () => {
  const steps = fc.array(fc.constantFrom("register", "end", "forget", "reopen"), { maxLength: 40 });
  fc.assert(
    fc.property(steps, (story) => {
      const store = opened();
      let [leaderEpoch, counter] = [1, 0];
      let last: Version = { epoch: epoch(0), counter: 0 };
      for (const step of story) {
        const service = store.obtain(ORDERS);
        const claim = service.find("i-1", "c");
        if (step === "register") register(store, "i-1", ++counter);
        if (step === "end" && claim !== undefined) service.end(claim, store.issue(SLOT), false);
        if (step === "forget" && claim?.removed === true) {
          service.forget(claim);
          store.release(service);
        }
        if (step === "reopen") {
          store.drop(SLOT);
          store.open(SLOT, epoch(++leaderEpoch));
        }
        const { version } = store.obtain(ORDERS).datum;
        expect(compareVersions(version, last)).toBeGreaterThanOrEqual(0);
        last = version;
      }
    }),
  );
});

test("a service that comes back starts at what was issued last, above everything that was ever shown of it", () => {
  const store = opened();
  const claim = register(store, "i-1");
  const { service } = claim;
  service.end(claim, store.issue(SLOT), false);
  const gone = service.datum.version;
  service.forget(claim);
  store.release(service);
  expect(store.find(ORDERS)).toBeUndefined();
  const back = store.obtain(ORDERS);
  expect(back).not.toBe(service);
  expect(compareVersions(back.datum.version, gone)).toBeGreaterThanOrEqual(0);
  register(store, "i-2");
  expect(compareVersions(back.datum.version, gone)).toBeGreaterThan(0);
});

test("a slot is opened once per epoch, and everything of an epoch is above the one before", () => {
  const store = opened(4);
  const first = store.issue(SLOT);
  expect(() => store.open(SLOT, epoch(4))).toThrow("opened once per epoch");
  expect(() => store.open(SLOT, epoch(3))).toThrow("opened once per epoch");
  store.open(SLOT, epoch(5));
  expect(store.obtain(ORDERS).datum.version).toEqual({ epoch: 5, counter: 0 });
  expect(compareVersions(store.issue(SLOT), first)).toBeGreaterThan(0);
});

test("nothing is kept of a slot that is not open", () => {
  const store = opened();
  register(store, "i-1");
  store.drop(SLOT);
  expect(store.find(ORDERS)).toBeUndefined();
  expect([...store.claims(), ...store.servicesOf(SLOT)]).toEqual([]);
  expect(() => store.obtain(ORDERS)).toThrow("is open");
  expect(() => store.issue(SLOT)).toThrow("is open");
});

describe("letting go of a service", () => {
  test("is not done while it has registrations or tombstones", () => {
    const store = opened();
    const claim = register(store, "i-1");
    store.release(claim.service);
    expect(store.find(ORDERS)).toBe(claim.service);
    claim.service.end(claim, store.issue(SLOT), false);
    store.release(claim.service);
    expect(store.find(ORDERS)).toBe(claim.service);
  });

  test("of an earlier epoch does not touch the one that has its name now", () => {
    const store = opened(1);
    const late = register(store, "i-1");
    store.drop(SLOT);
    store.open(SLOT, epoch(2));
    register(store, "i-2");
    late.service.forget(late);
    store.release(late.service);
    expect(store.find(ORDERS)?.datum.size).toBe(1);
  });
});

test("summaries name the services of a namespace that have instances, in the slots asked for", () => {
  const store = new DatumStore();
  const keys = ["a", "b", "empty"].map((service) => serviceKey({ service }));
  const other = serviceKey({ namespace: "other", service: "a" });
  for (const slot of new Set([...keys, other].map(slotOfServiceKey))) store.open(slot, epoch(1));
  for (const key of [keys[0]!, keys[1]!, other]) register(store, "i-1", 1, key);
  register(store, "i-2", 1, keys[0]);
  store.obtain(keys[2]!);
  expect(store.summaries("default", () => true)).toEqual([
    { key: keys[0], instances: 2 },
    { key: keys[1], instances: 1 },
  ]);
  expect(store.summaries("default", (slot) => slot !== slotOfServiceKey(keys[0]!))).toEqual([
    { key: keys[1], instances: 1 },
  ]);
  expect(store.summaries("nowhere", () => true)).toEqual([]);
});
