import { slotOfServiceKey, type ServiceKey, type SlotReport } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { RANGE_SIZE } from "../src/registrations/slot-digests.ts";
import { ORDERS, PAYMENTS, SLOT, slotTable, tableWith, version } from "./fixture.ts";
import { startSession } from "./session-fixture.ts";

const REF = { slot: SLOT, leaderEpoch: version(0, 2).epoch };

/** The slot of orders has a new leader, d-2; nothing else changes. */
const MOVED = tableWith(slotTable(2, "d-1", 1), ORDERS, "d-2", 2);

/** Holds one registration, which the leader before has applied; then the slot moves. */
function handingOver(prepare?: (session: ReturnType<typeof startSession>) => void) {
  const session = startSession();
  session.wish(1);
  prepare?.(session);
  session.answer(session.take());
  session.adopt(MOVED);
  session.woken.length = 0;
  const { handover } = session;
  return {
    ...session,
    reports: () => handover.takeReports("d-2"),
    inventories: () => handover.takeInventories("d-2"),
    holdings: () => handover.takeHoldings("d-2", session.writer.lastSequence),
    differs: (...keys: ServiceKey[]) => handover.differs({ ...REF, keys }),
  };
}

const lease = { clientId: "", instanceId: "i-lease", owner: undefined, leaseMs: 5_000 };

describe("to a new leader", () => {
  test("nothing is written that a digest can show: the slot is reported at once, and done when the leader agrees", () => {
    const { handover, store, take, reports, woken } = handingOver();
    expect([take("d-2"), handover.openSlots]).toEqual([[], 1]);
    const [report, ...more] = reports();
    expect(more).toEqual([]);
    expect(report).toEqual({ ...REF, digest: store.digestOf(SLOT), seen: version(0, 0) });
    expect(reports()).toEqual([]);
    handover.reported(report!);
    // Whatever was held back until now may be asked for.
    expect([handover.openSlots, woken]).toEqual([0, ["d-2"]]);
  });

  test("leases and removals are written first, and the report waits until they have been applied", () => {
    const { take, answer, reports, inShort } = handingOver(({ wish }) => {
      wish(2, { instanceId: "i-2", removed: true });
      wish(3, lease);
    });
    const writes = take("d-2");
    expect(inShort(writes)).toEqual(["unregister i-2 1.2", "register i-lease 1.3"]);
    answer([writes[0]!]);
    expect(reports()).toEqual([]);
    answer([writes[1]!]);
    expect(reports()).toHaveLength(1);
  });

  test("a lease that is let go of meanwhile is not waited for, nor one that changes: its newest form is", () => {
    const { take, answer, reports, wish } = handingOver(({ wish }) => {
      wish(2, { instanceId: "i-2", removed: true });
      wish(3, lease);
    });
    const [removal, register] = take("d-2");
    answer([removal!], { kind: "superseded", by: { incarnation: 9, counter: 1 } });
    wish(4, lease);
    answer([register!]);
    expect(reports()).toEqual([]);
    answer(take("d-2"));
    expect(reports()).toHaveLength(1);
  });

  test("what waits to be sent is sent before the report, which counts it; what is on its way does not delay it", () => {
    const { handover, store, wish, take, reports, adopt } = handingOver();
    adopt(tableWith(slotTable(3, "d-1", 1), ORDERS, "d-2", 3));
    const before = store.digestOf(SLOT);
    wish(1, { instanceId: "i-2" });
    expect(reports()).toEqual([]);
    take("d-2");
    const [report] = reports();
    expect(report!.digest).toEqual(store.digestOf(SLOT));
    expect(report!.digest).not.toEqual(before);
    expect(handover.openSlots).toBe(1);
  });

  test("the newest version that was notified of the slot is told", () => {
    const { seen, reports } = handingOver();
    seen.set(SLOT, version(5));
    seen.set(slotOfServiceKey(PAYMENTS), version(9));
    expect(reports()).toMatchObject([{ seen: version(5) }]);
  });

  test("each slot is reported to its own", () => {
    const { handover, adopt, woken } = startSession();
    woken.length = 0;
    adopt(tableWith(slotTable(2, "d-1", 2), PAYMENTS, "d-2", 2));
    expect(new Set(woken)).toEqual(new Set(["d-1", "d-2"]));
    expect(handover.takeReports("d-2")).toMatchObject([{ slot: slotOfServiceKey(PAYMENTS), leaderEpoch: 2 }]);
    expect(handover.takeReports("d-1")).toHaveLength(255);
    expect([handover.isOpenAt("d-1"), handover.isOpenAt("d-3")]).toEqual([true, false]);
  });

  test("a table that leaves a slot where it was starts nothing, and one without a leader ends what was started", () => {
    const { wish, take, answer, adopt, handover } = startSession();
    wish(1);
    answer(take());
    adopt(slotTable(2, "d-1", 1));
    expect([handover.openSlots, take()]).toEqual([0, []]);
    adopt(slotTable(3, "d-2", 2));
    adopt(slotTable(4, undefined, 2));
    expect(handover.openSlots).toBe(0);
  });

  test("an answer about an older epoch counts for nothing", () => {
    const { adopt, handover, reports } = handingOver();
    const [old] = reports();
    adopt(tableWith(slotTable(3, "d-1", 1), ORDERS, "d-2", 3));
    const [present] = reports();
    handover.reported(old!);
    handover.disagreed(old!);
    expect([handover.openSlots, handover.takeInventories("d-2")]).toEqual([1, []]);
    handover.reported(present!);
    expect(handover.openSlots).toBe(0);
  });
});

describe("with a leader that does not agree", () => {
  /** It has been reported to, and has said so. */
  function disagreed(prepare?: Parameters<typeof handingOver>[0]) {
    const session = handingOver(prepare);
    session.reports();
    session.handover.disagreed(REF);
    return session;
  }

  test("the inventory is told once, and nothing is written yet", () => {
    const { store, inventories, take, woken } = disagreed();
    expect(woken).toEqual(["d-2"]);
    expect(inventories()).toEqual([{ ...REF, version: undefined, services: store.inventoryOf(SLOT) }]);
    expect([inventories(), take("d-2")]).toEqual([[], []]);
  });

  test("services that differ are written again and what is held of them is named, then the slot is reported anew", () => {
    const { handover, inventories, holdings, differs, reports, take, answer, inShort, writer } = disagreed(
      ({ wish }) => {
        wish(2, { instanceId: "i-2" });
        wish(3, { instanceId: "i-3", removed: true });
        wish(4, lease);
      },
    );
    // The leases and removals had gone first.
    expect(inventories()).toEqual([]);
    answer(take("d-2"));
    reports();
    handover.disagreed(REF);
    inventories();
    differs(ORDERS);
    const writes = take("d-2");
    expect(inShort(writes)).toEqual(["register i-1 1.1", "register i-2 1.2"]);
    expect(holdings()).toEqual([
      {
        key: ORDERS,
        leaderEpoch: REF.leaderEpoch,
        afterWrite: writer.lastSequence,
        after: "",
        upTo: "",
        held: ["i-1", "i-2"].map((instanceId) => ({ instanceId, clientId: "c" })),
      },
    ]);
    expect([holdings(), reports()]).toEqual([[], []]);
    answer(writes);
    expect(reports()).toHaveLength(1);
    handover.reported(REF);
    expect(handover.openSlots).toBe(0);
  });

  test("the report waits for the last of the holdings as well, which go in several messages when they are many", () => {
    const { inventories, holdings, differs, reports, take, answer } = disagreed(({ wish }) => {
      for (let index = 0; index < 5 * RANGE_SIZE; index++) wish(1, { instanceId: `i-${index}` });
    });
    inventories();
    differs(ORDERS);
    answer(take("d-2"));
    expect(reports()).toEqual([]);
    const messages = [holdings(), holdings(), holdings()];
    expect(messages.map(({ length }) => length)).toEqual([4, 1, 0]);
    const ranges = messages.flat();
    expect(ranges.map(({ after }) => after)).toEqual(["", ...ranges.slice(0, -1).map(({ upTo }) => upTo)]);
    expect(ranges.at(-1)!.upTo).toBe("");
    expect(reports()).toHaveLength(1);
  });

  test("what is registered between two messages of holdings is in the later one, if that is where it belongs", () => {
    const { inventories, holdings, differs, wish, take, writer } = disagreed(({ wish }) => {
      for (let index = 0; index < 5 * RANGE_SIZE; index++) wish(1, { instanceId: `i-${index}` });
    });
    inventories();
    differs(ORDERS);
    take("d-2");
    holdings();
    wish(1, { instanceId: "z" });
    take("d-2");
    const last = holdings().at(-1)!;
    expect(last.held).toContainEqual({ instanceId: "z", clientId: "c" });
    expect(last.afterWrite).toBe(writer.lastSequence);
  });

  test("a service of which this session has nothing is named as empty", () => {
    const { inventories, holdings, differs, reports, take } = disagreed();
    inventories();
    differs(PAYMENTS);
    expect(take("d-2")).toEqual([]);
    expect(holdings()).toMatchObject([{ key: PAYMENTS, after: "", upTo: "", held: [] }]);
    expect(reports()).toHaveLength(1);
  });

  test("a registration that the leader refuses as older is gone, and waited for no longer", () => {
    const { inventories, holdings, differs, reports, take, answer, store } = disagreed();
    inventories();
    differs(ORDERS);
    holdings();
    answer(take("d-2"), { kind: "superseded", by: { incarnation: 9, counter: 1 } });
    expect(store.size).toBe(0);
    expect(reports()).toMatchObject([{ digest: { high: 0, low: 0 } }]);
  });

  test("a wish that comes meanwhile is waited for in its newest form", () => {
    const { inventories, holdings, differs, reports, take, answer, wish } = disagreed();
    inventories();
    differs(ORDERS);
    holdings();
    const old = take("d-2");
    wish(2);
    answer(old);
    expect(reports()).toEqual([]);
    answer(take("d-2"));
    expect(reports()).toHaveLength(1);
  });

  test("about nothing after all, it is asked again after a while", async () => {
    const { clock, handover, inventories, differs, reports, holdings } = disagreed();
    inventories();
    differs();
    expect([reports(), holdings()]).toEqual([[], []]);
    await clock.runFor(1_000);
    handover.sweep(clock.now());
    expect(reports()).toHaveLength(1);
  });

  test("again and again is written to with pauses: writing does not seem to help", async () => {
    const { clock, handover, inventories, differs, reports, holdings, take, answer } = disagreed();
    const atOnce: number[] = [];
    const later: number[] = [];
    for (let round = 0; round < 4; round++) {
      inventories();
      differs(ORDERS);
      answer(take("d-2"));
      holdings();
      atOnce.push(reports().length);
      await clock.runFor(1_000);
      handover.sweep(clock.now());
      later.push(reports().length);
      handover.disagreed(REF);
    }
    expect([atOnce, later]).toEqual([
      [1, 1, 0, 0],
      [1, 1, 1, 1],
    ]);
  });

  test("inventories of many services go in several messages", () => {
    const { handover, wish, take, answer, adopt } = startSession();
    for (let index = 0; index < 10_000; index++) wish(1, { key: { ...ORDERS, service: `s-${index}` } });
    answer(take());
    adopt(slotTable(2, "d-2"));
    for (const report of handover.takeReports("d-2")) handover.disagreed(report);
    const sizes: number[] = [];
    for (let all = handover.takeInventories("d-2"); all.length > 0; all = handover.takeInventories("d-2"))
      sizes.push(all.flatMap(({ services }) => services).length);
    expect(sizes.length).toBe(3);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(10_000);
  });
});

describe("what is lost on the way", () => {
  const passed = async ({ clock, handover }: ReturnType<typeof startSession>, ms: number) => {
    await clock.runFor(ms);
    handover.sweep(clock.now());
  };

  test("a report without an answer is made again after a second", async () => {
    const session = handingOver();
    session.reports();
    await passed(session, 999);
    expect([session.reports(), session.woken]).toEqual([[], []]);
    await passed(session, 1);
    expect([session.woken, session.reports().length]).toEqual([["d-2"], 1]);
  });

  test("an inventory without an answer leads back to the report, and an answer that is only late is taken", async () => {
    const session = handingOver();
    session.reports();
    session.handover.disagreed(REF);
    session.inventories();
    await passed(session, 1_000);
    expect([session.inventories(), session.reports().length]).toEqual([[], 1]);
    session.differs(ORDERS);
    expect(session.take("d-2")).toHaveLength(1);
  });

  test("answers that come twice are taken once", () => {
    const { handover, reports, inventories, differs, take, holdings } = handingOver();
    handover.disagreed(REF);
    expect(inventories()).toEqual([]);
    reports();
    handover.disagreed(REF);
    handover.disagreed(REF);
    expect([inventories().length, inventories().length]).toEqual([1, 0]);
    differs(ORDERS);
    differs(ORDERS);
    expect([take("d-2").length, holdings().length, holdings().length]).toEqual([1, 1, 0]);
    handover.disagreed(REF);
    expect(inventories()).toEqual([]);
  });

  test("with the link, everything but what was to be written first begins with a report over the new one", () => {
    const session = handingOver();
    session.reports();
    session.handover.disagreed(REF);
    session.inventories();
    session.differs(ORDERS);
    session.handover.linked("d-2");
    // What was to be written still is, and comes first.
    expect([session.reports(), session.holdings()]).toEqual([[], []]);
    session.take("d-2");
    expect(session.reports()).toHaveLength(1);
  });

  test("leases on their way are still waited for over a new link", () => {
    const { handover, reports, take, answer } = handingOver(({ wish }) => wish(2, lease));
    const writes = take("d-2");
    handover.linked("d-2");
    handover.reported(REF);
    expect([reports(), handover.openSlots]).toEqual([[], 1]);
    answer(writes);
    expect(reports()).toHaveLength(1);
  });
});

describe("a leader that should have everything", () => {
  const ofOrders = (reports: readonly SlotReport[]) => reports.filter(({ slot }) => slot === SLOT);

  test("is only reported to when its link is new: nothing is written", () => {
    const { handover, wish, take, answer } = startSession();
    wish(1);
    wish(2, lease);
    answer(take());
    handover.linked("d-2");
    expect(handover.openSlots).toBe(0);
    handover.linked("d-1");
    expect([handover.takeReports("d-1").length, take()]).toEqual([256, []]);
  });

  test("is reported every slot when it asks for that, but for those that are being handed over anyway", () => {
    const { handover } = startSession();
    handover.reportAll("d-1");
    const reports = handover.takeReports("d-1");
    expect(reports).toHaveLength(256);
    for (const report of reports.slice(1)) handover.reported(report);
    handover.reportAll("d-1");
    expect(handover.takeReports("d-1")).toHaveLength(255);
  });

  test("and has not is a repair; a new leader is expected to lack something", () => {
    const moved = handingOver();
    moved.reports();
    moved.handover.disagreed(REF);
    const asked = startSession();
    asked.handover.reportAll("d-1");
    const [report] = ofOrders(asked.handover.takeReports("d-1"));
    asked.handover.disagreed(report!);
    expect([moved.handover.repairs, asked.handover.repairs]).toEqual([0, 1]);
  });

  test("and does not agree for long is told of, until it does", async () => {
    const { clock, handover, reports } = handingOver();
    reports();
    await clock.runFor(29_999);
    handover.reportAll("d-2");
    expect(handover.failing(clock.now())).toEqual([]);
    await clock.runFor(1);
    expect(handover.failing(clock.now())).toEqual(["d-2"]);
    handover.linked("d-2");
    expect(handover.failing(clock.now())).toEqual([]);
    await clock.runFor(30_000);
    expect(handover.failing(clock.now())).toEqual(["d-2"]);
    handover.reported(REF);
    expect(handover.failing(clock.now())).toEqual([]);
  });
});
