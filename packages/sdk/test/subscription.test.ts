import { NO_FILTER, RegistryError, filterFromInput, partsOfUpdate, serviceKey, type Update } from "@rollcall/core";
import { describe, expect, test } from "vitest";

import type { ServiceView } from "../src/index.ts";
import { FakeDatum, eventsOf, ids, outcomeOf, version, world } from "./fake-session.ts";

describe("views", () => {
  test("the first push is the first view, sorted by id, and every push is answered with a receipt", async () => {
    const { client, session, run } = world();
    const subscription = client().subscribe("orders");
    const ready = outcomeOf(subscription.ready);
    await run();
    expect(subscription.current()).toBeUndefined();
    session.push(new FakeDatum().put("b").put("a").snapshot());
    await run();
    expect(ids(subscription.current())).toEqual(["a", "b"]);
    expect(ready.value).toBe(subscription.current());
    expect(subscription.current()).toMatchObject({
      service: serviceKey({ service: "orders" }),
      version: version(1, 3),
      confirmed: true,
    });
    expect(session.take().slice(1)).toEqual([["receipt orders 1.3"]]);
  });

  test("a view is frozen, and the next one keeps what did not change", async () => {
    const { client, session, run } = world();
    const subscription = client().subscribe("orders");
    await run();
    const orders = new FakeDatum().put("a").put("c", { metadata: { k: "v" } });
    session.push(orders.snapshot());
    await run();
    const before = subscription.current()!;
    session.push(orders.delta((datum) => datum.put("b").remove("a")));
    await run();
    const after = subscription.current()!;
    expect([ids(before), ids(after)]).toEqual([
      ["a", "c"],
      ["b", "c"],
    ]);
    expect(after.instances[1]).toBe(before.instances[1]);
    for (const frozen of [after, after.instances, after.instances[1], after.instances[1]!.metadata]) {
      expect(Object.isFrozen(frozen)).toBe(true);
    }
  });

  test("what did not change reaches nobody: repeated, older and merely newer pushes are silent", async () => {
    const { client, session, run } = world();
    const subscription = client().subscribe("orders");
    const { views } = watch(subscription);
    await run();
    const orders = new FakeDatum().put("a");
    const first = orders.snapshot();
    session.push(first);
    session.push(first);
    session.push(orders.delta((datum) => datum.put("b")));
    session.push(first);
    session.push(orders.advance().snapshot());
    await run();
    expect(views.map(ids)).toEqual([["a"], ["a", "b"]]);
    expect(subscription.current()!.version).toEqual(version(1, 4));
    expect(session.take().slice(1).flat().at(-1)).toBe("receipt orders 1.4");
  });

  test("a service that nobody registers is one empty view and no repetition", async () => {
    const { client, session, run } = world();
    const { views } = watch(client().subscribe("orders"));
    await run();
    const nobody = new FakeDatum();
    session.push(nobody.snapshot());
    session.push(nobody.snapshot());
    session.push(nobody.advance().snapshot());
    await run(10_000);
    expect(views.map(ids)).toEqual([[]]);
  });

  test("a push that comes in parts is one view and one receipt, however long it takes", async () => {
    const { client, session, run } = world();
    const { views } = watch(client().subscribe("orders"));
    await run();
    session.take();
    const parts = partsOfUpdate(new FakeDatum().put("a").put("b").put("c").snapshot(), 1);
    for (const part of parts) {
      expect([views.length, session.take()]).toEqual([0, []]);
      session.push(part);
      await run(1_500);
    }
    expect([views.map(ids), session.take()]).toEqual([[["a", "b", "c"]], [["receipt orders 1.4"]]]);
  });

  test("half a push that is lost with its link leaves nothing behind", async () => {
    const { client, session, run } = world();
    const { views } = watch(client().subscribe("orders"));
    await run();
    const orders = new FakeDatum().put("a").put("b");
    session.push(partsOfUpdate(orders.snapshot(), 1)[0]!);
    session.close(new RegistryError("shutting_down", "bye"));
    await run(1_000);
    session.push(orders.remove("a").snapshot());
    await run();
    expect(views.map(ids)).toEqual([["b"]]);
  });

  test("a delta of other content is answered by asking for a snapshot", async () => {
    const { client, session, run } = world();
    const { views } = watch(client().subscribe("orders"));
    await run();
    const orders = new FakeDatum().put("a");
    session.push(orders.delta((datum) => datum.put("b")));
    await run();
    expect(session.take().slice(1)).toEqual([["receipt orders 0.0 resync"]]);
    session.push(orders.snapshot());
    await run();
    expect(session.take()).toEqual([["receipt orders 1.3"]]);
    expect(views.map(ids)).toEqual([["a", "b"]]);
  });

  test("a snapshot that is not what it says ends the link: another would be no better", async () => {
    const { client, session, run } = world();
    const own = client();
    const { views } = watch(own.subscribe("orders"));
    const lost = eventsOf(own, "disconnected");
    await run();
    session.push({ ...new FakeDatum().put("a").snapshot(), digest: { high: 1, low: 2 } });
    await run();
    expect(lost).toMatchObject([{ error: { reason: "protocol_violation" } }]);
    expect(views).toEqual([]);
  });

  test("an instance that cannot be read is left out and reported", async () => {
    const { client, session, run } = world();
    const own = client();
    const errors = eventsOf(own, "error");
    const { views } = watch(own.subscribe("orders"));
    await run();
    const orders = new FakeDatum().put("a");
    orders.datum.put({ id: "b", bytes: Uint8Array.of(0x0a, 1, 0x62, 0xff) }, version(1, 9));
    session.push(orders.snapshot());
    await run();
    expect(views.map(ids)).toEqual([["a"]]);
    expect(errors).toHaveLength(1);
  });

  test("first lists that come at once are answered in one message, and each change as soon as it is handled", async () => {
    const { client, session, run } = world();
    const own = client();
    own.subscribe("orders");
    own.subscribe("users");
    await run();
    session.take();
    const [orders, users] = [new FakeDatum(), new FakeDatum("users")];
    session.push(orders.put("a").snapshot());
    session.push(users.put("a").snapshot());
    await run();
    expect(session.take()).toEqual([["receipt orders 1.2", "receipt users 1.2"]]);
    session.push(orders.delta((datum) => datum.put("b")));
    session.push(users.delta((datum) => datum.put("b")));
    await run();
    expect(session.take()).toEqual([["receipt orders 1.3"], ["receipt users 1.3"]]);
  });

  test("several changes are answered by one receipt when they arrive together", async () => {
    const { client, session, run } = world();
    client().subscribe("orders");
    await run();
    session.take();
    const orders = new FakeDatum().put("a");
    session.push(
      orders.snapshot(),
      orders.delta((datum) => datum.put("b")),
    );
    await run();
    expect(session.take()).toEqual([["receipt orders 1.3"]]);
  });
});

const unconfirmed = (update: Update): Update => ({ ...update, confirmed: false });

describe("the empty guard", () => {
  test("an empty list that is not confirmed never replaces another, one that is does", async () => {
    const { client, session, run } = world();
    const own = client();
    const held = eventsOf(own, "heldBack");
    const { views } = watch(own.subscribe("orders"));
    await run();
    const orders = new FakeDatum().put("a");
    session.push(orders.snapshot());
    await run();
    orders.remove("a");
    session.take();
    session.push(unconfirmed(orders.snapshot()));
    await run();
    expect(views.map(ids)).toEqual([["a"]]);
    expect(held).toMatchObject([{ service: { service: "orders" }, because: "empty", version: version(1, 2) }]);
    // The receipt says what is held in truth, so the server goes on trying.
    expect(session.take()).toEqual([["receipt orders 1.2"]]);
    session.push(orders.snapshot());
    await run();
    expect(views.map(ids)).toEqual([["a"], []]);
    session.push(unconfirmed(orders.advance().snapshot()));
    await run();
    expect(views).toHaveLength(2);
    expect(held).toHaveLength(1);
  });

  test("nor is it a first view", async () => {
    const { client, session, run } = world();
    const { views } = watch(client().subscribe("orders"));
    await run();
    const orders = new FakeDatum();
    session.push(unconfirmed(orders.snapshot()));
    await run();
    expect(views).toEqual([]);
    session.push(orders.snapshot());
    await run();
    expect(views.map(ids)).toEqual([[]]);
  });

  test("and it is no answer: the feed is asked for again", async () => {
    const { client, session, run } = world();
    client().subscribe("orders");
    await run();
    session.push(unconfirmed(new FakeDatum().snapshot()));
    await run();
    session.take();
    await run(3_000);
    expect(session.take()).toEqual([["subscribe orders"]]);
  });

  test("a list with somebody in it is shown, and says that it is not confirmed", async () => {
    const { client, session, run } = world();
    const { views } = watch(client().subscribe("orders"));
    await run();
    session.push(unconfirmed(new FakeDatum().put("a").snapshot()));
    await run();
    expect(views).toMatchObject([{ confirmed: false }]);
  });
});

describe("a list that is not confirmed", () => {
  /** Holds, unconfirmed, one instance. */
  async function doubtful() {
    const started = world();
    const own = started.client();
    const { subscription, views } = watch(own.subscribe("orders"));
    await started.run();
    const orders = new FakeDatum().put("a");
    started.session.push(unconfirmed(orders.snapshot()));
    await started.run();
    started.session.take();
    return { ...started, subscription, views, orders };
  }

  test("is followed by the word that it is, in the same version: the view says so and nobody is called", async () => {
    const { session, run, subscription, views, orders } = await doubtful();
    const before = subscription.current()!;
    session.push({ ...orders.snapshot(), baseDigest: orders.datum.digest, instances: [] });
    await run();
    expect([before.confirmed, subscription.current()!.confirmed, views.length]).toEqual([false, true, 1]);
    expect(subscription.current()!.instances).toBe(before.instances);
    expect(session.take()).toEqual([["receipt orders 1.2"]]);
  });

  test("takes that word also from an older update of the same content, and from no other", async () => {
    const { session, run, subscription, orders } = await doubtful();
    session.push({ ...new FakeDatum().put("b").snapshot(), version: version(1, 1) });
    await run();
    expect(subscription.current()).toMatchObject({ confirmed: false, version: version(1, 2) });
    session.push({ ...orders.snapshot(), version: version(1, 1) });
    await run();
    expect(subscription.current()).toMatchObject({ confirmed: true, version: version(1, 2) });
  });

  test("is not claimed to be held on a new connection; once confirmed it is", async () => {
    const { session, run, orders } = await doubtful();
    session.close(new RegistryError("unavailable", "gone"));
    await run(1_000);
    expect(session.take()[0]).toEqual(["hello c 2", "subscribe orders"]);
    session.push(orders.snapshot());
    await run();
    session.close(new RegistryError("unavailable", "gone"));
    await run(1_000);
    expect(session.take().flat()).toContain("subscribe orders held 1.2");
  });

  test("may be followed by another of its kind", async () => {
    const { session, run, views, orders } = await doubtful();
    session.push(unconfirmed(orders.put("b").snapshot()));
    await run();
    expect(views).toMatchObject([{ confirmed: false }, { confirmed: false }]);
    expect(views.map(ids)).toEqual([["a"], ["a", "b"]]);
  });

  test("never takes the place of one that is: the server is told again what is held", async () => {
    const { session, run, subscription, views, orders } = await doubtful();
    session.push(orders.snapshot());
    await run();
    session.take();
    session.push(unconfirmed(orders.put("b").snapshot()));
    await run();
    expect([views.map(ids), subscription.current()!.confirmed]).toEqual([[["a"]], true]);
    expect(session.take()).toEqual([]);
    await run(3_000);
    expect(session.take()).toEqual([["subscribe orders held 1.2"]]);
    session.push(orders.snapshot());
    await run();
    expect(views.map(ids)).toEqual([["a"], ["a", "b"]]);
  });

  test("of another cluster does not take the place of what was confirmed in the one before", async () => {
    const { session, run, subscription, views, orders } = await doubtful();
    session.push(orders.snapshot());
    await run();
    session.clusterId = "another";
    session.close(new RegistryError("unavailable", "gone"));
    await run(1_000);
    const anew = new FakeDatum().put("z");
    session.take();
    session.push(unconfirmed(anew.snapshot()));
    await run();
    expect(ids(subscription.current())).toEqual(["a"]);
    expect(session.take()).toEqual([["receipt orders 1.2"]]);
    session.push({ ...anew.snapshot(), baseDigest: anew.datum.digest, instances: [] });
    await run();
    expect(views.map(ids)).toEqual([["a"], ["z"]]);
  });
});

describe("subscribing", () => {
  test("equal service and filter share one subscription on the wire; each gets its callbacks", async () => {
    const { client, session, run } = world();
    const own = client();
    const metadata = { zone: ["b", "a"], live: true } as const;
    const first = watch(own.subscribe("orders", { metadata }));
    const second = watch(own.subscribe("orders", { metadata: { live: true, zone: ["a", "b", "b"] } }));
    await run();
    const filter = filterFromInput({ metadata });
    expect(session.heard[0]!.subscribes).toEqual([{ key: serviceKey({ service: "orders" }), filter, held: undefined }]);
    session.push(new FakeDatum("orders", filter).put("a").snapshot());
    await run();
    const third = own.subscribe("orders", { metadata });
    expect(ids(third.current())).toEqual(["a"]);
    const late = watch(third);
    expect(late.views).toEqual([]);
    await run();
    expect([first, second, late].map(({ views }) => views.map(ids))).toEqual([[["a"]], [["a"]], [["a"]]]);
    session.take();
    first.subscription.close();
    third.close();
    await run();
    expect(session.take()).toEqual([]);
    second.subscription.close();
    await run();
    expect(session.take().flat()).toEqual([expect.stringContaining("unsubscribe orders")]);
  });

  test("after close no callback runs, and a push that crosses it is answered with unsubscribe", async () => {
    const { client, session, run } = world();
    const { subscription, views } = watch(client().subscribe("orders"));
    await run();
    session.take();
    const orders = new FakeDatum().put("a");
    subscription.close();
    subscription.close();
    session.push(orders.snapshot());
    await run();
    expect(views).toEqual([]);
    expect(session.take()).toEqual([["unsubscribe orders"], ["unsubscribe orders"]]);
    await expect(subscription.ready).rejects.toMatchObject({ reason: "closed" });
  });

  test("closed and opened again before anything is sent: finds what is held, and nobody hears of it", async () => {
    const { client, session, run } = world();
    const own = client();
    const first = own.subscribe("orders");
    await run();
    session.push(new FakeDatum().put("a").snapshot());
    await run();
    session.take();
    first.close();
    expect(ids(own.subscribe("orders").current())).toEqual(["a"]);
    await run();
    expect(session.take()).toEqual([]);
  });

  test("closed with the push that it waited for, and opened again: the server is told that the push has come", async () => {
    const { client, session, run } = world();
    const own = client();
    const first = own.subscribe("orders");
    first.onChange(() => {
      first.close();
      own.subscribe("orders");
    });
    await run();
    session.take();
    session.push(new FakeDatum().put("a").snapshot());
    await run();
    expect(session.take()).toEqual([["receipt orders 1.2"]]);
  });

  test("what brings no push is asked for again", async () => {
    const { client, session, run } = world();
    client().subscribe("orders");
    await run(100);
    session.take();
    await run(3_000);
    expect(session.take()).toEqual([["subscribe orders"]]);
    session.push(new FakeDatum().snapshot());
    await run(100);
    session.take();
    await run(10_000);
    expect(session.take()).toEqual([]);
  });

  test("a refusal ends it for everyone who shares it", async () => {
    const { client, session, run } = world();
    const own = client();
    const errors = eventsOf(own, "error");
    const subscriptions = [own.subscribe("orders"), own.subscribe("orders")];
    const readers = subscriptions.map((subscription) => outcomeOf(subscription[Symbol.asyncIterator]().next()));
    await run();
    const error = new RegistryError("limit_exceeded", "too many");
    session.say({ refusals: [{ key: serviceKey({ service: "orders" }), filter: NO_FILTER, error }] });
    await run();
    for (const { ready } of subscriptions) await expect(ready).rejects.toMatchObject({ message: "too many" });
    expect(readers).toMatchObject([{ error: { message: "too many" } }, { error: { message: "too many" } }]);
    expect(errors).toHaveLength(1);
    session.take();
    own.subscribe("orders");
    await run();
    expect(session.take()).toEqual([["subscribe orders"]]);
  });

  test("bad input is refused before anything is sent", async () => {
    const { client, session, run } = world();
    const own = client();
    expect(() => own.subscribe("no spaces")).toThrow(expect.objectContaining({ reason: "invalid_field" }));
    expect(() => own.subscribe("orders", { metadata: { zone: [] } })).toThrow(
      expect.objectContaining({ subject: expect.objectContaining({ field: 'filter.metadata["zone"]' }) as unknown }),
    );
    const values = Array.from({ length: 32 }, (_, index) => "€".repeat(1_000) + index);
    const metadata = Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`k${index}`, values]));
    expect(() => own.subscribe("orders", { metadata })).toThrow(expect.objectContaining({ reason: "limit_exceeded" }));
    await run();
    expect(session.take()).toEqual([["hello c 1"]]);
  });

  test("an aborted signal closes it", async () => {
    const { client, session, run } = world();
    const own = client();
    const controller = new AbortController();
    const subscription = own.subscribe("orders", {}, { signal: controller.signal });
    await run();
    session.take();
    controller.abort();
    await run();
    expect(session.take()).toEqual([["unsubscribe orders"]]);
    await expect(subscription.ready).rejects.toMatchObject({ reason: "closed" });
    expect(() => own.subscribe("orders", {}, { signal: controller.signal })).toThrow("aborted");
  });

  test("`using` and `await using` close it", async () => {
    const { client, session, run } = world();
    const own = client();
    await run();
    const used = async () => {
      await using orders = own.subscribe("orders");
      using billing = own.subscribe("billing");
      await Promise.all([orders.ready, billing.ready]);
    };
    const done = outcomeOf(used());
    await run();
    session.push(new FakeDatum("orders").snapshot(), new FakeDatum("billing").snapshot());
    await run();
    expect(done.settled).toBe(true);
    expect(session.take().at(-1)?.toSorted()).toEqual(["unsubscribe billing", "unsubscribe orders"]);
  });
});

describe("callbacks", () => {
  test("one that throws or rejects breaks no other and is reported", async () => {
    const { client, session, run } = world();
    const own = client();
    const errors = eventsOf(own, "error");
    const subscription = own.subscribe("orders");
    subscription.onChange(() => {
      throw new Error("thrown");
    });
    subscription.onChange(async () => {
      await Promise.resolve();
      throw new Error("rejected");
    });
    const { views } = watch(subscription);
    await run();
    session.push(new FakeDatum().put("a").snapshot());
    await run();
    expect(views.map(ids)).toEqual([["a"]]);
    expect(errors.map(({ error }) => error.message).toSorted()).toEqual(["rejected", "thrown"]);
  });

  test("one that is stopped by another in the same change is not called", async () => {
    const { client, session, run } = world();
    const subscription = client().subscribe("orders");
    const calls: string[] = [];
    subscription.onChange(() => {
      calls.push("first");
      stop();
    });
    const stop = subscription.onChange(() => calls.push("second"));
    await run();
    session.push(new FakeDatum().put("a").snapshot());
    await run();
    expect(calls).toEqual(["first"]);
  });

  test("a listener that is added late gets the current view soon, and each change once", async () => {
    const { client, session, run } = world();
    const subscription = client().subscribe("orders");
    await run();
    const orders = new FakeDatum().put("a");
    session.push(orders.snapshot());
    await run();
    const { views } = watch(subscription);
    expect(views).toEqual([]);
    await run();
    session.push(orders.delta((datum) => datum.put("b")));
    await run();
    expect(views.map(ids)).toEqual([["a"], ["a", "b"]]);
  });
});

describe("iterating", () => {
  test("a slow reader skips to the newest", async () => {
    const { client, session, run } = world();
    const subscription = client().subscribe("orders");
    const iterator = subscription[Symbol.asyncIterator]();
    const first = outcomeOf(iterator.next());
    await run();
    const orders = new FakeDatum().put("a");
    session.push(orders.snapshot());
    await run();
    expect(ids((first.value as { value: ServiceView }).value)).toEqual(["a"]);
    session.push(orders.delta((datum) => datum.put("b")));
    session.push(orders.delta((datum) => datum.put("c")));
    await run();
    expect(ids((await iterator.next()).value)).toEqual(["a", "b", "c"]);
    const waiting = outcomeOf(iterator.next());
    await run();
    expect(waiting.settled).toBe(false);
    session.push(orders.delta((datum) => datum.remove("a")));
    await run();
    expect(ids((waiting.value as { value: ServiceView }).value)).toEqual(["b", "c"]);
  });

  test("ends when the subscription is closed, and when the client is", async () => {
    const { client, session, run } = world();
    const own = client();
    const subscriptions = [own.subscribe("orders"), own.subscribe("billing")] as const;
    const seen: (string[] | undefined)[] = [];
    const readers = subscriptions.map((subscription) =>
      outcomeOf(
        (async () => {
          for await (const view of subscription) seen.push(ids(view));
        })(),
      ),
    );
    await run();
    session.push(new FakeDatum().put("a").snapshot());
    await run();
    expect(seen).toEqual([["a"]]);
    subscriptions[0].close();
    await run();
    expect(readers.map(({ settled }) => settled)).toEqual([true, false]);
    void own.close();
    await run();
    expect(readers).toEqual([
      { settled: true, value: undefined },
      { settled: true, value: undefined },
    ]);
  });

  test("two readers of one subscription each see everything", async () => {
    const { client, session, run } = world();
    const subscription = client().subscribe("orders");
    const readers = [0, 1].map(() => outcomeOf(subscription[Symbol.asyncIterator]().next()));
    await run();
    session.push(new FakeDatum().put("a").snapshot());
    await run();
    expect(readers.map((reader) => ids((reader.value as { value: ServiceView }).value))).toEqual([["a"], ["a"]]);
  });
});

function watch(subscription: ReturnType<ReturnType<ReturnType<typeof world>["client"]>["subscribe"]>) {
  const views: ServiceView[] = [];
  subscription.onChange((view) => void views.push(view));
  return { subscription, views };
}
