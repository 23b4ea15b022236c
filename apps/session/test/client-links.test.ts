import { NO_FILTER, RegistryError } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import {
  CONNECTIONS_MAX,
  GRACE_MS,
  GREETING,
  RESTORING_MAX,
  SILENCE_GRACE_MS,
  helloOf,
  registerItem,
  startLinks,
} from "./client-fixture.ts";
import { MASS_GRACE_MS } from "../src/connections/mass-loss.ts";
import { ORDERS } from "./fixture.ts";

const reset = new RegistryError("unavailable", "the link was reset");
const silent = new RegistryError("deadline_exceeded", "no answer for the keepalive time");

/** A client that has registered one instance, which the leader has applied. */
async function registered() {
  const started = startLinks();
  const client = started.open();
  client.say({ hello: helloOf("client-1"), registers: [registerItem(1, 1)] });
  started.answer();
  await client.heard();
  const kinds = () => started.takeWrites().map(({ kind, version: at }) => `${kind} ${at.incarnation}.${at.counter}`);
  return { ...started, client, kinds };
}

describe("a client", () => {
  test("is greeted when it has said hello, and its first message counts", async () => {
    const { links, open, answer } = startLinks();
    const client = open();
    client.say({ hello: helloOf("client-1"), registers: [registerItem(1, 1)] });
    expect(links.connections).toBe(1);
    expect(answer()).toMatchObject([{ clientId: "client-1", instanceId: "i-1" }]);
    expect(await client.heard()).toMatchObject([{ hello: GREETING, results: [{ sequence: 1 }] }]);
  });

  test("that sends a bad item is told so, and its neighbours are served", async () => {
    const { open, answer } = startLinks();
    const client = open();
    const bad = { ...registerItem(1, 1), key: { ...ORDERS, service: "no name" } };
    client.say({
      hello: helloOf("client-1"),
      registers: [bad, registerItem(2, 2)],
      subscribes: [{ key: bad.key, filter: NO_FILTER, held: undefined }],
    });
    expect(answer()).toHaveLength(1);
    expect(await client.heard()).toMatchObject([
      { results: [{ sequence: 1, outcome: { kind: "refused" } }, { sequence: 2 }], refusals: [{ key: bad.key }] },
    ]);
    expect(client.stream.closedWith).toBeUndefined();
  });
});

test("a client that says the same again before it is answered leaves room for the next when it is", async () => {
  const { open, answer, gate } = startLinks();
  const client = open();
  client.say({ hello: helloOf("client-1"), registers: [registerItem(1, 1)] });
  await client.heard();
  client.say({ registers: [registerItem(2, 1)] });
  await client.heard();
  expect(gate.restoring).toBe(1);
  answer();
  expect(await client.heard()).toMatchObject([{ results: [{ sequence: 2 }] }]);
  expect(gate.restoring).toBe(0);
});

test("connections that are lost in mass are taken for a broken network, and their registrations stay", async () => {
  const { open, answer, clock, links, takeWrites } = startLinks({ connectionsMax: 100, restoringMax: 100 });
  const clients = Array.from({ length: 30 }, (_, index) => {
    const client = open();
    client.say({ hello: helloOf(`client-${index}`), registers: [registerItem(1, 1, `i-${index}`)] });
    return client;
  });
  await clock.runFor(100);
  answer();
  takeWrites();
  for (const client of clients) client.end(reset);
  await clock.runFor(MASS_GRACE_MS - 1);
  expect(takeWrites()).toEqual([]);
  expect(links.massLosses).toBe(1);
  await clock.runFor(1);
  expect(takeWrites()).toHaveLength(30);
});

describe("who is sent away", () => {
  test.each([
    { what: "a first message without a hello", message: {}, reason: "protocol_violation" },
    { what: "a client with a name that is none", message: { hello: helloOf("a b") }, reason: "invalid_field" },
  ])("$what", ({ message, reason }) => {
    const { links, open } = startLinks();
    const client = open();
    client.say(message);
    expect(client.stream.closedWith).toMatchObject({ reason });
    expect(links.connections).toBe(0);
  });

  test("whoever speaks another language, and what it registered stays as for any lost connection", async () => {
    const { client, links, clock, kinds } = await registered();
    client.receive(Uint8Array.of(0xff));
    expect(client.stream.closedWith).toMatchObject({ reason: "protocol_violation" });
    expect([links.connections, kinds()]).toEqual([0, []]);
    await clock.runFor(SILENCE_GRACE_MS);
    expect(kinds()).toEqual(["unregister 1.1"]);
  });

  test("whoever does not say hello in time", async () => {
    const { clock, open } = startLinks();
    const [mute, spoken] = [open(), open()];
    spoken.say({ hello: helloOf("client-1") });
    await clock.runFor(9_999);
    expect(mute.stream.closedWith).toBeUndefined();
    await clock.runFor(1);
    expect(mute.stream.closedWith).toMatchObject({ reason: "deadline_exceeded" });
    await clock.runFor(60_000);
    expect(spoken.stream.closedWith).toBeUndefined();
  });

  test("everybody, before the node has joined a cluster", () => {
    const { open, state, links } = startLinks();
    state.greeting = undefined;
    const client = open();
    client.say({ hello: helloOf("client-1") });
    expect(client.stream.closedWith).toMatchObject({ reason: "not_ready" });
    state.greeting = GREETING;
    open().say({ hello: helloOf("client-1") });
    expect(links.connections).toBe(1);
  });
});

describe("when a connection ends", () => {
  test.each([
    { how: "in order", error: undefined, graceMs: 0 },
    { how: "by a reset", error: reset, graceMs: GRACE_MS },
    { how: "by silence", error: silent, graceMs: SILENCE_GRACE_MS },
  ])("$how, its registrations stay for $graceMs ms", async ({ error, graceMs }) => {
    const { client, clock, links, kinds } = await registered();
    client.end(error);
    expect(links.connections).toBe(0);
    await clock.runFor(Math.max(0, graceMs - 1));
    expect(graceMs > 0 ? kinds() : []).toEqual([]);
    await clock.runFor(1);
    expect(kinds()).toEqual(["unregister 1.1"]);
  });

  test("a client that is back in time keeps what it registers again, and nothing goes", async () => {
    const { client, clock, open, kinds, answer } = await registered();
    client.end(reset);
    await clock.runFor(GRACE_MS - 1);
    const again = open();
    again.say({ hello: helloOf("client-1", 2), registers: [registerItem(1, 1, "i-1", 2)] });
    expect(answer()).toMatchObject([{ kind: "register", version: { incarnation: 2 } }]);
    await clock.runFor(60_000);
    expect(kinds()).toEqual([]);
  });

  test("what the client does not register again goes", async () => {
    const { client, clock, open, kinds } = await registered();
    client.end(reset);
    open().say({ hello: helloOf("client-1", 2) });
    await clock.runFor(GRACE_MS);
    expect(kinds()).toEqual(["unregister 1.1"]);
  });

  test("its subscriptions end at once", async () => {
    const { client, clock, interests } = await registered();
    client.say({ subscribes: [{ key: ORDERS, filter: NO_FILTER, held: undefined }] });
    expect(interests.size).toBe(1);
    client.end(reset);
    await clock.runFor(30_000);
    interests.sweep(clock.now());
    expect(interests.size).toBe(0);
  });
});

describe("a node that stops", () => {
  test("sends everybody to another session and takes no registration away", async () => {
    const { client, clock, links, open, kinds } = await registered();
    const waiting = open();
    links.stop();
    expect(client.stream.closedWith).toMatchObject({ reason: "shutting_down" });
    expect(waiting.stream.closedWith).toMatchObject({ reason: "shutting_down" });
    await clock.runFor(10 * SILENCE_GRACE_MS);
    expect([links.connections, kinds()]).toEqual([0, []]);
  });

  test("takes none away either of a connection that was lost shortly before", async () => {
    const { client, clock, links, kinds } = await registered();
    client.end(reset);
    links.stop();
    await clock.runFor(10 * SILENCE_GRACE_MS);
    expect(kinds()).toEqual([]);
  });

  test("greets nobody any more", () => {
    const { links, open } = startLinks();
    links.stop();
    const client = open();
    client.say({ hello: helloOf("client-1") });
    expect(client.stream.closedWith).toMatchObject({ reason: "shutting_down" });
  });
});

/** Clients that move when they are asked to. */
const mover = (clientId: string) => ({ ...helloOf(clientId), moves: true });

describe("clients that move", () => {
  test("are told which sessions there are, and others are not", async () => {
    const { links, open, state } = startLinks();
    state.sessions = [{ address: "10.0.0.1:9600", clients: 3 }];
    const [moving, plain] = [open(), open()];
    moving.say({ hello: mover("a") });
    plain.say({ hello: helloOf("b") });
    expect(await moving.heard()).toMatchObject([{ hello: GREETING }, { sessions: state.sessions }]);
    links.sessionsChanged();
    expect(await moving.heard()).toMatchObject([{ sessions: state.sessions }]);
    expect(await plain.heard()).toMatchObject([{ hello: GREETING, sessions: [] }]);
  });

  test("are asked to move, as many as wanted, and nobody else", async () => {
    const { links, open } = startLinks();
    const clients = Array.from({ length: 6 }, (_, index) => {
      const client = open();
      client.say({ hello: index < 4 ? mover(`m-${index}`) : helloOf(`p-${index}`) });
      return client;
    });
    const asked = async (): Promise<boolean[]> => {
      const moves: boolean[] = [];
      for (const client of clients) moves.push((await client.heard()).some(({ move }) => move !== undefined));
      return moves;
    };
    await asked();
    expect(links.ask(3, { to: ["10.0.0.1:9600"], withinMs: 10 })).toBe(3);
    const first = await asked();
    expect(first.filter(Boolean)).toHaveLength(3);
    expect(first.slice(4)).toEqual([false, false]);
    expect(links.ask(100, { to: [], withinMs: 10 })).toBe(4);
    expect(await asked()).toEqual([true, true, true, true, false, false]);
  });
});

describe("a node that is about to stop", () => {
  const TO = ["10.0.0.1:9600"];

  function draining() {
    const started = startLinks();
    const [moving, plain] = [started.open(), started.open()];
    moving.say({ hello: mover("a"), registers: [registerItem(1, 1)] });
    plain.say({ hello: helloOf("b") });
    started.answer();
    const drained = { is: false };
    const drain = (): void => void started.links.drain(4_000, TO).then(() => (drained.is = true));
    return { ...started, moving, plain, drained, drain };
  }

  test("asks everybody to move, sends away who cannot, and is done when all are gone", async () => {
    const { clock, moving, plain, drained, drain, takeWrites } = draining();
    await moving.heard();
    drain();
    expect(await moving.heard()).toMatchObject([{ move: { to: TO, withinMs: 2_000 } }]);
    await clock.runFor(2_000);
    expect(plain.stream.closedWith).toMatchObject({ reason: "shutting_down" });
    plain.end();
    expect(moving.stream.closedWith).toBeUndefined();
    await clock.runFor(1);
    expect(drained.is).toBe(false);
    // It has moved: what it left here is of no use to anybody.
    moving.end();
    await clock.runFor(1);
    expect(drained.is).toBe(true);
    expect(takeWrites()).toMatchObject([{ kind: "unregister" }]);
  });

  test("lets nobody in any more", async () => {
    const { open, drain } = draining();
    drain();
    const late = open();
    late.say({ hello: mover("late") });
    expect(late.stream.closedWith).toMatchObject({ reason: "shutting_down" });
  });

  test("waits no longer than it was told, nor when there is nowhere to go", async () => {
    const { clock, moving, drained, drain } = draining();
    drain();
    await clock.runFor(3_999);
    expect(drained.is).toBe(false);
    await clock.runFor(1);
    expect(drained.is).toBe(true);
    expect(moving.stream.closedWith).toBeUndefined();
    const other = draining();
    other.drain();
    other.links.endDrain();
    await other.clock.runFor(0);
    expect(other.drained.is).toBe(true);
  });
});

describe("when many clients come at once", () => {
  function crowd(count: number) {
    const started = startLinks();
    const clients = Array.from({ length: count }, (_, index) => {
      const client = started.open();
      client.say({ hello: helloOf(`c-${index}`), registers: [registerItem(1, 1, `i-${index}`)] });
      return client;
    });
    return { ...started, clients };
  }

  test("so many are brought back at a time; the others wait unheard, and what they said counts when it is their turn", async () => {
    const { links, gate, clients, answer, clock } = crowd(RESTORING_MAX + 2);
    clients.at(-1)!.say({ registers: [registerItem(2, 1, "i-second")] });
    expect([links.connections, gate.waiting]).toEqual([RESTORING_MAX, 2]);
    expect(answer()).toHaveLength(RESTORING_MAX);
    await clock.runFor(0);
    expect([links.connections, gate.waiting]).toEqual([RESTORING_MAX + 2, 0]);
    expect(answer().map(({ instanceId }) => instanceId)).toEqual(["i-3", "i-4", "i-second"]);
    expect(await clients.at(-1)!.heard()).toMatchObject([
      { hello: GREETING },
      { results: [{ sequence: 1 }, { sequence: 2 }] },
    ]);
    expect(gate.restoring).toBe(0);
  });

  test("who goes while waiting leaves nothing behind", async () => {
    const { links, gate, clients, answer, clock } = crowd(RESTORING_MAX + 1);
    clients.at(-1)!.end(reset);
    answer();
    await clock.runFor(0);
    expect([links.connections, gate.waiting, gate.restoring]).toEqual([RESTORING_MAX, 0, 0]);
  });

  test("one who says something senseless while waiting is sent away when it is its turn", async () => {
    const { clients, answer, clock } = crowd(RESTORING_MAX + 1);
    clients.at(-1)!.receive(Uint8Array.of(0xff));
    answer();
    await clock.runFor(0);
    expect(clients.at(-1)!.stream.closedWith).toMatchObject({ reason: "protocol_violation" });
  });

  test("one who says more than anybody needs to while waiting is sent elsewhere", () => {
    const { clients } = crowd(RESTORING_MAX + 1);
    for (let index = 0; index < 3; index++) clients.at(-1)!.receive(new Uint8Array(1_024 * 1_024));
    expect(clients.at(-1)!.stream.closedWith).toMatchObject({ reason: "overloaded" });
  });

  test("more connections than there may be are refused, and when one ends there is room again", () => {
    const { links, open } = startLinks();
    const clients = Array.from({ length: CONNECTIONS_MAX }, () => open());
    const late = open();
    expect(late.stream.closedWith).toMatchObject({ reason: "overloaded", retryAfterMs: 1_000 });
    expect(links.refused).toBe(1);
    clients[0]!.end();
    expect(open().stream.closedWith).toBeUndefined();
  });
});
