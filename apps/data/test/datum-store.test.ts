import { compareVersions, epoch, serviceKey, slotOfServiceKey, type ServiceKey, type Version } from "@rollcall/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { recordOfClaim } from "../src/datums/claim.ts";
import { DatumStore } from "../src/datums/datum-store.ts";
import { Copy, allIn, at, shownIn, word, writeFrom } from "./slot-fixture.ts";

const ORDERS = serviceKey({ service: "orders" });
const SLOT = slotOfServiceKey(ORDERS);

function leading(leaderEpoch = 1, watcher = new Copy()): DatumStore {
  const store = new DatumStore(watcher);
  store.lead(SLOT, epoch(leaderEpoch));
  return store;
}

function register(store: DatumStore, id: string, counter = 1, key: ServiceKey = ORDERS) {
  const service = store.obtain(key);
  service.merge(writeFrom(word("register", counter, { key, instanceId: id })), "s#1");
  return service.find(id, "c1")!;
}

test("versions only grow, also for a service that goes and comes back, and for a slot that does", () => {
  const steps = fc.array(fc.constantFrom("register", "end", "forget", "lead", "drop and lead"), { maxLength: 40 });
  fc.assert(
    fc.property(steps, (story) => {
      const store = leading();
      let [leaderEpoch, counter] = [1, 0];
      let last: Version = at(0, 0);
      for (const step of story) {
        const claim = store.obtain(ORDERS).find("i-1", "c1");
        if (step === "register") register(store, "i-1", ++counter);
        if (step === "end" && claim !== undefined) claim.service.end(claim, false);
        if (step === "forget" && claim?.removed === true) {
          claim.service.discard(claim, store.of(SLOT)!.version);
          store.release(claim.service);
        }
        if (step === "drop and lead") store.drop(SLOT);
        if (step.endsWith("lead")) store.lead(SLOT, epoch(++leaderEpoch));
        const { version } = store.obtain(ORDERS).datum;
        const least = step === "register" || step.endsWith("lead") ? 1 : 0;
        expect(Math.sign(compareVersions(version, last))).toBeGreaterThanOrEqual(least);
        last = version;
      }
    }),
  );
});

test("a service that comes back starts at what was issued last, above everything that was ever shown of it", () => {
  const store = leading();
  const claim = register(store, "i-1");
  const { service } = claim;
  service.end(claim, false);
  const gone = service.datum.version;
  service.discard(claim, store.of(SLOT)!.version);
  store.release(service);
  expect(store.find(ORDERS)).toBeUndefined();
  const back = store.obtain(ORDERS);
  expect(back).not.toBe(service);
  expect(compareVersions(back.datum.version, gone)).toBeGreaterThanOrEqual(0);
  register(store, "i-2");
  expect(compareVersions(back.datum.version, gone)).toBeGreaterThan(0);
});

describe("leading a slot", () => {
  test("begins with what there is of it, at its epoch", () => {
    const store = leading(4);
    register(store, "i-1");
    const before = allIn(store.of(SLOT)!);
    const content = store.lead(SLOT, epoch(6));
    expect([allIn(content), content.version, store.obtain(ORDERS).datum.version]).toEqual([before, at(6, 0), at(6, 0)]);
    expect(content).toBe(store.of(SLOT));
  });

  test.each([4, 5])("is not done at epoch %i when what there is of it is of epoch 5", (leaderEpoch) => {
    const store = leading(5);
    expect(() => store.lead(SLOT, epoch(leaderEpoch))).toThrow("above 5");
  });
});

describe("a slot of which nothing was kept", () => {
  test("is empty, and nothing can be put into it before it is opened", () => {
    const store = leading();
    register(store, "i-1");
    store.drop(SLOT);
    expect([store.find(ORDERS), store.of(SLOT), [...store.claims()]]).toEqual([undefined, undefined, []]);
    expect(() => store.obtain(ORDERS)).toThrow("is open");
    store.open(SLOT);
    expect([store.of(SLOT)!.version, store.obtain(ORDERS).datum.size]).toEqual([at(0, 0), 0]);
  });

  test("is opened once: what is there stays, whatever version is said", () => {
    const store = leading(2);
    register(store, "i-1");
    const content = store.of(SLOT);
    expect([store.open(SLOT, at(9, 9)), store.of(SLOT)!.version]).toEqual([content, at(2, 1)]);
  });
});

test("what an earlier life of this node has left is there again, at the versions it was left at", () => {
  const before = leading(3);
  for (const id of ["i-1", "i-2"]) register(before, id);
  const gone = register(before, "i-3");
  gone.service.end(gone, true);
  const after = new DatumStore(new Copy());
  for (const claim of before.claims()) after.restore(SLOT, claim.service.key, recordOfClaim(claim));
  after.restored(new Map([[SLOT, before.of(SLOT)!.version]]));
  const [was, is] = [before.of(SLOT)!, after.of(SLOT)!];
  expect([allIn(is), shownIn(is), is.version, is.digest]).toEqual([allIn(was), shownIn(was), was.version, was.digest]);
});

test("of what an earlier life has left, what was complete stays, also when it is nothing; the rest goes", () => {
  const before = leading(3);
  const claim = register(before, "i-1");
  const after = new DatumStore(new Copy());
  after.restore(SLOT, claim.service.key, recordOfClaim(claim));
  const empty = slotOfServiceKey(serviceKey({ service: "payments" }));
  after.restored(new Map([[empty, at(9, 9)]]));
  expect([...after.slots()].map(({ slot, wasComplete }) => [slot, wasComplete])).toEqual([[empty, true]]);
});

describe("letting go of a service", () => {
  test("is not done while it has registrations or tombstones", () => {
    const store = leading();
    const claim = register(store, "i-1");
    store.release(claim.service);
    expect(store.find(ORDERS)).toBe(claim.service);
    claim.service.end(claim, false);
    store.release(claim.service);
    expect(store.find(ORDERS)).toBe(claim.service);
  });

  test("of an earlier content does not touch the one that has its name now", () => {
    const store = leading(1);
    const late = register(store, "i-1").service;
    store.drop(SLOT);
    store.lead(SLOT, epoch(2));
    register(store, "i-2");
    store.release(late);
    expect(store.find(ORDERS)?.datum.size).toBe(1);
  });
});

test("counts and summaries are of services that have instances, in the slots asked for", () => {
  const store = new DatumStore(new Copy());
  const keys = ["a", "b", "empty"].map((service) => serviceKey({ service }));
  const other = serviceKey({ namespace: "other", service: "a" });
  for (const slot of new Set([...keys, other].map(slotOfServiceKey))) store.lead(slot, epoch(1));
  for (const key of [keys[0]!, keys[1]!, other]) register(store, "i-1", 1, key);
  register(store, "i-2", 1, keys[0]);
  store.obtain(keys[2]!);
  expect(store.summaries("default", () => true)).toEqual([
    { key: keys[0], instances: 2 },
    { key: keys[1], instances: 1 },
  ]);
  const isNotFirst = (slot: number) => slot !== slotOfServiceKey(keys[0]!);
  expect(store.summaries("default", isNotFirst)).toEqual([{ key: keys[1], instances: 1 }]);
  expect(store.summaries("nowhere", () => true)).toEqual([]);
  expect([store.count(() => true), store.count(isNotFirst), store.count(() => false)]).toEqual([
    { services: 3, instances: 4 },
    { services: 2, instances: 2 },
    { services: 0, instances: 0 },
  ]);
});
