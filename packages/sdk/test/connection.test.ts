import { LIMITS, RegistryError, type Dialer, type StreamListener } from "@rollcall/core";
import { frameFromClientMessage } from "@rollcall/protocol";
import { describe, expect, test } from "vitest";

import { createClientWith, type ClientOptions } from "../src/index.ts";
import { CLIENT_ADDRESS, FakeDatum, FakeSession, eventsOf, ids, outcomeOf, version, world } from "./fake-session.ts";

const orders = { service: "orders", address: "10.0.0.1:8080", id: "a" } as const;
const shuttingDown = new RegistryError("shutting_down", "the node stops");

/** Two more sessions, and a client that notes whom it dials and when. */
function cluster(options: Partial<ClientOptions> = {}, seed = 1) {
  const { clock, network, random, session, run } = world({}, seed);
  const sessions = [session, new FakeSession(network, "session-2:9600"), new FakeSession(network, "session-3:9600")];
  const dials: { address: string; at: number }[] = [];
  const plain = network.dialer(CLIENT_ADDRESS);
  const links: StreamListener[] = [];
  const dialer: Dialer = {
    dial: (address, method) => {
      dials.push({ address, at: clock.now() });
      const stream = plain.dial(address, method);
      const listen = stream.listen.bind(stream);
      return Object.assign(stream, {
        listen(listener: StreamListener) {
          links.push(listener);
          listen(listener);
        },
      });
    },
  };
  const servers = sessions.map(({ address }) => address);
  const client = createClientWith({ clock, random, dialer, clientId: "c" }, { servers, ...options });
  const present = (): FakeSession => sessions.find(({ address }) => address === dials.at(-1)!.address)!;
  return { network, sessions, client, dials, links, present, run };
}

describe("which server, and when", () => {
  test("clients that were given the same servers spread over all of them", async () => {
    const first = await Promise.all(
      Array.from({ length: 30 }, async (_, seed) => {
        const { dials, run } = cluster({}, seed);
        await run();
        return dials[0]!.address;
      }),
    );
    expect(new Set(first).size).toBe(3);
  });

  test("when none answers, each is tried almost at once, then the pauses grow", async () => {
    const { client, sessions, network, dials, run } = cluster();
    for (const { address } of sessions) network.unhost(address);
    const retries = eventsOf(client, "retrying");
    await run(60_000);
    expect(new Set(dials.slice(0, 3).map(({ address }) => address)).size).toBe(3);
    expect(dials[2]!.at).toBeLessThan(110);
    const longest = [50, 50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000];
    for (const [index, most] of longest.entries()) {
      expect(retries[index]).toMatchObject({ failures: index + 1, error: { reason: "unavailable" } });
      expect(retries[index]!.pauseMs).toBeLessThan(most);
    }
    expect(dials.length).toBeGreaterThan(15);
    expect(client.state).toBe("waiting");
  });

  test("a server that stops says so and is left at once, for another one", async () => {
    const { client, dials, present, run } = cluster();
    const retries = eventsOf(client, "retrying");
    const lost = eventsOf(client, "disconnected");
    await run(2_000);
    const first = present();
    first.close(shuttingDown);
    await run(2);
    expect(client.state).toBe("connected");
    expect(present()).not.toBe(first);
    expect(retries).toMatchObject([{ failures: 0, pauseMs: 0 }]);
    expect(lost).toMatchObject([{ server: first.address, error: { reason: "shutting_down" } }]);
    expect(dials).toHaveLength(2);
  });

  test("servers that greet and drop everyone are not dialed in a tight loop", async () => {
    const { client, sessions, dials, run } = cluster();
    client.on("connected", ({ server }) => sessions.find(({ address }) => address === server)!.close(shuttingDown));
    await run(60_000);
    expect(dials.length).toBeLessThan(50);
  });

  test("a link that was up for a while makes up for the failures before it", async () => {
    const { client, sessions, network, present, run } = cluster();
    for (const { address } of sessions) network.unhost(address);
    await run(20_000);
    const retries = eventsOf(client, "retrying");
    sessions.splice(0, 3, ...sessions.map(({ address }) => new FakeSession(network, address)));
    await run(10_000);
    expect(client.state).toBe("connected");
    present().close(new RegistryError("internal", "oh"));
    await run(100);
    expect(retries.at(-1)).toMatchObject({ failures: 1 });
    expect(client.state).toBe("connected");
  });

  test("one that accepts and says nothing counts as failed after the timeout", async () => {
    const { sessions, client, dials, run } = cluster({ connectTimeoutMs: 3_000 });
    for (const session of sessions) session.greets = false;
    const retries = eventsOf(client, "retrying");
    await run(2_999);
    expect(client.state).toBe("connecting");
    expect(dials).toHaveLength(1);
    await run(100);
    expect(retries).toMatchObject([{ failures: 1, error: { reason: "deadline_exceeded" } }]);
    // It is told why, so that it does not take the client for gone: what is registered is on its way to another server.
    expect(sessions.flatMap(({ ends }) => ends)).toMatchObject([{ reason: "deadline_exceeded" }]);
    expect(dials).toHaveLength(2);
  });

  test("one that has taken the link is waited for twice as long, for others may be before us there", async () => {
    const { sessions, client, dials, links, run } = cluster({ connectTimeoutMs: 1_000 });
    for (const session of sessions) session.greets = false;
    await run(900);
    links.at(-1)!.taken?.();
    await run(1_900);
    expect(dials).toHaveLength(1);
    await run(200);
    expect(dials).toHaveLength(2);
    links.at(-1)!.taken?.();
    await run(1_900);
    sessions.find(({ address }) => address === dials[1]!.address)!.greet();
    await run(5_000);
    expect(client.state).toBe("connected");
    expect(dials).toHaveLength(2);
  });

  test("what is said while it takes its time is not said again before it has had time to answer", async () => {
    const { session, client, run } = world({ greets: false, applies: false });
    client({ connectTimeoutMs: 60_000, resultTimeoutMs: 1_000 }).register(orders);
    await run(20_000);
    expect(session.sequences).toHaveLength(1);
    session.greet();
    await run(900);
    expect(session.sequences).toHaveLength(1);
    await run(200);
    expect(session.sequences).toHaveLength(2);
  });

  test("when nobody says hello in time, all are given longer, for coming again makes it worse", async () => {
    const { sessions, client, dials, run } = cluster({ connectTimeoutMs: 1_000, reconnect: { pauseMaxMs: 1 } });
    for (const session of sessions) session.greets = false;
    await run(60_000);
    const waits = dials.slice(1).map(({ at }, index) => Math.floor((at - dials[index]!.at) / 1_000));
    expect(waits).toEqual([1, 1, 1, 2, 4, ...waits.slice(5).map(() => 8)]);
    for (const session of sessions) session.greets = true;
    await run(10_000);
    expect(client.state).toBe("connected");
  });

  test("one that says anything before hello breaks the protocol", async () => {
    const { session, client, run } = world({ greets: false });
    const retries = eventsOf(client(), "retrying");
    await run();
    session.push(new FakeDatum().snapshot());
    await run(2);
    expect(retries).toMatchObject([{ error: { reason: "protocol_violation" } }]);
    // Both its own refusal and the client's.
    expect(session.ends).toMatchObject([{ reason: "protocol_violation" }]);
  });
});

describe("a new connection", () => {
  test("is told the latest of everything, as the next incarnation, in its first frame", async () => {
    const { client, session, run } = world();
    const own = client();
    const a = own.register(orders);
    own.register({ ...orders, id: "b" });
    own.subscribe("orders");
    await run();
    const datum = new FakeDatum().put("a");
    session.push(datum.snapshot());
    await run();
    session.take();
    session.close(new RegistryError("internal", "oh"));
    await run(1);
    void a.update({ weight: 1 });
    void a.update({ weight: 2 });
    own.register({ ...orders, id: "c" });
    own.subscribe("billing");
    await run(200);
    expect(session.take()[0]).toEqual([
      "hello c 2",
      "register orders/a 2.3",
      "register orders/b 2.1",
      "register orders/c 2.1",
      "subscribe orders held 1.2",
      "subscribe billing",
    ]);
    expect(a.instance.weight).toBe(2);
  });

  test("takes the view from where it was: equal content is silent, a delta is enough for the rest", async () => {
    const { client, session, run } = world();
    const views: (string[] | undefined)[] = [];
    const subscription = client().subscribe("orders");
    subscription.onChange((view) => void views.push(ids(view)));
    await run();
    const datum = new FakeDatum().put("a");
    session.push(datum.snapshot());
    await run();
    session.close();
    await run(1);
    expect(ids(subscription.current())).toEqual(["a"]);
    await run(200);
    session.push(datum.delta((datum) => datum.advance()));
    session.push(datum.delta((datum) => datum.put("b")));
    await run();
    expect(views).toEqual([["a"], ["a", "b"]]);
  });

  test("hears of the end of what was unregistered meanwhile, until it is applied", async () => {
    const { client, session, run } = world();
    const registration = client().register(orders);
    await run();
    session.applies = false;
    session.close();
    await run(1);
    const outcome = outcomeOf(registration.unregister());
    await run(200);
    session.close();
    await run(500);
    expect(session.take().flat()).toEqual([
      "hello c 1",
      "register orders/a 1.1",
      "hello c 2",
      "unregister orders/a 2.2",
      "hello c 3",
      "unregister orders/a 3.2",
    ]);
    expect(outcome.settled).toBe(false);
    session.apply();
    await run();
    expect(outcome.settled).toBe(true);
    session.close();
    await run(500);
    expect(session.take()).toEqual([["hello c 4"]]);
  });

  test("keeps who awaits waiting over any number of links", async () => {
    const { client, session, run } = world({ applies: false });
    const outcome = outcomeOf(client().register(orders));
    for (let link = 0; link < 3; link++) {
      await run(500);
      session.close();
    }
    await run(1_000);
    expect(outcome.settled).toBe(false);
    session.apply();
    await run();
    expect(outcome.value).toMatchObject({ id: "a" });
  });

  test("ignores results for what was sent on the one before", async () => {
    const { client, session, run } = world({ applies: false });
    const outcome = outcomeOf(client().register(orders));
    await run();
    session.close();
    await run(200);
    session.refuse(0);
    session.apply(0);
    await run();
    expect(outcome.settled).toBe(false);
  });

  test("of another cluster: versions count anew, and what is shown stays until it is replaced", async () => {
    const { client, session, run } = world();
    const views: (string[] | undefined)[] = [];
    const subscription = client().subscribe("orders");
    subscription.onChange((view) => void views.push(ids(view)));
    await run();
    session.push(new FakeDatum("orders", undefined, version(9, 9)).put("a").snapshot());
    await run();
    session.take();
    session.clusterId = "another";
    session.close();
    await run(200);
    expect(session.take()).toEqual([["hello c 2", "subscribe orders held 9.10"], ["subscribe orders"]]);
    expect(ids(subscription.current())).toEqual(["a"]);
    const datum = new FakeDatum("orders", undefined, version(1, 1)).put("a");
    session.push(datum.snapshot());
    session.push(datum.delta((datum) => datum.put("b")));
    await run();
    expect(views).toEqual([["a"], ["a", "b"]]);
    expect(session.take().flat().at(-1)).toBe("receipt orders 1.3");
  });
});

describe("frames", () => {
  test("everything that is decided in one turn leaves in one frame", async () => {
    const { client, session, run } = world();
    const own = client();
    await run();
    session.take();
    for (const id of ["a", "b", "c"]) own.register({ ...orders, id });
    own.subscribe("orders");
    await run();
    expect(session.take().map((lines) => lines.length)).toEqual([4]);
  });

  test("what is too much for one message is split, and each is below the limit", async () => {
    const { client, session, run } = world();
    const own = client();
    const payload = new Uint8Array(16 * 1_024);
    for (let index = 0; index < 300; index++) own.register({ ...orders, id: `i${index}`, payload });
    await run(100);
    const sizes = session.heard.map((message) => frameFromClientMessage(message).length);
    expect(sizes.length).toBeGreaterThan(4);
    expect(Math.max(...sizes)).toBeLessThan(LIMITS.clientMessageBytes);
    expect(session.heard[0]!.hello).toBeDefined();
    expect(new Set(session.heard.flatMap(({ registers }) => registers.map(({ instanceId }) => instanceId))).size).toBe(
      300,
    );
  });

  test("a server that does not read is sent no more; then it gets the newest state only", async () => {
    const { client, session, network, run } = world();
    network.setFaults("all", { windowBytes: 20_000 });
    const own = client({ resultTimeoutMs: 1_000_000 });
    await run();
    network.pause(session.address);
    const payload = new Uint8Array(16 * 1_024);
    const registration = own.register({ ...orders, payload });
    own.register({ ...orders, id: "b", payload });
    await run();
    session.take();
    const sentBefore = network.carried.frames;
    for (let weight = 0; weight < 100; weight++) {
      void registration.update({ weight });
      await run(1);
    }
    expect(network.carried.frames).toBe(sentBefore);
    network.resume(session.address);
    await run();
    expect(session.take().flat()).toEqual([
      "register orders/a 1.1",
      "register orders/b 1.1",
      "register orders/a 1.101",
    ]);
  });
});
