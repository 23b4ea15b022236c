import type { Log } from "@rollcall/core";
import { describe, expect, test } from "vitest";

import { createClientWith, type ClientOptions } from "../src/index.ts";
import { CLIENT_ADDRESS, FakeDatum, eventsOf, ids, outcomeOf, world } from "./fake-session.ts";

const orders = { service: "orders", address: "10.0.0.1:8080", id: "a" } as const;

describe("closing", () => {
  test("unregisters everything, waits for the results and ends the link in an orderly way", async () => {
    const { client, session, run } = world({ applies: false });
    const own = client();
    const registration = own.register(orders);
    const subscription = own.subscribe("orders");
    await run();
    session.apply();
    await run();
    session.take();
    const ended = eventsOf(own, "closed");
    const closed = outcomeOf(own.close());
    expect(own.state).toBe("closing");
    await run(500);
    expect(session.take().flat().toSorted()).toEqual(["unregister orders/a 1.2", "unsubscribe orders"]);
    expect(closed.settled).toBe(false);
    session.apply();
    await run();
    expect(closed.settled).toBe(true);
    expect(own.state).toBe("closed");
    expect(session.ends).toEqual([undefined]);
    expect(ended).toHaveLength(1);
    await expect(subscription.ready).rejects.toMatchObject({ reason: "closed" });
    await registration.unregister();
    await own.close();
    await run(60_000);
    expect(session.streams).toHaveLength(1);
  });

  test("waits for a bounded time only, and says so to who waits for a result", async () => {
    const { client, session, run } = world({ applies: false });
    const own = client({ closeTimeoutMs: 2_000 });
    const registration = own.register(orders);
    await run();
    session.apply();
    await run();
    const unregistered = outcomeOf(registration.unregister());
    const closed = outcomeOf(own.close());
    await run(1_900);
    expect([closed.settled, unregistered.settled]).toEqual([false, false]);
    await run(200);
    expect(closed.settled).toBe(true);
    expect(unregistered.error).toMatchObject({ reason: "closed" });
    await expect(registration.unregister()).rejects.toMatchObject({ reason: "closed" });
  });

  test("with nothing registered it is done at once, even if no server was ever reached", async () => {
    const { client, session, network, run } = world();
    network.unhost(session.address);
    const own = client();
    own.subscribe("orders");
    await run(1_000);
    const closed = outcomeOf(own.close());
    await run(1);
    expect(closed.settled).toBe(true);
    const { links } = network.carried;
    await run(60_000);
    expect(network.carried.links).toBe(links);
  });

  test("in the turn in which it was made, a client never dials", async () => {
    const { client, network, run } = world();
    const own = client();
    own.register(orders);
    const closed = outcomeOf(own.close());
    await run(100);
    expect(closed.settled).toBe(true);
    expect(network.carried.links).toBe(0);
  });

  test("afterwards everything is refused", async () => {
    const { client, run } = world();
    const own = client();
    const registration = own.register(orders);
    await run();
    const closed = { reason: "closed" };
    void own.close();
    expect(() => own.register(orders)).toThrow(expect.objectContaining(closed));
    expect(() => own.subscribe("orders")).toThrow(expect.objectContaining(closed));
    await expect(own.resolve("orders")).rejects.toMatchObject(closed);
    await run();
    expect(() => own.register(orders)).toThrow(expect.objectContaining(closed));
    await expect(registration.update({ weight: 1 })).rejects.toMatchObject(closed);
  });

  test("`await using` closes it, and a callback that closes it gets no more calls", async () => {
    const { client, session, run } = world();
    const own = client();
    let calls = 0;
    own.subscribe("orders").onChange(() => {
      calls++;
      void own.close();
    });
    await run();
    const datum = new FakeDatum().put("a");
    session.push(datum.snapshot());
    session.push(datum.delta((datum) => datum.put("b")));
    await run();
    expect([calls, own.state]).toEqual([1, "closed"]);
    const used = async () => {
      await using other = client({ name: "d" });
      await other.register(orders);
    };
    const done = outcomeOf(used());
    await run(100);
    expect(done.settled).toBe(true);
    expect(session.take().flat()).toContain("unregister orders/a 1.2");
  });
});

describe("resolving", () => {
  test("takes what a subscription holds, without a word on the wire", async () => {
    const { client, session, run } = world();
    const own = client();
    const subscription = own.subscribe("orders");
    await run();
    session.push(new FakeDatum().put("a").snapshot());
    await run();
    session.take();
    expect(await own.resolve("orders")).toBe(subscription.current());
    await run();
    expect(session.take()).toEqual([]);
  });

  test("asks the registry otherwise, and leaves no subscription behind", async () => {
    const { client, session, run } = world();
    const own = client();
    await run();
    session.take();
    const resolved = outcomeOf(own.resolve({ service: "orders" }));
    await run();
    expect(session.take()).toEqual([["subscribe orders"]]);
    session.push(new FakeDatum().put("a").snapshot());
    await run();
    expect(ids(resolved.value as never)).toEqual(["a"]);
    expect(session.take()).toEqual([["unsubscribe orders"]]);
  });

  test("gives up after its time, or when its signal says so", async () => {
    const { client, session, run } = world();
    const own = client();
    const controller = new AbortController();
    const late = outcomeOf(own.resolve("orders", {}, { timeoutMs: 500 }));
    const aborted = outcomeOf(own.resolve("orders", {}, { signal: controller.signal }));
    await run(499);
    expect(late.settled).toBe(false);
    controller.abort(new Error("enough"));
    await run(10);
    expect(late.error).toMatchObject({ reason: "deadline_exceeded" });
    expect(aborted.error).toMatchObject({ message: "enough" });
    expect(session.take().flat()).toEqual(["hello c 1", "subscribe orders", "unsubscribe orders"]);
    await expect(own.resolve("orders", {}, { signal: controller.signal })).rejects.toThrow("enough");
    await expect(own.resolve("orders!")).rejects.toMatchObject({ reason: "invalid_field" });
  });
});

describe("events and options", () => {
  test("a client tells what its link does, and a listener that throws or rejects hurts nobody", async () => {
    const { clock, network, random, session, run } = world();
    const logged: string[] = [];
    const note = (message: string): void => void logged.push(message);
    const log: Log = { debug: note, info: note, warn: note, error: note };
    const own = createClientWith(
      { clock, random, dialer: network.dialer(CLIENT_ADDRESS), log },
      { servers: [session.address] },
    );
    own.on("connected", () => {
      throw new Error("oh");
    });
    own.on("connected", () => Promise.reject(new Error("oh")));
    const connected = eventsOf(own, "connected");
    const stopped: unknown[] = [];
    own.on("connected", (event) => stopped.push(event))();
    expect(own.state).toBe("connecting");
    await run();
    expect(own.state).toBe("connected");
    expect(connected).toEqual([{ server: session.address, nodeId: session.address, clusterId: "cluster" }]);
    expect(stopped).toEqual([]);
    expect(logged.filter((message) => message === "a listener failed")).toHaveLength(2);
    expect(session.heard[0]!.hello).toMatchObject({ clientId: own.id, incarnation: 1 });
    expect(session.heard[0]!.hello!.agent).toMatch(/^rollcall-sdk\//);
  });

  test.each<[string, Partial<ClientOptions>]>([
    ["servers", { servers: [] }],
    ["servers[1]", { servers: ["a:1", "b"] }],
    ["servers[0]", { servers: ["http://a:1"] }],
    ["servers[0]", { servers: ["a:65536"] }],
    ["name", { name: "with blank" }],
    ["name", { name: "x".repeat(96) }],
    ["namespace", { namespace: "-" }],
    ["group", { group: "a/b" }],
    ["agent", { agent: "x".repeat(129) }],
    ["connectTimeoutMs", { connectTimeoutMs: 0 }],
    ["reconnect.pauseMaxMs", { reconnect: { pauseMaxMs: Number.NaN } }],
  ])("a wrong option is named: %s", (field, options) => {
    const { client } = world();
    expect(() => client(options)).toThrow(
      expect.objectContaining({ reason: "invalid_field", subject: expect.objectContaining({ field }) as unknown }),
    );
  });

  test("an IPv6 server is fine", async () => {
    const { client } = world();
    expect(client({ servers: ["[::1]:9600"] }).state).toBe("connecting");
  });
});
