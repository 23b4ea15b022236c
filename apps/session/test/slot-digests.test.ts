import {
  EMPTY_DIGEST,
  digestOfBytes,
  digestOfRegistration,
  serviceKey,
  slotOfServiceKey,
  textFromServiceKey,
  toggleDigest,
  type Digest,
  type ServiceKey,
} from "@rollcall/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RANGE_SIZE } from "../src/registrations/slot-digests.ts";
import type { Wish } from "../src/registrations/registration-store.ts";
import { ORDERS, PAYMENTS, SLOT } from "./fixture.ts";
import { startSession } from "./session-fixture.ts";

/** Another service of the slot of orders. */
const NEIGHBOUR = neighbourOf(ORDERS);

function neighbourOf(key: ServiceKey): ServiceKey {
  for (let index = 0; ; index++) {
    const other = serviceKey({ service: `other-${index}` });
    if (slotOfServiceKey(other) === slotOfServiceKey(key)) return other;
  }
}

type Session = ReturnType<typeof startSession>;

/** What a digest has to be: over everything that lives with a connection. */
function naiveDigest({ store }: Session, key?: ServiceKey): Digest {
  return [...store.inSlot(SLOT)]
    .filter(({ removed, leaseMs }) => !removed && leaseMs === 0)
    .filter((registration) => key === undefined || textFromServiceKey(registration.key) === textFromServiceKey(key))
    .map((registration) =>
      digestOfRegistration(textFromServiceKey(registration.key), registration, digestOfBytes(registration.instance)),
    )
    .reduce(toggleDigest, EMPTY_DIGEST);
}

const action = fc.record({
  kind: fc.constantFrom("register", "unregister", "lease", "abandon", "applied", "superseded", "sweep"),
  key: fc.constantFrom(ORDERS, NEIGHBOUR),
  instanceId: fc.constantFrom("a", "b", "c"),
  clientId: fc.constantFrom("c-1", "c-2"),
  counter: fc.integer({ min: 1, max: 6 }),
});

test("the digest of a slot is at any time that of what lives with a connection, whatever happened to it", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (story) => {
      const session = startSession();
      const { client, store, wish, take, answer } = session;
      for (const { kind, key, instanceId, clientId, counter } of story) {
        const change: Partial<Wish> = { key, instanceId, clientId };
        if (kind === "register") wish(counter, change);
        if (kind === "unregister") wish(counter, { ...change, removed: true });
        if (kind === "lease") wish(counter, { ...change, clientId: "", owner: undefined, leaseMs: 5_000 });
        if (kind === "abandon") store.abandon(client);
        if (kind === "applied") answer(take().slice(0, counter));
        if (kind === "superseded")
          answer(take().slice(0, counter), { kind: "superseded", by: { incarnation: 2, counter } });
        if (kind === "sweep") store.sweep(counter * 10_000);
        expect(store.digestOf(SLOT)).toEqual(naiveDigest(session));
        for (const service of store.inventoryOf(SLOT))
          expect(service.digest).toEqual(naiveDigest(session, service.key));
      }
    }),
    { numRuns: 500 },
  );
});

describe("an inventory", () => {
  test("names the services with a registration that lives with a connection, and no others", () => {
    const { store, wish } = startSession();
    wish(1);
    wish(2, { instanceId: "i-2" });
    wish(3, { key: NEIGHBOUR, removed: true });
    wish(4, { key: NEIGHBOUR, clientId: "", leaseMs: 5_000 });
    wish(5, { key: PAYMENTS });
    expect(store.inventoryOf(SLOT)).toEqual([{ key: ORDERS, digest: store.digestOf(SLOT) }]);
    wish(6, { key: NEIGHBOUR });
    expect(store.inventoryOf(SLOT).map(({ key }) => key)).toEqual([ORDERS, NEIGHBOUR]);
  });

  test("of a slot with nothing is empty, and so is its digest", () => {
    const { store } = startSession();
    expect([store.inventoryOf(SLOT), store.digestOf(SLOT)]).toEqual([[], EMPTY_DIGEST]);
  });
});

describe("holdings", () => {
  const name = (index: number) => `i-${String(index).padStart(6, "0")}`;

  function holding(count: number) {
    const session = startSession();
    for (let index = count - 1; index >= 0; index--) session.wish(1, { instanceId: name(index) });
    return session;
  }

  test("of nothing are one range from end to end, with nobody in it", () => {
    expect(startSession().store.holdingsOf(ORDERS, "", 4)).toEqual([{ after: "", upTo: "", held: [] }]);
  });

  test("name what lives with a connection, in the order of the ids, and nothing of other services", () => {
    const { store, wish } = startSession();
    wish(1, { instanceId: "b" });
    wish(1, { instanceId: "B" });
    wish(1, { instanceId: "a", removed: true });
    wish(1, { instanceId: "c", clientId: "", leaseMs: 5_000 });
    wish(1, { instanceId: "d", key: NEIGHBOUR });
    const held = ["B", "b"].map((instanceId) => ({ instanceId, clientId: "c" }));
    expect(store.holdingsOf(ORDERS, "", 4)).toEqual([{ after: "", upTo: "", held }]);
  });

  test("come in ranges that leave no gap, as many at a time as are wanted", () => {
    const { store } = holding(2 * RANGE_SIZE + 3);
    const first = store.holdingsOf(ORDERS, "", 1);
    expect(first.map(({ after, upTo, held }) => [after, upTo, held.length])).toEqual([
      ["", name(RANGE_SIZE - 1), RANGE_SIZE],
    ]);
    const rest = store.holdingsOf(ORDERS, first[0]!.upTo, 4);
    expect(rest.map(({ after, upTo, held }) => [after, upTo, held.length])).toEqual([
      [name(RANGE_SIZE - 1), name(2 * RANGE_SIZE - 1), RANGE_SIZE],
      [name(2 * RANGE_SIZE - 1), "", 3],
    ]);
    expect(store.holdingsOf(ORDERS, "", 4)).toEqual([...first, ...rest]);
  });

  test.each([RANGE_SIZE, RANGE_SIZE + 1])("of %i end with a range without an upper bound", (count) => {
    const ranges = holding(count).store.holdingsOf(ORDERS, "", 9);
    expect(ranges.at(-1)!.upTo).toBe("");
    expect(ranges.flatMap(({ held }) => held)).toHaveLength(count);
  });

  test("have all clients of an instance in one range", () => {
    const { store, wish } = holding(RANGE_SIZE);
    for (const clientId of ["c-2", "c-3"]) wish(1, { instanceId: name(RANGE_SIZE - 1), clientId });
    wish(1, { instanceId: name(RANGE_SIZE) });
    expect(store.holdingsOf(ORDERS, "", 4).map(({ upTo, held }) => [upTo, held.length])).toEqual([
      [name(RANGE_SIZE - 1), RANGE_SIZE + 2],
      ["", 1],
    ]);
  });
});
