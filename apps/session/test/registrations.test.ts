import { EMPTY_DIGEST, compareRegistrationVersions, noTracer, type WriteOutcome } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { LeaseWriter } from "../src/registrations/lease-writer.ts";
import { RegistrationOwner } from "../src/registrations/registration-owner.ts";
import { RegistrationStore } from "../src/registrations/registration-store.ts";
import { ORDERS, SLOT, slotTable } from "./fixture.ts";
import { startSession } from "./session-fixture.ts";

const superseded = (counter: number, incarnation = 1): WriteOutcome => ({
  kind: "superseded",
  by: { incarnation, counter },
});

describe("a wish", () => {
  test("goes to the leader and is told when the leader has applied it, not before", () => {
    const { client, wish, take, answer, heard, inShort, store } = startSession();
    wish(1);
    const writes = take();
    expect(inShort(writes)).toEqual(["register i-1 1.1"]);
    expect([heard, store.size, client.size]).toEqual([[], 1, 1]);
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
    const { client, wish, take, answer, heard, store } = startSession();
    wish(1);
    answer(take(), superseded(5));
    expect(heard).toEqual([expect.stringContaining("1: version must be newer than 1.5")]);
    expect([store.size, client.size, store.inSlot(SLOT).length]).toEqual([0, 0, 0]);
  });

  test("of another client for the same instance is another registration", () => {
    const { wish, store } = startSession();
    wish(1);
    wish(1, { clientId: "other" });
    expect(store.size).toBe(2);
  });

  test("over a new connection moves the registration to it", () => {
    const { client, wish, take, answer, store } = startSession();
    wish(1);
    answer(take());
    const next = new RegistrationOwner();
    wish(1, { owner: next, version: { incarnation: 2, counter: 1 } });
    answer(take());
    store.abandon(client);
    expect([take(), client.size, next.size]).toEqual([[], 0, 1]);
  });
});

describe("a removal", () => {
  test("goes to the leader like any wish, and frees its owner at once when it is applied", () => {
    const { client, wish, take, answer, heard, inShort } = startSession();
    wish(1);
    answer(take());
    wish(2, { removed: true });
    const writes = take();
    expect(inShort(writes)).toEqual(["unregister i-1 1.2"]);
    expect(writes[0]!.instance).toHaveLength(0);
    answer(writes);
    expect([heard.at(-1), client.size]).toEqual(["2: applied 7", 0]);
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
    expect([store.size, store.inSlot(SLOT).length]).toEqual([0, 0]);
  });

  test("of the unknown is brought to the leader as well: another session may have it", () => {
    const { wish, take, inShort } = startSession();
    wish(1, { removed: true });
    expect(inShort(take())).toEqual(["unregister i-1 1.1"]);
  });
});

describe("an owner that is gone", () => {
  test("takes all it holds with it, at the versions they have", () => {
    const { client, wish, take, answer, inShort, store } = startSession();
    wish(1);
    wish(3, { instanceId: "i-2" });
    wish(2, { instanceId: "i-3", removed: true });
    wish(4, { clientId: "other", owner: new RegistrationOwner() });
    answer(take());
    store.abandon(client);
    expect(inShort(take())).toEqual(["unregister i-1 1.1", "unregister i-2 1.3"]);
  });

  test("and a register that is still on its way does not bring it back", () => {
    const { client, wish, take, answer, store, inShort } = startSession();
    wish(1);
    const register = take();
    store.abandon(client);
    const unregister = take();
    answer(register);
    expect(inShort(unregister)).toEqual(["unregister i-1 1.1"]);
    answer(unregister);
    expect(client.size).toBe(0);
  });
});

describe("registrations without a connection", () => {
  function startLeases() {
    const session = startSession();
    const leases = new LeaseWriter(session.store, session.writer, noTracer);
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
    leases.unregister({ key: ORDERS, instanceId: "i-1" }, hear("gone"));
    const second = take();
    answer(second);
    expect(inShort([...first, ...second])).toEqual(["register i-1 1.0", "unregister i-1 2.0"]);
    expect(heard).toEqual(["1: applied 7", "gone: applied 7"]);
  });

  test("go on top of what another session has served: this wish came later", () => {
    const { register, take, answer, inShort, heard, store } = startLeases();
    register(1);
    answer(take(), superseded(0, 40));
    const again = take();
    expect(inShort(again)).toEqual(["register i-1 41.0"]);
    answer(again);
    expect(heard).toEqual(["1: applied 7"]);
    expect(store.nextLeaseVersion().incarnation).toBe(42);
  });

  test("are never taken for the same word as another session's, however alike the two have counted", () => {
    const { clock, writer } = startSession();
    const [one, other] = [1, 2].map((leaseTie) => new RegistrationStore(clock, writer, () => {}, leaseTie));
    const versions = [one!, other!].map((store) => store.nextLeaseVersion());
    expect(compareRegistrationVersions(versions[0]!, versions[1]!)).not.toBe(0);
    expect(compareRegistrationVersions(one!.nextLeaseVersion(), versions[1]!)).toBeGreaterThan(0);
  });

  test("a copy from before never goes on top of what another session has served since", () => {
    const { register, adopt, take, answer, inShort, store } = startLeases();
    register(1);
    answer(take());
    adopt(slotTable(2, "d-2"));
    const rewritten = take("d-2");
    expect(inShort(rewritten)).toEqual(["register i-1 1.0"]);
    answer(rewritten, superseded(0, 40));
    expect([take("d-2"), store.size]).toEqual([[], 0]);
  });

  test("a removal from before takes nothing away that was registered through another session since", () => {
    const { leases, hear, adopt, take, answer, inShort } = startLeases();
    leases.unregister({ key: ORDERS, instanceId: "i-1" }, hear("gone"));
    answer(take());
    adopt(slotTable(2, "d-2"));
    const rewritten = take("d-2");
    expect(inShort(rewritten)).toEqual(["unregister i-1 1.0"]);
    answer(rewritten, superseded(0, 40));
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

  test("a renewal of the unknown takes the copy here with it: it would bring back what another session removed", () => {
    const { register, leases, adopt, take, answer, store } = startLeases();
    register(1);
    answer(take());
    leases.renew(ORDERS, "i-1", () => {});
    answer(take(), { kind: "unknown" });
    expect(store.size).toBe(0);
    adopt(slotTable(2, "d-2"));
    expect(take("d-2")).toEqual([]);
  });

  test("even if the caller has given up on that renewal by then", () => {
    const { register, leases, take, answer, store } = startLeases();
    register(1);
    answer(take());
    const giveUp = leases.renew(ORDERS, "i-1", () => expect.unreachable());
    const renewal = take();
    giveUp();
    answer(renewal, { kind: "unknown" });
    expect(store.size).toBe(0);
  });

  test("but not what somebody registers meanwhile, and no removal", () => {
    const { register, leases, take, answer, store, heard, hear } = startLeases();
    register(1);
    answer(take());
    leases.renew(ORDERS, "i-1", () => {});
    const renewal = take();
    register(2);
    answer(renewal, { kind: "unknown" });
    answer(take());
    expect([store.size, heard.at(-1)]).toEqual([1, "2: applied 7"]);
    leases.unregister({ key: ORDERS, instanceId: "i-1" }, hear("gone"));
    answer(take());
    leases.renew(ORDERS, "i-1", () => {});
    answer(take(), { kind: "unknown" });
    expect(store.size).toBe(1);
  });

  test("an answer to what has been let go of changes nothing", () => {
    const { register, leases, adopt, take, answer, store } = startLeases();
    register(1);
    answer(take());
    adopt(slotTable(2, "d-2"));
    const rewritten = take("d-2");
    leases.renew(ORDERS, "i-1", () => {});
    answer(take("d-2"), { kind: "unknown" });
    answer(rewritten);
    expect([store.size, store.inSlot(SLOT).length]).toEqual([0, 0]);
  });
});

describe("what is held back", () => {
  test("is taken out, kept here, and written again at its version when it is let go", () => {
    const { client, wish, take, answer, heard, inShort, store } = startSession();
    wish(1);
    answer(take());
    store.holdBack(client, true);
    const away = take();
    expect(inShort(away)).toEqual(["unregister i-1 1.1"]);
    expect(away[0]!.heldBack).toBe(true);
    answer(away);
    expect([store.size, store.digestOf(SLOT)]).toEqual([1, EMPTY_DIGEST]);
    store.holdBack(client, false);
    const back = take();
    expect(inShort(back)).toEqual(["register i-1 1.1"]);
    answer(back);
    expect(heard).toEqual(["1: applied 7"]);
  });

  test("is not said to be applied before it is, whenever it was asked for", () => {
    const { client, wish, take, answer, heard, inShort, store } = startSession();
    wish(1, { heldBack: true });
    answer(take());
    wish(2, { heldBack: true }, "newer");
    answer(take());
    wish(2, { heldBack: true }, "again");
    expect(heard).toEqual([]);
    store.holdBack(client, false);
    const back = take();
    expect(inShort(back)).toEqual(["register i-1 1.2"]);
    answer(back);
    expect(heard).toEqual(["again: applied 7"]);
  });

  test("is still what the client has here, and goes with the client", () => {
    const { client, wish, take, answer, inShort, store } = startSession();
    wish(1);
    answer(take());
    const before = client.digest();
    store.holdBack(client, true);
    answer(take());
    expect(client.digest()).toEqual(before);
    store.abandon(client);
    const gone = take();
    expect([inShort(gone), gone[0]!.heldBack]).toEqual([["unregister i-1 1.1"], false]);
    answer(gone);
    store.holdBack(client, false);
    expect(take()).toEqual([]);
  });

  test("may be switched while a write is on its way: the last word counts", () => {
    const { client, wish, take, answer, heard, inShort, store } = startSession();
    wish(1);
    const first = take();
    store.holdBack(client, true);
    answer(first);
    expect(heard).toEqual([]);
    const second = take();
    store.holdBack(client, false);
    answer(second);
    expect(heard).toEqual([]);
    const third = take();
    expect(inShort(third)).toEqual(["register i-1 1.1"]);
    answer(third);
    expect(heard).toEqual(["1: applied 7"]);
  });
});
