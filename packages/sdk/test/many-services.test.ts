import {
  LIMITS,
  RegistryError,
  changeFromUpdate,
  emptyServiceList,
  memberOfService,
  serviceKey,
  servicePattern,
  updateFor,
  NO_FILTER,
  type Held,
} from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { FakeDatum, eventsOf, outcomeOf, version, world } from "./fake-session.ts";

/** A list of services as a session pushes it. */
class FakeList {
  readonly pattern;
  readonly datum = emptyServiceList("default", version(1, 0));
  #counter = 0;

  constructor(parts: { prefix?: string; group?: string } = {}) {
    this.pattern = servicePattern(parts);
  }

  put(...services: string[]): this {
    for (const service of services)
      this.datum.put(memberOfService(serviceKey({ service })), version(1, ++this.#counter));
    return this;
  }

  remove(service: string): this {
    this.datum.remove(memberOfService(serviceKey({ service })).id, version(1, ++this.#counter));
    return this;
  }

  /** What leads from the list before the change to the one after it. */
  changed(change: (list: this) => void) {
    const { held } = this.datum;
    change(this);
    return this.push(held);
  }

  push(held?: Held) {
    return { pattern: this.pattern, ...changeFromUpdate(updateFor(this.datum, held, NO_FILTER, true)) };
  }
}

const sizes = (views: ReadonlyMap<string, { instances: readonly unknown[] }> | undefined) =>
  views && Object.fromEntries([...views].map(([name, { instances }]) => [name, instances.length]));

describe("a list of services", () => {
  test("is asked for, shown, and answered with a receipt", async () => {
    const { session, client, run } = world();
    const subscription = client().subscribeServices({ prefix: "o" });
    await run();
    expect(session.heard.splice(0).flatMap(({ servicesSubscribes }) => servicesSubscribes)).toEqual([
      { pattern: { namespace: "default", group: "", prefix: "o" }, heldDigest: undefined },
    ]);
    const list = new FakeList({ prefix: "o" }).put("orders", "offers");
    session.say({ servicesPushes: [list.push()] });
    await run();
    expect(subscription.current()?.services.map(({ service }) => service)).toEqual(["offers", "orders"]);
    expect(session.heard.flatMap(({ servicesReceipts }) => servicesReceipts)).toEqual([
      { pattern: list.pattern, held: list.datum.held, resync: false },
    ]);
  });

  test("is told of once for each change, and not when nothing changed over a reconnect", async () => {
    const { session, client, run } = world();
    const shown: string[][] = [];
    const subscription = client().subscribeServices();
    subscription.onChange(({ services }) => void shown.push(services.map(({ service }) => service)));
    await run();
    const list = new FakeList().put("a");
    session.say({ servicesPushes: [list.push()] });
    await run();
    session.close(new RegistryError("unavailable", "gone"));
    session.heard.length = 0;
    await run(1_000);
    const [asked] = session.heard.flatMap(({ servicesSubscribes }) => servicesSubscribes);
    expect(asked?.heldDigest).toEqual(list.datum.digest);
    // Another server counts versions from the beginning.
    const elsewhere = new FakeList().put("a");
    session.say({ servicesPushes: [elsewhere.push({ version: version(0, 0), digest: asked!.heldDigest! })] });
    await run();
    session.say({ servicesPushes: [elsewhere.changed((list) => list.put("b"))] });
    await run();
    expect(shown).toEqual([["a"], ["a", "b"]]);
  });

  test("that comes as a delta of something else is asked for as a whole", async () => {
    const { session, client, run } = world();
    const subscription = client().subscribeServices();
    await run();
    const list = new FakeList().put("a", "b", "c");
    session.say({ servicesPushes: [list.push()] });
    await run();
    const { held } = list.put("d").datum;
    session.heard.length = 0;
    session.say({ servicesPushes: [list.put("e").push(held)] });
    await run();
    expect(session.heard.flatMap(({ servicesReceipts }) => servicesReceipts)).toMatchObject([{ resync: true }]);
    session.say({ servicesPushes: [list.push()] });
    await run();
    expect(subscription.current()?.services).toHaveLength(5);
  });

  test("is not wanted any more when the last subscription is closed, and shared until then", async () => {
    const { session, client, run } = world();
    const one = client();
    const [first, second] = [one.subscribeServices(), one.subscribeServices({ namespace: "default" })];
    await run();
    first.close();
    await run();
    expect(session.heard.flatMap(({ servicesUnsubscribes }) => servicesUnsubscribes)).toEqual([]);
    second.close();
    await run();
    expect(session.heard.flatMap(({ servicesUnsubscribes }) => servicesUnsubscribes)).toEqual([servicePattern({})]);
  });

  test("is refused with its reason: here, beyond the limit, and by the registry", async () => {
    const { session, client, run } = world();
    const one = client();
    expect(() => one.subscribeServices({ prefix: "a/b" })).toThrow(
      expect.objectContaining({ reason: "invalid_field" }),
    );
    for (let index = 0; index < LIMITS.serviceListsPerClient; index++) one.subscribeServices({ prefix: `p${index}` });
    expect(() => one.subscribeServices()).toThrow(expect.objectContaining({ reason: "limit_exceeded" }));
    const refused = outcomeOf(one.subscribeServices({ prefix: "p0" }).ready);
    await run();
    const error = new RegistryError("limit_exceeded", "no more lists");
    session.say({ servicesRefusals: [{ pattern: servicePattern({ prefix: "p0" }), error }] });
    await run();
    expect(refused.error).toMatchObject({ reason: "limit_exceeded" });
  });
});

describe("several services", () => {
  test("are ready when each of them is, and told of together", async () => {
    const { session, client, run } = world();
    const shown: unknown[] = [];
    const subscription = client().subscribeAll(["orders", "stock"]);
    subscription.onChange((views) => void shown.push(sizes(views)));
    await run();
    const [orders, stock] = [new FakeDatum("orders").put("o-1"), new FakeDatum("stock")];
    session.push(orders.snapshot());
    await run();
    expect(subscription.current()).toBeUndefined();
    session.push(stock.snapshot());
    await run();
    session.push(orders.put("o-2").snapshot(), stock.put("s-1").snapshot());
    await run();
    expect(shown).toEqual([
      { orders: 1, stock: 0 },
      { orders: 2, stock: 1 },
    ]);
  });

  test("are named in full where they are not of the client's namespace and group", async () => {
    const { session, client, run } = world();
    const subscription = client({ namespace: "shop" }).subscribeAll([{ service: "orders", namespace: "default" }]);
    await run();
    session.push(new FakeDatum("orders").snapshot());
    await run();
    expect([...subscription.current()!.keys()]).toEqual(["default/default/orders"]);
  });

  test("that are none are an empty map, and a service that is refused ends them all", async () => {
    const { session, client, run } = world();
    const one = client();
    const none = outcomeOf(one.subscribeAll([]).ready);
    const two = outcomeOf(one.subscribeAll(["orders", "stock"]).ready);
    await run();
    expect(none.value).toEqual(new Map());
    const key = serviceKey({ service: "stock" });
    session.say({ refusals: [{ key, filter: NO_FILTER, error: new RegistryError("limit_exceeded", "no") }] });
    await run();
    expect(two.error).toMatchObject({ reason: "limit_exceeded" });
    expect(session.heard.flatMap(({ unsubscribes }) => unsubscribes)).toMatchObject([{ key: { service: "orders" } }]);
  });

  test("show that a view is confirmed without calling anybody for it", async () => {
    const { session, client, run } = world();
    const shown: unknown[] = [];
    const subscription = client().subscribeAll(["orders"]);
    subscription.onChange((views) => void shown.push(sizes(views)));
    await run();
    const orders = new FakeDatum("orders").put("o-1");
    session.push({ ...orders.snapshot(), confirmed: false });
    await run();
    expect(subscription.current()?.get("orders")?.confirmed).toBe(false);
    session.push(orders.snapshot());
    await run();
    expect(subscription.current()?.get("orders")?.confirmed).toBe(true);
    expect(shown).toEqual([{ orders: 1 }]);
  });
});

describe("services by prefix", () => {
  test("join and leave by themselves, one that joins as soon as there is a view of it", async () => {
    const { session, client, run } = world();
    const shown: unknown[] = [];
    const subscription = client().subscribePrefix("o");
    subscription.onChange((views) => void shown.push(sizes(views)));
    await run();
    const list = new FakeList({ prefix: "o" });
    session.say({ servicesPushes: [list.push()] });
    await run();
    session.say({ servicesPushes: [list.changed(() => list.put("orders"))] });
    await run();
    expect(shown).toEqual([{}]);
    session.push(new FakeDatum("orders").put("o-1").snapshot());
    await run();
    session.say({ servicesPushes: [list.changed(() => list.remove("orders"))] });
    await run();
    expect(shown).toEqual([{}, { orders: 1 }, {}]);
    const { subscribes, unsubscribes } = {
      subscribes: session.heard.flatMap((message) => message.subscribes),
      unsubscribes: session.heard.flatMap((message) => message.unsubscribes),
    };
    expect([subscribes.length, unsubscribes.length]).toEqual([1, 1]);
    subscription.close();
    await run();
    expect(session.heard.flatMap(({ servicesUnsubscribes }) => servicesUnsubscribes)).toEqual([list.pattern]);
  });

  test("that are more than a client may subscribe to end with an error that says so", async () => {
    const { session, client, run } = world();
    const one = client();
    const errors = eventsOf(one, "error");
    const subscription = one.subscribePrefix("o");
    const outcome = outcomeOf(subscription.ready);
    await run();
    const list = new FakeList({ prefix: "o" });
    list.put(...Array.from({ length: LIMITS.subscriptionsPerClient + 1 }, (_, index) => `o${index}`));
    session.say({ servicesPushes: [list.push()] });
    await run();
    expect(outcome.error).toMatchObject({ reason: "limit_exceeded", subject: { value: "10001" } });
    expect(errors).toMatchObject([
      { error: { reason: "limit_exceeded" }, during: expect.stringContaining("o*") as string },
    ]);
    // What it had begun to subscribe to is free again.
    one.subscribe("orders");
  });

  test("of a list that is known already are shown at once", async () => {
    const { session, client, run } = world();
    const one = client();
    one.subscribeServices({ prefix: "o" });
    await run();
    session.say({ servicesPushes: [new FakeList({ prefix: "o" }).put("orders").push()] });
    await run();
    const subscription = one.subscribePrefix("o");
    await run();
    session.push(new FakeDatum("orders").put("o-1").snapshot());
    await run();
    expect(sizes(subscription.current())).toEqual({ orders: 1 });
  });

  test("closed at once ask for nothing", async () => {
    const { session, client, run } = world();
    const abort = new AbortController();
    const subscription = client().subscribePrefix("o", {}, { signal: abort.signal });
    abort.abort();
    await run();
    expect(session.heard.flatMap(({ servicesSubscribes }) => servicesSubscribes)).toEqual([]);
    await expect(subscription.ready).rejects.toMatchObject({ reason: "closed" });
  });
});
