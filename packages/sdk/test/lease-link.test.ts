/** A link made of calls, with a server in the hands of the test. */

import {
  Datum,
  NO_FILTER,
  RegistryError,
  epoch,
  instanceFromInput,
  serviceKey,
  servicePattern,
  updateFor,
  type Clock,
  type ClientHello,
  type ClientMessage,
  type Held,
  type RegisterItem,
  type ServerMessage,
  type SubscribeItem,
  type UnregisterItem,
  type Version,
} from "@rollcall/core";
import { bytesFromInstance, type WatchedItems } from "@rollcall/protocol";
import { SimClock } from "@rollcall/testing";
import { describe, expect, test } from "vitest";

import { LeaseLink } from "../src/lease/lease-link.ts";
import type { RegistryCalls } from "../src/lease/registry-calls.ts";

const ORDERS = serviceKey({ service: "orders" });
const HELLO: ClientHello = { clientId: "c", incarnation: 1, agent: "test", moves: false };
const LEASE_MS = 15_000;

const INSTANCE = instanceFromInput({ id: "a", address: "10.0.0.1:80" }, () => "a");

const version = (counter: number): Version => ({ epoch: epoch(1), counter });

/** One call that waits for the test to answer it. */
interface Call {
  readonly what: string;
  readonly answer: () => void;
  readonly fail: (reason: RegistryError["reason"]) => void;
}

/** One stream of pushes. */
interface Watch extends WatchedItems {
  readonly signal: AbortSignal;
  readonly push: (message: Partial<ServerMessage>) => void;
  readonly end: (reason: RegistryError["reason"]) => void;
}

const NOTHING: ServerMessage = {
  hello: undefined,
  results: [],
  refusals: [],
  pushes: [],
  servicesPushes: [],
  servicesRefusals: [],
  barriers: [],
  move: undefined,
  sessions: [],
};

/** @param hasTimers whether the platform gives the link its timers, as it may not do for a page in the background */
function start(hasTimers = true) {
  const clock = new SimClock();
  const waiting: Call[] = [];
  const watches: Watch[] = [];
  const said: ServerMessage[] = [];
  const ends: (RegistryError | undefined)[] = [];

  function call<Answer>(what: string, answer: Answer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      waiting.push({
        what,
        answer: () => resolve(answer),
        fail: (reason) => reject(new RegistryError(reason, "the test says so")),
      });
    });
  }
  const calls: RegistryCalls = {
    register: ({ instance }, leaseMs) => call(`register ${instance[0]}`, { version: version(7), leaseMs }),
    renew: (_key, id) => call(`renew ${id}`, undefined),
    unregister: (_key, id) => call(`unregister ${id}`, version(8)),
    drain: (_key, id) => call(`drain ${id}`, undefined),
    async *watch(_hello, items, signal) {
      const queue: (ServerMessage | RegistryError)[] = [];
      let wake = (): void => {};
      const put = (item: ServerMessage | RegistryError): void => {
        queue.push(item);
        wake();
      };
      watches.push({
        ...items,
        signal,
        push: (message) => put({ ...NOTHING, ...message }),
        end: (reason) => put(new RegistryError(reason, "the test ends it")),
      });
      for (;;) {
        const item = queue.shift();
        if (item instanceof RegistryError) throw item;
        if (item !== undefined) yield item;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
  const timeless: Clock = {
    now: () => clock.now(),
    defer: (action) => clock.defer(action),
    setTimer: () => ({ cancel: () => {} }),
  };
  const link = new LeaseLink({ clock: hasTimers ? clock : timeless, calls, leaseMs: LEASE_MS });
  link.listen({
    message: (message) => void said.push(message),
    drained: () => {},
    closed: (error) => ends.push(error),
  });
  const say = async (message: Partial<ClientMessage>): Promise<void> => {
    const nothing = { registers: [], unregisters: [], subscribes: [], unsubscribes: [], receipts: [], barriers: [] };
    const noLists = { servicesSubscribes: [], servicesUnsubscribes: [], servicesReceipts: [] };
    link.send({ hello: undefined, ...nothing, ...noLists, ...message });
    await clock.runFor(0);
  };
  return {
    clock,
    link,
    say,
    watches,
    ends,
    /** What is being called, in order. */
    calling: () => waiting.map(({ what }) => what),
    /** Answers the call that has waited longest. */
    answer: async (how: "well" | RegistryError["reason"] = "well") => {
      const next = waiting.shift()!;
      if (how === "well") next.answer();
      else next.fail(how);
      await clock.runFor(0);
    },
    heard: () => said.splice(0),
    results: () => said.splice(0).flatMap(({ results }) => results),
    present: () => watches.at(-1)!,
  };
}

/** The first byte tells one content from another. */
const registers = (sequence: number, content = 1): RegisterItem => ({
  sequence,
  key: ORDERS,
  version: { incarnation: 1, counter: sequence },
  instanceId: "a",
  instance: Uint8Array.of(content),
});

const unregisters = (sequence: number): UnregisterItem => {
  const { instance: _instance, ...item } = registers(sequence);
  return item;
};

const subscribes = (held?: Held): SubscribeItem => ({ key: ORDERS, filter: NO_FILTER, held });

describe("a registration", () => {
  test("is told as applied when the call is answered, and renewed at a third of its lease", async () => {
    const { clock, say, answer, calling, results } = start();
    await say({ registers: [registers(1)] });
    expect(calling()).toEqual(["register 1"]);
    await answer();
    expect(results()).toEqual([{ sequence: 1, outcome: { kind: "applied", version: version(7) } }]);
    await clock.runFor(4_999);
    expect(calling()).toEqual([]);
    await clock.runFor(1);
    expect(calling()).toEqual(["renew a"]);
    await answer();
    await clock.runFor(5_000);
    expect(calling()).toEqual(["renew a"]);
  });

  test("whose lease is unknown is registered again at once", async () => {
    const { clock, say, answer, calling } = start();
    await say({ registers: [registers(1)] });
    await answer();
    await clock.runFor(5_000);
    await answer("unknown_registration");
    expect(calling()).toEqual(["register 1"]);
    await answer();
    await clock.runFor(5_000);
    expect(calling()).toEqual(["renew a"]);
  });

  test("that changes while it is being registered is registered anew afterwards, only at its newest", async () => {
    const { say, answer, calling, results } = start();
    await say({ registers: [registers(1, 1)] });
    await say({ registers: [registers(2, 2)] });
    await say({ registers: [registers(3, 3)] });
    expect(calling()).toEqual(["register 1"]);
    await answer();
    expect(calling()).toEqual(["register 3"]);
    await answer();
    expect(results().map(({ sequence }) => sequence)).toEqual([1, 3]);
    expect(calling()).toEqual([]);
  });

  test("that is taken out while it is being renewed is taken out after that, and never renewed again", async () => {
    const { clock, say, answer, calling, results } = start();
    await say({ registers: [registers(1)] });
    await answer();
    await clock.runFor(5_000);
    await say({ unregisters: [unregisters(2)] });
    expect(calling()).toEqual(["renew a"]);
    await answer("unknown_registration");
    expect(calling()).toEqual(["unregister a"]);
    await answer();
    expect(results().at(-1)).toMatchObject({ sequence: 2, outcome: { kind: "applied" } });
    await clock.runFor(20_000);
    expect(calling()).toEqual([]);
  });

  test("that breaks a rule is refused, and not tried again", async () => {
    const { clock, say, answer, calling, results } = start();
    await say({ registers: [registers(1)] });
    await answer("limit_exceeded");
    expect(results()).toMatchObject([
      { sequence: 1, outcome: { kind: "refused", error: { reason: "limit_exceeded" } } },
    ]);
    await clock.runFor(20_000);
    expect(calling()).toEqual([]);
  });

  test("of which nobody knows what became waits until it is wanted again", async () => {
    const { say, answer, calling, results } = start();
    await say({ registers: [registers(1)] });
    await say({ registers: [registers(1)] });
    expect(calling()).toEqual(["register 1"]);
    await answer("deadline_exceeded");
    expect([calling(), results()]).toEqual([[], []]);
    await say({ registers: [registers(1)] });
    expect(calling()).toEqual(["register 1"]);
  });

  test("that cannot reach the server ends the link, for another server may do better", async () => {
    const { say, answer, ends } = start();
    await say({ hello: HELLO, registers: [registers(1)] });
    await answer("unavailable");
    expect(ends).toMatchObject([{ reason: "unavailable" }]);
  });

  test("is renewed when the server speaks, should timers not come", async () => {
    const { clock, say, answer, calling, present } = start(false);
    await say({ hello: HELLO, registers: [registers(1)] });
    await answer();
    await clock.runFor(5_000);
    expect(calling()).toEqual([]);
    present().push({});
    await clock.runFor(0);
    expect(calling()).toEqual(["renew a"]);
  });

  test("is renewed at once when the page comes back, and taken out when it leaves", async () => {
    const { clock, link, say, answer, calling } = start();
    await say({ registers: [registers(1)] });
    await answer();
    link.comeBack();
    await clock.runFor(0);
    expect(calling()).toEqual(["renew a"]);
    const left: string[] = [];
    link.leave({
      unregister: (_key, id) => {
        left.push(id);
        return Promise.reject(new RegistryError("unavailable", "the page is gone"));
      },
    });
    expect(left).toEqual(["a"]);
  });
});

test("a barrier is a call that drains what was unregistered last; one that fails is for the client to ask again", async () => {
  const { say, calling, answer, heard } = start();
  await say({ hello: HELLO, unregisters: [unregisters(1)] });
  await answer();
  const barrier = { sequence: 5, key: ORDERS, version: version(8) };
  await say({ barriers: [barrier] });
  expect(calling()).toEqual(["drain a"]);
  await answer("deadline_exceeded");
  expect(heard().flatMap(({ barriers }) => barriers)).toEqual([]);
  await say({ barriers: [barrier] });
  await answer();
  expect(heard().flatMap(({ barriers }) => barriers)).toEqual([{ sequence: 5, subscribers: 0, sessions: 0 }]);
});

describe("the stream of pushes", () => {
  const datum = new Datum(ORDERS, version(0));
  datum.put({ id: "a", bytes: bytesFromInstance(INSTANCE) }, version(1));
  const push = (confirmed: boolean) => updateFor(datum, undefined, NO_FILTER, confirmed);
  const receipt = (resync = false) => ({ key: ORDERS, filter: NO_FILTER, held: datum.held, resync });

  test("is asked for everything at once, and for everything again when something is added", async () => {
    const { say, watches } = start();
    await say({ hello: HELLO, subscribes: [subscribes()] });
    expect(watches).toHaveLength(1);
    const other = { ...subscribes(), key: { ...ORDERS, service: "other" } };
    await say({ subscribes: [other] });
    expect(watches.map(({ subscribes }) => subscribes.map(({ key }) => key.service))).toEqual([
      ["orders"],
      ["orders", "other"],
    ]);
    expect(watches.map(({ signal }) => signal.aborted)).toEqual([true, false]);
  });

  test("is followed by none when something is not wanted any more, unless that is still pushed", async () => {
    const { say, watches, present } = start();
    await say({ hello: HELLO, subscribes: [subscribes()] });
    await say({ unsubscribes: [subscribes()] });
    expect(watches).toHaveLength(1);
    // What a client says that is pushed what it does not want.
    await say({ unsubscribes: [subscribes()] });
    expect(watches).toHaveLength(2);
    expect(present().subscribes).toEqual([]);
  });

  test("is there without any subscription: the link lives with it", async () => {
    const { say, watches, present, heard, ends } = start();
    await say({ hello: HELLO });
    expect(watches).toHaveLength(1);
    const hello = { nodeId: "session-1", clusterId: "c" };
    present().push({ hello });
    await say({});
    expect(heard()).toMatchObject([{ hello }]);
    present().end("shutting_down");
    await say({});
    expect(ends).toMatchObject([{ reason: "shutting_down" }]);
  });

  test("that follows another is told what is held, if somebody vouched for it, and opens no link anew", async () => {
    const { say, present, heard } = start();
    const hello = { nodeId: "session-1", clusterId: "c" };
    await say({ hello: HELLO, subscribes: [subscribes()] });
    present().push({ hello, pushes: [push(false)] });
    await say({});
    await say({ receipts: [receipt()], subscribes: [{ ...subscribes(), key: { ...ORDERS, service: "b" } }] });
    expect(present().subscribes[0]).toEqual(subscribes());
    present().push({ hello, pushes: [push(true)] });
    await say({});
    expect(heard().map(({ hello }) => hello)).toEqual([hello, undefined]);
    await say({ receipts: [receipt()], subscribes: [{ ...subscribes(), key: { ...ORDERS, service: "c" } }] });
    expect(present().subscribes[0]).toEqual(subscribes(datum.held));
  });

  test("is followed by another that is told of nothing held when a push was of no use", async () => {
    const { say, watches, present } = start();
    await say({ hello: HELLO, subscribes: [subscribes()] });
    present().push({ pushes: [push(true)] });
    await say({});
    await say({ receipts: [receipt()] });
    expect(watches).toHaveLength(1);
    await say({ receipts: [receipt(true)] });
    expect(watches).toHaveLength(2);
    expect(present().subscribes).toEqual([subscribes()]);
  });

  test("is followed by another when the client wants to make sure of what it has", async () => {
    const { say, watches, present } = start();
    await say({ hello: HELLO, subscribes: [subscribes()] });
    await say({ summary: { registrations: datum.held.digest, subscriptions: datum.held.digest } });
    expect(watches).toHaveLength(2);
    expect(present().subscribes).toEqual([subscribes()]);
  });

  test("carries lists of services, too, and says which it holds", async () => {
    const { say, watches, present } = start();
    const pattern = servicePattern({ prefix: "a" });
    const held = { version: version(3), digest: datum.held.digest };
    await say({ hello: HELLO, servicesSubscribes: [{ pattern, heldDigest: undefined }] });
    expect(present().servicesSubscribes).toEqual([{ pattern, heldDigest: undefined }]);
    await say({ servicesReceipts: [{ pattern, held, resync: false }] });
    expect(watches).toHaveLength(1);
    await say({ subscribes: [subscribes()] });
    expect(present().servicesSubscribes).toEqual([{ pattern, heldDigest: held.digest }]);
    await say({ servicesReceipts: [{ pattern, held, resync: true }] });
    expect(present().servicesSubscribes).toEqual([{ pattern, heldDigest: undefined }]);
    await say({ servicesUnsubscribes: [pattern] });
    expect(watches).toHaveLength(3);
    await say({ servicesUnsubscribes: [pattern] });
    expect(present().servicesSubscribes).toEqual([]);
  });

  test("that says nothing for too long is lost, one that says it is there is not", async () => {
    const { clock, say, present, ends } = start();
    await say({ hello: HELLO });
    for (let sign = 0; sign < 6; sign++) {
      present().push({});
      await clock.runFor(10_000);
    }
    expect(ends).toEqual([]);
    await clock.runFor(20_000);
    expect(ends).toMatchObject([{ reason: "deadline_exceeded" }]);
  });

  test("ends with the link, and is not told of that", async () => {
    const { clock, link, say, present, ends, calling, answer } = start();
    await say({ hello: HELLO, registers: [registers(1)] });
    await answer();
    link.close();
    expect(present().signal.aborted).toBe(true);
    link.comeBack();
    await clock.runFor(60_000);
    expect([ends, calling()]).toEqual([[], []]);
  });
});
