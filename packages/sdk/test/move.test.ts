import { RegistryError, type Move } from "@rollcall/core";
import { frameFromServerMessage } from "@rollcall/protocol";
import { describe, expect, test } from "vitest";

import type { ClientOptions } from "../src/index.ts";
import { FakeDatum, FakeSession, eventsOf, ids, outcomeOf, world, type FakeSessionOptions } from "./fake-session.ts";

const orders = { service: "orders", address: "10.0.0.1:8080", id: "a" } as const;
const AT_ONCE: Move = { to: [], withinMs: 0 };

/** A client at one session that knows of another one, with one registration and one subscription that are answered. */
async function settled(options: Partial<ClientOptions> = {}, other: FakeSessionOptions = {}) {
  const { session: from, network, client: openClient, clock, run } = world();
  const to = new FakeSession(network, "session-2:9600", other);
  const client = openClient(options);
  const registration = client.register(orders);
  const subscription = client.subscribe("orders");
  const views: (string[] | undefined)[] = [];
  subscription.onChange((view) => void views.push(ids(view)));
  await run();
  const datum = new FakeDatum().put("a");
  from.say({ sessions: [from, to].map(({ address }) => ({ address, clients: 1 })) });
  from.push(datum.snapshot());
  await run();
  from.take();
  const lost = eventsOf(client, "disconnected");
  const connected = eventsOf(client, "connected");
  return { from, to, client, clock, network, registration, subscription, views, datum, lost, connected, run };
}

/** What a session that has it already answers to a subscribe. */
const confirm = (session: FakeSession, datum: FakeDatum): void =>
  session.push({ ...datum.snapshot(), baseDigest: datum.datum.held.digest, instances: [] });

describe("a client that is asked to move", () => {
  test("says everything at the new server and leaves the old one in order once it is answered", async () => {
    const { from, to, client, views, datum, lost, connected, run } = await settled();
    from.say({ move: AT_ONCE });
    await run();
    expect(to.take()).toEqual([["hello c 2"], ["register orders/a 2.1", "subscribe orders held 1.2"]]);
    // The registration is answered, the subscription is not.
    expect(from.ends).toEqual([]);
    confirm(to, datum);
    await run();
    expect(from.ends).toEqual([undefined]);
    expect(from.take()).toEqual([]);
    expect(client.state).toBe("connected");
    expect(connected).toMatchObject([{ server: to.address }]);
    expect([lost, views]).toEqual([[], [["a"]]]);
  });

  test("begins at a moment of its own within the time it is given", async () => {
    const { from, to, run } = await settled();
    from.say({ move: { to: [], withinMs: 10_000 } });
    await run(100);
    expect(to.streams).toEqual([]);
    await run(10_000);
    expect(to.streams).toHaveLength(1);
  });

  test("goes where it is told to", async () => {
    const { from, to, network, run } = await settled();
    const third = new FakeSession(network, "session-3:9600");
    from.say({ sessions: [from, to, third].map(({ address }) => ({ address, clients: 1 })) });
    from.say({ move: { to: [third.address], withinMs: 0 } });
    await run();
    expect([to.streams.length, third.streams.length]).toEqual([0, 1]);
  });

  test("stays when it knows nobody else, and when it does not learn", async () => {
    const { from, to, run } = await settled({ discoverServers: false });
    from.say({ move: { to: [to.address], withinMs: 0 } });
    await run(1_000);
    expect(to.streams).toEqual([]);
    expect(from.ends).toEqual([]);
  });

  test("stays where it is when the other server cannot be reached, and all goes on there", async () => {
    const { from, to, network, client, lost, run } = await settled();
    network.unhost(to.address);
    from.say({ move: AT_ONCE });
    const second = client.register({ ...orders, id: "b" });
    await run();
    expect((await second).version).toBeDefined();
    expect(from.take()).toEqual([["register orders/b 1.1"]]);
    expect([lost, client.state]).toEqual([[], "connected"]);
  });

  test("goes on at the server it has while the other one says nothing, and then gives that up", async () => {
    const { from, to, client, run } = await settled({ connectTimeoutMs: 1_000 }, { greets: false });
    from.say({ move: AT_ONCE });
    await run();
    expect(to.take()).toEqual([["hello c 2"]]);
    void client.register({ ...orders, id: "b" });
    await run();
    expect(from.take()).toEqual([["register orders/b 1.1"]]);
    await run(1_000);
    expect(to.ends).toMatchObject([{ reason: "deadline_exceeded" }]);
    expect(from.ends).toEqual([]);
  });

  test("takes pushes of the server it leaves, with receipts, until the new one has answered", async () => {
    const { from, to, views, datum, run } = await settled();
    from.say({ move: AT_ONCE });
    await run();
    to.take();
    from.push(datum.delta((changed) => changed.put("b")));
    await run();
    expect(views).toEqual([["a"], ["a", "b"]]);
    expect(from.take()).toEqual([["receipt orders 1.3"]]);
    // The new one may be behind, and would take what it has for what is held.
    expect(to.take()).toEqual([["subscribe orders held 1.3"]]);
    confirm(to, datum);
    await run();
    expect(from.ends).toEqual([undefined]);
    expect(views).toEqual([["a"], ["a", "b"]]);
  });

  test("is on its way to one server at a time", async () => {
    const { from, to, run } = await settled({}, { greets: false });
    from.say({ move: AT_ONCE });
    await run();
    from.say({ move: AT_ONCE });
    await run();
    expect(to.streams).toHaveLength(1);
  });
});

describe("when a link is lost during a move", () => {
  test("the new one: everything is said again at the server that was not left yet, above all that was said", async () => {
    const { from, to, client, views, connected, lost, run } = await settled();
    from.say({ move: AT_ONCE });
    await run();
    to.close(new RegistryError("internal", "oh"));
    await run();
    expect(from.take()).toEqual([["register orders/a 3.1", "subscribe orders held 1.2"]]);
    expect(connected.map(({ server }) => server)).toEqual([to.address, from.address]);
    expect([lost, views, client.state]).toEqual([[], [["a"]], "connected"]);
  });

  test("the one that is being left: the new one stands by itself", async () => {
    const { from, to, client, lost, run } = await settled();
    from.say({ move: AT_ONCE });
    await run();
    from.close(new RegistryError("shutting_down", "the node stops"));
    await run();
    expect([lost, client.state, to.streams.length]).toEqual([[], "connected", 1]);
  });

  test("the present one, before the other has said hello: it is a reconnect, to that server", async () => {
    const { from, to, client, lost, run } = await settled({}, { greets: false, applies: false });
    from.say({ move: AT_ONCE });
    await run();
    from.close(new RegistryError("shutting_down", "the node stops"));
    await run();
    expect([client.state, lost.length]).toEqual(["connecting", 1]);
    expect(to.take()).toEqual([["hello c 2"], ["register orders/a 2.1", "subscribe orders held 1.2"]]);
    to.greet();
    await run();
    expect(client.state).toBe("connected");
    expect(to.streams).toHaveLength(1);
  });
});

test("a move that is not answered in time ends so that the old server waits before it takes anything away", async () => {
  const { from, to, run } = await settled({}, { applies: false });
  from.say({ move: AT_ONCE });
  await run(4_900);
  expect(from.ends).toEqual([]);
  await run(200);
  expect(from.ends).toMatchObject([{ reason: "deadline_exceeded" }]);
  expect(to.ends).toEqual([]);
});

test("a client that is closed during a move says goodbye to both servers", async () => {
  const { from, to, client, run } = await settled({}, { applies: true });
  from.say({ move: AT_ONCE });
  await run();
  const closed = outcomeOf(client.close());
  await run();
  expect(closed.settled).toBe(true);
  expect([from.ends, to.ends]).toEqual([[undefined], [undefined]]);
});

test("a registration that waits for its answer gets it from the new server", async () => {
  const { from, to, client, datum, run } = await settled();
  from.applies = false;
  const second = outcomeOf(client.register({ ...orders, id: "b" }));
  await run();
  expect(second.settled).toBe(false);
  from.say({ move: AT_ONCE });
  await run();
  expect(second.settled).toBe(true);
  // The answer of the old server, which comes late, is to something that was said before.
  from.stream.send(frameFromServerMessage({ results: [] }));
  confirm(to, datum);
  await run();
  expect(from.ends).toEqual([undefined]);
});

describe("a server with too much to do", () => {
  const overloaded = new RegistryError("overloaded", "too much", { retryAfterMs: 2_000 });

  test("is left for another one at once", async () => {
    const { session, network, client: openClient, run } = world({ greets: false });
    const other = new FakeSession(network, "session-2:9600");
    const client = openClient({ servers: [session.address, other.address] });
    await run();
    if (session.streams.length > 0) session.close(overloaded);
    await run(100);
    expect(client.state).toBe("connected");
  });

  test("is given the time it asks for when there is no other", async () => {
    const { session, client: openClient, run } = world({ greets: false });
    const retries = eventsOf(openClient(), "retrying");
    await run();
    session.close(overloaded);
    await run();
    expect(retries).toMatchObject([{ error: { reason: "overloaded" } }]);
    expect(retries[0]!.pauseMs).toBeGreaterThanOrEqual(1_000);
    expect(retries[0]!.pauseMs).toBeLessThanOrEqual(3_000);
  });
});
