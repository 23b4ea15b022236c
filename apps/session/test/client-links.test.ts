import { NO_FILTER, RegistryError } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { GRACE_MS, GREETING, SILENCE_GRACE_MS, helloOf, registerItem, startLinks } from "./client-fixture.ts";
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
