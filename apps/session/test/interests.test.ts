import {
  DurationHistogram,
  ServiceEvents,
  digestOfText,
  frameFromMessage,
  mixDigests,
  partsOfUpdate,
  noTracer,
  serviceKey,
  slotOfServiceKey,
  textFromServiceKey,
} from "@rollcall/core";
import { isMarkedUnhealthy } from "@rollcall/protocol";
import { SimClock } from "@rollcall/testing";
import { describe, expect, test } from "vitest";
import { Interests } from "../src/views/interests.ts";
import {
  LeaderDatum,
  ORDERS,
  PAYMENTS,
  SLOT,
  encoded,
  readInstance,
  slotTable,
  tableWith,
  version,
} from "./fixture.ts";

/** No slot is held back. */
const NONE = () => false;

function startInterests(table = slotTable(1, "d-1")) {
  const clock = new SimClock();
  const woken: string[] = [];
  const events = new ServiceEvents(() => clock.now());
  const encodePush = () => [frameFromMessage(new Uint8Array(0))];
  const reading = { readInstance, isUnhealthy: isMarkedUnhealthy };
  const ports = { clock, tracer: noTracer, pushAges: new DurationHistogram(), events, encodePush, ...reading };
  const interests = new Interests(clock, ports, (nodeId) => woken.push(nodeId));
  interests.adopt(table);
  const sweepAt = async (ms: number) => {
    await clock.runUntil(ms);
    interests.sweep(clock.now());
  };
  const asked = (nodeId = "d-1") => interests.takeInterests(nodeId, NONE).map(({ key }) => key.service);
  return { clock, interests, woken, sweepAt, asked };
}

describe("an interest", () => {
  test("is told to the leader of the slot once, with nothing held", () => {
    const { interests, woken, asked } = startInterests();
    const copy = interests.use(ORDERS);
    expect(interests.use(ORDERS)).toBe(copy);
    expect(woken).toEqual(["d-1"]);
    expect(interests.takeInterests("d-2", NONE)).toEqual([]);
    expect(interests.takeInterests("d-1", NONE)).toEqual([{ key: ORDERS, held: undefined }]);
    expect(asked()).toEqual([]);
  });

  test("waits until there is a leader", () => {
    const { interests, woken, asked } = startInterests(slotTable(1, undefined));
    interests.use(ORDERS);
    expect([woken, asked()]).toEqual([[], []]);
    interests.adopt(slotTable(2, "d-1"));
    expect([woken, asked()]).toEqual([["d-1"], ["orders"]]);
  });

  test("is told again until it is answered", async () => {
    const { interests, sweepAt, asked } = startInterests();
    interests.use(ORDERS);
    expect(asked()).toEqual(["orders"]);
    await sweepAt(999);
    expect(asked()).toEqual([]);
    await sweepAt(1_000);
    expect(asked()).toEqual(["orders"]);
    interests.notified("d-1", new LeaderDatum().put(encoded("a")).snapshot);
    await sweepAt(60_000);
    expect(asked()).toEqual([]);
  });

  test("is answered by a notification in parts when the last has come, and not told again while they come", async () => {
    const { interests, sweepAt, asked } = startInterests();
    const copy = interests.use(ORDERS);
    expect(asked()).toEqual(["orders"]);
    const parts = partsOfUpdate(new LeaderDatum().put(encoded("a"), encoded("b"), encoded("c")).snapshot, 1);
    const receipts = [];
    for (const [index, part] of parts.entries()) {
      await sweepAt(index * 900);
      expect([asked(), copy.content]).toEqual([[], "nothing"]);
      receipts.push(interests.notified("d-1", part));
    }
    expect([receipts.length, receipts.filter((receipt) => receipt !== undefined)]).toEqual([
      3,
      [{ key: ORDERS, held: copy.held, resync: false }],
    ]);
  });

  test("goes to the new leader of a slot that has moved, with what is held, and to nobody for the others", () => {
    const { interests, asked } = startInterests();
    const copy = interests.use(ORDERS);
    interests.use(PAYMENTS);
    asked();
    interests.notified("d-1", new LeaderDatum().put(encoded("a")).snapshot);
    interests.adopt(tableWith(slotTable(2, "d-1", 1), ORDERS, "d-2", 2));
    expect(asked("d-1")).toEqual([]);
    expect(interests.takeInterests("d-2", NONE)).toEqual([{ key: ORDERS, held: copy.datum.held }]);
  });

  test("is told again over a new link, for the node has forgotten", () => {
    const { interests, asked } = startInterests();
    interests.use(ORDERS);
    asked();
    interests.linked("d-2");
    expect(asked()).toEqual([]);
    interests.linked("d-1");
    expect(asked()).toEqual(["orders"]);
  });
});

describe("a notification", () => {
  test("is taken in and receipted with what is held then", () => {
    const { interests } = startInterests();
    const copy = interests.use(ORDERS);
    const leader = new LeaderDatum().put(encoded("a"));
    expect(interests.notified("d-1", leader.snapshot)).toEqual({ key: ORDERS, held: leader.datum.held, resync: false });
    expect(copy.datum.size).toBe(1);
    expect(interests.notified("d-1", leader.snapshot)).toMatchObject({ resync: false });
  });

  test("that does not fit asks for a snapshot", () => {
    const { interests } = startInterests();
    interests.use(ORDERS);
    const { snapshot } = new LeaderDatum().put(encoded("a"));
    const delta = { ...snapshot, baseDigest: { high: 1, low: 1 } };
    expect(interests.notified("d-1", delta)).toMatchObject({ resync: true });
  });

  test("of a former leader is no answer of the present one", async () => {
    const { interests, sweepAt, asked } = startInterests();
    interests.use(ORDERS);
    interests.adopt(slotTable(2, "d-2"));
    asked("d-2");
    interests.notified("d-1", new LeaderDatum().put(encoded("a")).snapshot);
    await sweepAt(1_000);
    expect(asked("d-2")).toEqual(["orders"]);
  });

  test("nobody asked for has no receipt, and its sender is told so", () => {
    const { interests, woken } = startInterests();
    expect(interests.notified("d-1", new LeaderDatum().snapshot)).toBeUndefined();
    expect([woken, interests.takeUninterests("d-2"), interests.takeUninterests("d-1")]).toEqual([
      ["d-1"],
      [],
      [ORDERS],
    ]);
    expect(interests.takeUninterests("d-1")).toEqual([]);
  });
});

describe("a list that is not confirmed", () => {
  test("is receipted as any, but not said to be held when the slot moves", () => {
    const { interests } = startInterests();
    interests.use(ORDERS);
    const leader = new LeaderDatum().put(encoded("a"));
    expect(interests.notified("d-1", leader.unconfirmed)).toEqual({
      key: ORDERS,
      held: leader.datum.held,
      resync: false,
    });
    interests.adopt(slotTable(2, "d-2"));
    expect(interests.takeInterests("d-2", NONE)).toEqual([{ key: ORDERS, held: undefined }]);
    expect(interests.notified("d-2", leader.word)).toMatchObject({ resync: false });
    interests.adopt(slotTable(3, "d-3"));
    expect(interests.takeInterests("d-3", NONE)).toEqual([{ key: ORDERS, held: leader.datum.held }]);
  });

  test("is not taken for one that is: its sender is told again what is held, and given no receipt", async () => {
    const { interests, sweepAt } = startInterests();
    interests.use(ORDERS);
    interests.takeInterests("d-1", NONE);
    const leader = new LeaderDatum().put(encoded("a"));
    interests.notified("d-1", leader.snapshot);
    const { held } = leader.datum;
    expect(interests.notified("d-1", leader.put(encoded("b")).unconfirmed)).toBeUndefined();
    await sweepAt(1_000);
    expect(interests.takeInterests("d-1", NONE)).toEqual([{ key: ORDERS, held }]);
    expect(interests.notified("d-2", leader.put(encoded("c")).unconfirmed)).toBeUndefined();
  });
});

describe("what is here", () => {
  /** Orders of d-1 and payments of d-2, both notified. */
  function loaded() {
    const started = startInterests(tableWith(slotTable(1, "d-1"), PAYMENTS, "d-2", 1));
    const { interests } = started;
    for (const key of [ORDERS, PAYMENTS]) interests.use(key);
    for (const nodeId of ["d-1", "d-2"]) interests.takeInterests(nodeId, NONE);
    const [orders, payments] = [new LeaderDatum().put(encoded("a")), new LeaderDatum(PAYMENTS).put(encoded("p"))];
    interests.notified("d-1", orders.snapshot);
    interests.notified("d-2", payments.unconfirmed);
    return { ...started, orders, payments };
  }

  test("has the newest version of each slot, confirmed or not", () => {
    const { interests, orders } = loaded();
    interests.notified("d-1", orders.put(encoded("b"), encoded("c")).snapshot);
    interests.use(serviceKey({ service: "not-heard-of" }));
    expect(interests.seen()).toEqual(
      new Map([
        [SLOT, version(3)],
        [slotOfServiceKey(PAYMENTS), version(1)],
      ]),
    );
  });

  test("is summed up by slot as far as it is confirmed, for the node that leads it", () => {
    const { interests, orders, payments } = loaded();
    const digestOf = ({ datum }: LeaderDatum) => mixDigests(digestOfText(textFromServiceKey(datum.key)), datum.digest);
    expect(interests.digestsOf("d-1")).toEqual(new Map([[SLOT, digestOf(orders)]]));
    expect(interests.digestsOf("d-2")).toEqual(new Map());
    interests.notified("d-2", payments.word);
    expect(interests.digestsOf("d-2")).toEqual(new Map([[slotOfServiceKey(PAYMENTS), digestOf(payments)]]));
  });

  test("may be asked for again by slot, with what is held", () => {
    const { interests, orders, asked } = loaded();
    expect(interests.isAsking("d-1")).toBe(false);
    interests.askAgain("d-1", [SLOT, slotOfServiceKey(PAYMENTS)]);
    expect([interests.isAsking("d-1"), interests.isAsking("d-2"), asked("d-2")]).toEqual([true, false, []]);
    expect(interests.takeInterests("d-1", NONE)).toEqual([{ key: ORDERS, held: orders.datum.held }]);
    expect(interests.isAsking("d-1")).toBe(true);
    interests.notified("d-1", orders.word);
    expect(interests.isAsking("d-1")).toBe(false);
  });
});

describe("giving up", () => {
  test("comes some time after the last user has gone", async () => {
    const { interests, sweepAt } = startInterests();
    const copy = interests.use(ORDERS);
    interests.use(ORDERS);
    interests.release(copy);
    await sweepAt(100_000);
    expect(interests.size).toBe(1);
    interests.release(copy);
    await sweepAt(129_999);
    expect([interests.size, interests.takeUninterests("d-1")]).toEqual([1, []]);
    await sweepAt(130_000);
    expect([interests.size, interests.takeUninterests("d-1")]).toEqual([0, [ORDERS]]);
    expect(interests.takeInterests("d-1", NONE)).toEqual([]);
  });

  test("is off when somebody comes back in time, who is shown what was kept", async () => {
    const { interests, sweepAt } = startInterests();
    const copy = interests.use(ORDERS);
    interests.notified("d-1", new LeaderDatum().put(encoded("a")).snapshot);
    interests.release(copy);
    await sweepAt(20_000);
    expect(interests.use(ORDERS)).toBe(copy);
    await sweepAt(200_000);
    expect([interests.size, copy.content]).toEqual([1, "confirmed"]);
  });

  test("is not told of a service that is wanted again by then", async () => {
    const { interests, sweepAt } = startInterests();
    interests.release(interests.use(ORDERS));
    await sweepAt(30_000);
    interests.use(ORDERS);
    expect([interests.takeUninterests("d-1"), interests.takeInterests("d-1", NONE)]).toEqual([
      [],
      [{ key: ORDERS, held: undefined }],
    ]);
  });

  test("of one service leaves the others", async () => {
    const { interests, sweepAt, asked } = startInterests();
    const keys = ["a", "b", "c"].map((service) => serviceKey({ service }));
    const copies = keys.map((key) => interests.use(key));
    asked();
    interests.release(copies[1]!);
    await sweepAt(30_000);
    expect([interests.size, interests.takeUninterests("d-1")]).toEqual([2, [keys[1]]]);
  });
});

test("what is held back is asked for when it is free, and not forgotten meanwhile", () => {
  const { interests } = startInterests();
  interests.use(ORDERS);
  expect(interests.takeInterests("d-1", () => true)).toEqual([]);
  interests.sweep(60_000);
  expect(interests.takeInterests("d-1", NONE)).toEqual([{ key: ORDERS, held: undefined }]);
});
