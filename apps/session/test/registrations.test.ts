import { slotOfServiceKey, type RegistrationOutcome, type Write, type WriteOutcome } from "@rollcall/core";
import { SimClock } from "@rollcall/testing";
import { describe, expect, test } from "vitest";
import { LeaseWriter } from "../src/registrations/lease-writer.ts";
import { RegistrationStore, type Wish } from "../src/registrations/registration-store.ts";
import { Handover } from "../src/routing/handover.ts";
import { Writer } from "../src/routing/writer.ts";
import { ORDERS, PAYMENTS, SLOT, slotTable, tableWith, version } from "./fixture.ts";

const CLIENT = { name: "a connection" };

/** The store, its writer and its handover, against a leader in the hands of the test. */
function startSession() {
  const clock = new SimClock();
  const woken: string[] = [];
  const wake = (nodeId: string) => void woken.push(nodeId);
  const writer = new Writer(clock, wake);
  const store: RegistrationStore = new RegistrationStore(clock, writer, (registration) =>
    handover.written(registration),
  );
  const handover = new Handover(store, wake);
  const adopt = (table: ReturnType<typeof slotTable>) => {
    writer.adopt(table);
    handover.adopt(table);
  };
  adopt(slotTable(1, "d-1"));
  for (const report of handover.takeReports("d-1", 0)) handover.confirmed(report);
  const heard: string[] = [];
  const inWords = (outcome: RegistrationOutcome) =>
    outcome.kind === "applied" ? `applied ${outcome.version.counter}` : outcome.error.message;
  const hear = (name: string) => (outcome: RegistrationOutcome) => void heard.push(`${name}: ${inWords(outcome)}`);

  function wish(counter: number, change: Partial<Wish> = {}, name = `${counter}`): void {
    const wished: Wish = {
      key: ORDERS,
      instanceId: "i-1",
      clientId: "c",
      owner: CLIENT,
      version: { incarnation: 1, counter },
      removed: false,
      instance: Uint8Array.of(counter),
      leaseMs: 0,
      ...change,
    };
    store.wish(wished, hear(name));
  }

  const take = (nodeId = "d-1"): Write[] => {
    const writes: Write[] = [];
    for (let batch = writer.take(nodeId); batch.length > 0; batch = writer.take(nodeId)) writes.push(...batch);
    return writes;
  };
  const answer = (writes: readonly Write[], outcome: WriteOutcome = { kind: "applied", version: version(7) }) => {
    for (const { sequence } of writes) writer.settle({ sequence, outcome });
  };
  const inShort = (writes: readonly Write[]) =>
    writes.map(({ kind, instanceId, version: at }) => `${kind} ${instanceId} ${at.incarnation}.${at.counter}`);
  return { clock, writer, store, handover, adopt, wish, hear, heard, take, answer, inShort, woken };
}

const superseded = (counter: number, incarnation = 1): WriteOutcome => ({
  kind: "superseded",
  by: { incarnation, counter },
});

describe("a wish", () => {
  test("goes to the leader and is told when the leader has applied it, not before", () => {
    const { wish, take, answer, heard, inShort, store } = startSession();
    wish(1);
    const writes = take();
    expect(inShort(writes)).toEqual(["register i-1 1.1"]);
    expect([heard, store.size, store.ownedBy(CLIENT)]).toEqual([[], 1, 1]);
    answer(writes);
    expect(heard).toEqual(["1: applied 7"]);
  });

  test("that is repeated is answered from memory, or waits in the place of the first", () => {
    const { wish, take, answer, heard } = startSession();
    wish(1);
    wish(1, {}, "again");
    const writes = take();
    expect(writes).toHaveLength(1);
    answer(writes);
    wish(1, {}, "late");
    expect([heard, take()]).toEqual([["again: applied 7", "late: applied 7"], []]);
  });

  test("that is newer takes the place of the one on its way; both hear of the end when the newer one is applied", () => {
    const { wish, take, answer, heard, inShort } = startSession();
    wish(1);
    const first = take();
    wish(2);
    answer(first);
    expect(heard).toEqual([]);
    const second = take();
    expect(inShort(second)).toEqual(["register i-1 1.2"]);
    answer(second);
    expect(heard).toEqual(["1: applied 7", "2: applied 7"]);
  });

  test.each([
    { what: "older", counter: 1, change: {}, says: "version must be newer than 1.2" },
    {
      what: "of an older connection",
      counter: 9,
      change: { version: { incarnation: 0, counter: 9 } },
      says: "version must be newer than 1.2",
    },
  ])("that is $what is refused and leaves everything as it is", ({ counter, change, says }) => {
    const { wish, take, heard } = startSession();
    wish(2);
    take();
    wish(counter, change, "late");
    expect(heard).toEqual([expect.stringContaining(`late: ${says}`)]);
    expect(take()).toEqual([]);
  });

  test("at the version of its removal is refused as that", () => {
    const { wish, take, answer, heard } = startSession();
    wish(2, { removed: true });
    answer(take());
    wish(2, {}, "late");
    expect(heard.at(-1)).toContain("late: version must be newer than its removal at 1.2");
  });

  test("that the leader knows a newer one of is refused and let go of", () => {
    const { wish, take, answer, heard, store } = startSession();
    wish(1);
    answer(take(), superseded(5));
    expect(heard).toEqual([expect.stringContaining("1: version must be newer than 1.5")]);
    expect([store.size, store.ownedBy(CLIENT), store.inSlot(SLOT).size]).toEqual([0, 0, 0]);
  });

  test("of another client for the same instance is another registration", () => {
    const { wish, store } = startSession();
    wish(1);
    wish(1, { clientId: "other" });
    expect(store.size).toBe(2);
  });

  test("over a new connection moves the registration to it", () => {
    const { wish, take, answer, store } = startSession();
    wish(1);
    answer(take());
    const next = { name: "the next connection" };
    wish(1, { owner: next, version: { incarnation: 2, counter: 1 } });
    answer(take());
    store.abandon(CLIENT);
    expect([take(), store.ownedBy(CLIENT), store.ownedBy(next)]).toEqual([[], 0, 1]);
  });
});

describe("a removal", () => {
  test("goes to the leader like any wish, and frees its owner at once when it is applied", () => {
    const { wish, take, answer, heard, inShort, store } = startSession();
    wish(1);
    answer(take());
    wish(2, { removed: true });
    const writes = take();
    expect(inShort(writes)).toEqual(["unregister i-1 1.2"]);
    expect(writes[0]!.instance).toHaveLength(0);
    answer(writes);
    expect([heard.at(-1), store.ownedBy(CLIENT)]).toEqual(["2: applied 7", 0]);
  });

  test("is remembered for a while, so that a new leader hears of it, and then forgotten", async () => {
    const { clock, wish, take, answer, adopt, inShort, store } = startSession();
    wish(2, { removed: true });
    answer(take());
    adopt(slotTable(2, "d-2"));
    const again = take("d-2");
    expect(inShort(again)).toEqual(["unregister i-1 1.2"]);
    answer(again);
    await clock.runFor(30_500);
    store.sweep(clock.now());
    expect([store.size, store.inSlot(SLOT).size]).toEqual([0, 0]);
  });

  test("of the unknown is brought to the leader as well: another session may have it", () => {
    const { wish, take, inShort } = startSession();
    wish(1, { removed: true });
    expect(inShort(take())).toEqual(["unregister i-1 1.1"]);
  });
});

describe("an owner that is gone", () => {
  test("takes all it holds with it, at the versions they have", () => {
    const { wish, take, answer, inShort, store } = startSession();
    wish(1);
    wish(3, { instanceId: "i-2" });
    wish(2, { instanceId: "i-3", removed: true });
    wish(4, { clientId: "other", owner: { name: "another connection" } });
    answer(take());
    store.abandon(CLIENT);
    expect(inShort(take())).toEqual(["unregister i-1 1.1", "unregister i-2 1.3"]);
  });

  test("and a register that is still on its way does not bring it back", () => {
    const { wish, take, answer, store, inShort } = startSession();
    wish(1);
    const register = take();
    store.abandon(CLIENT);
    const unregister = take();
    answer(register);
    expect(inShort(unregister)).toEqual(["unregister i-1 1.1"]);
    answer(unregister);
    expect(store.ownedBy(CLIENT)).toBe(0);
  });
});

describe("registrations without a connection", () => {
  function startLeases() {
    const session = startSession();
    const leases = new LeaseWriter(session.store, session.writer);
    const register = (content: number, name = `${content}`) =>
      leases.register(
        { key: ORDERS, instanceId: "i-1", instance: Uint8Array.of(content), leaseMs: 5_000 },
        session.hear(name),
      );
    return { ...session, leases, register };
  }

  test("are versioned in the order in which this session was asked", () => {
    const { register, leases, take, answer, inShort, hear, heard } = startLeases();
    register(1);
    const first = take();
    answer(first);
    leases.unregister(ORDERS, "i-1", hear("gone"));
    const second = take();
    answer(second);
    expect(inShort([...first, ...second])).toEqual(["register i-1 0.1", "unregister i-1 0.2"]);
    expect(heard).toEqual(["1: applied 7", "gone: applied 7"]);
  });

  test("go on top of what another session has served: this wish came later", () => {
    const { register, take, answer, inShort, heard, store } = startLeases();
    register(1);
    answer(take(), superseded(40, 0));
    const again = take();
    expect(inShort(again)).toEqual(["register i-1 0.41"]);
    answer(again);
    expect(heard).toEqual(["1: applied 7"]);
    expect(store.nextLeaseVersion().counter).toBe(42);
  });

  test("a copy from before never goes on top of what another session has served since", () => {
    const { register, adopt, take, answer, inShort, store } = startLeases();
    register(1);
    answer(take());
    adopt(slotTable(2, "d-2"));
    const rewritten = take("d-2");
    expect(inShort(rewritten)).toEqual(["register i-1 0.1"]);
    answer(rewritten, superseded(40, 0));
    expect([take("d-2"), store.size]).toEqual([[], 0]);
  });

  test("a removal from before takes nothing away that was registered through another session since", () => {
    const { leases, hear, adopt, take, answer, inShort } = startLeases();
    leases.unregister(ORDERS, "i-1", hear("gone"));
    answer(take());
    adopt(slotTable(2, "d-2"));
    const rewritten = take("d-2");
    expect(inShort(rewritten)).toEqual(["unregister i-1 0.1"]);
    answer(rewritten, superseded(40, 0));
    expect(take("d-2")).toEqual([]);
  });

  test("the copy here lives while it is renewed through here, and its end is no removal", async () => {
    const { clock, register, leases, take, answer, store } = startLeases();
    register(1);
    answer(take());
    const known: boolean[] = [];
    await clock.runFor(4_000);
    leases.renew(ORDERS, "i-1", (is) => known.push(is));
    const renewal = take();
    expect(renewal).toMatchObject([{ kind: "renew", clientId: "", instanceId: "i-1" }]);
    answer(renewal);
    await clock.runFor(4_000);
    store.sweep(clock.now());
    expect([known, store.size]).toEqual([[true], 1]);
    await clock.runFor(1_500);
    store.sweep(clock.now());
    expect([store.size, take()]).toEqual([0, []]);
  });

  test("a renewal of the unknown is told so, and one that was given up is told nothing", () => {
    const { leases, take, answer } = startLeases();
    const known: boolean[] = [];
    leases.renew(ORDERS, "i-1", (is) => known.push(is));
    answer(take(), { kind: "unknown" });
    expect(known).toEqual([false]);
    leases.renew(ORDERS, "i-1", (is) => known.push(is))();
    expect([take(), known]).toEqual([[], [false]]);
  });
});

describe("handing over to a new leader", () => {
  test("everything of the slot is written again; the slot is reported when the last of it has been applied", () => {
    const { wish, take, answer, adopt, handover } = startSession();
    wish(1);
    wish(1, { instanceId: "i-2" });
    answer(take());
    adopt(tableWith(slotTable(2, "d-1", 1), ORDERS, "d-2", 2));
    expect([handover.openSlots, handover.takeReports("d-2", 0), handover.takeReports("d-1", 0)]).toEqual([1, [], []]);
    const [first, second] = take("d-2");
    answer([first!]);
    expect(handover.takeReports("d-2", 0)).toEqual([]);
    answer([second!]);
    expect(handover.takeReports("d-2", 0)).toEqual([{ slot: SLOT, leaderEpoch: 2 }]);
  });

  test("a slot of which nothing is held is reported at once, each to its own leader", () => {
    const { handover, adopt, woken } = startSession();
    woken.length = 0;
    adopt(tableWith(slotTable(2, "d-1", 2), PAYMENTS, "d-2", 2));
    expect(new Set(woken)).toEqual(new Set(["d-1", "d-2"]));
    expect(handover.takeReports("d-2", 0)).toEqual([{ slot: slotOfServiceKey(PAYMENTS), leaderEpoch: 2 }]);
    expect(handover.takeReports("d-1", 0)).toHaveLength(255);
  });

  test("a registration that is let go of meanwhile is not waited for", () => {
    const { wish, take, answer, adopt, handover } = startSession();
    wish(1);
    answer(take());
    adopt(slotTable(2, "d-2"));
    answer(take("d-2"), superseded(9));
    expect(handover.takeReports("d-2", 0)).toHaveLength(256);
  });

  test("what changes meanwhile is waited for in its newest form", () => {
    const { wish, take, answer, adopt, handover } = startSession();
    wish(1);
    answer(take());
    adopt(slotTable(2, "d-2"));
    for (const report of handover.takeReports("d-2", 0)) handover.confirmed(report);
    const old = take("d-2");
    wish(2);
    answer(old);
    expect(handover.takeReports("d-2", 0)).toEqual([]);
    answer(take("d-2"));
    expect(handover.takeReports("d-2", 0)).toEqual([{ slot: SLOT, leaderEpoch: 2 }]);
  });

  test("a report is repeated until it is confirmed, and at once over a new link", () => {
    const { adopt, handover, woken } = startSession();
    adopt(slotTable(2, "d-2"));
    expect(handover.takeReports("d-2", 0)).toHaveLength(256);
    expect(handover.takeReports("d-2", 999)).toEqual([]);
    expect(handover.takeReports("d-2", 1_000)).toHaveLength(256);
    handover.linked("d-2");
    const reports = handover.takeReports("d-2", 1_001);
    expect(reports).toHaveLength(256);
    for (const report of reports.slice(1)) handover.confirmed(report);
    expect(handover.openSlots).toBe(1);
    woken.length = 0;
    handover.sweep(1_500);
    expect(woken).toEqual([]);
    handover.sweep(2_001);
    expect(woken).toEqual(["d-2"]);
  });

  test("a confirmation of an older epoch confirms nothing", () => {
    const { adopt, handover } = startSession();
    adopt(slotTable(2, "d-2"));
    const [old] = handover.takeReports("d-2", 0);
    adopt(slotTable(3, "d-2"));
    handover.confirmed(old!);
    expect(handover.openSlots).toBe(256);
  });

  test("a table that leaves a slot where it was starts nothing", () => {
    const { wish, take, answer, adopt, handover } = startSession();
    wish(1);
    answer(take());
    adopt(slotTable(2, "d-1", 1));
    expect([handover.openSlots, take()]).toEqual([0, []]);
  });
});
