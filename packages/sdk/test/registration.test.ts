import { LIMITS, RegistryError } from "@rollcall/core";
import { describe, expect, test } from "vitest";

import { eventsOf, outcomeOf, version, world } from "./fake-session.ts";

const orders = { service: "orders", address: "10.0.0.1:8080", id: "a" } as const;

describe("registering", () => {
  test("what is wanted at the start leaves in the first frame", async () => {
    const { client, session, run } = world();
    const { register, subscribe } = bound(client());
    register(orders);
    subscribe("orders");
    await run();
    expect(session.take()).toEqual([["hello c 1", "register orders/a 1.1", "subscribe orders"]]);
  });

  test("awaiting gives the registration once it is applied, and not before", async () => {
    const { client, session, run } = world({ applies: false });
    const registration = client().register(orders);
    const outcome = outcomeOf(registration);
    await run(1_000);
    expect(outcome.settled).toBe(false);
    expect(registration.version).toBeUndefined();
    session.apply();
    await run();
    expect(outcome.value).toMatchObject({ id: "a", version: version(1, 1) });
    expect(registration.version).toEqual(version(1, 1));
    expect(await registration).not.toHaveProperty("then");
  });

  test("a refusal is thrown to who awaits, and hurts nobody who does not", async () => {
    const { client, session, run } = world({ applies: false });
    const own = client();
    const errors = eventsOf(own, "error");
    const registration = own.register(orders);
    await run();
    session.refuse(-1, "too many");
    await run();
    await expect(registration).rejects.toMatchObject({ reason: "limit_exceeded", message: "too many" });
    expect(errors).toHaveLength(1);
    await expect(registration.update({ weight: 1 })).rejects.toMatchObject({ reason: "limit_exceeded" });
    await registration.unregister();
    session.take();
    session.close();
    await run(1_000);
    expect(session.take()).toEqual([["hello c 2"]]);
  });

  test("defaults come from the client, and an id is made when none is given", async () => {
    const { client, run } = world();
    const registration = client({ namespace: "shop", group: "blue", zone: "z1" }).register({
      service: "orders",
      address: "10.0.0.1:8080",
    });
    expect(registration.service).toEqual({ namespace: "shop", group: "blue", service: "orders" });
    expect(registration.instance).toMatchObject({ zone: "z1", weight: 100, protocol: "tcp" });
    expect(registration.id).toMatch(/^[0-9a-f]{32}$/);
    await run();
  });

  test.each([
    [{ ...orders, address: "nowhere" }, "instance.address"],
    [{ ...orders, weight: -1 }, "instance.weight"],
    [{ ...orders, service: "" }, "service"],
    [{ ...orders, namespace: "!" }, "namespace"],
    [{ ...orders, metadata: { k: "v".repeat(LIMITS.metadataValueLength + 1) } }, 'instance.metadata["k"]'],
  ])("bad input is refused before anything is sent: %o", async (input, field) => {
    const { client, session, run } = world();
    const own = client();
    expect(() => own.register(input)).toThrow(
      expect.objectContaining({ reason: "invalid_field", subject: expect.objectContaining({ field }) as unknown }),
    );
    await run();
    expect(session.take()).toEqual([["hello c 1"]]);
  });

  test("more registrations than a client may have are refused, but one that comes back is not one more", async () => {
    const { client, run } = world();
    const own = client();
    const ids = Array.from({ length: LIMITS.registrationsPerClient }, (_, index) => `i${index}`);
    const registrations = ids.map((id) => own.register({ ...orders, id }));
    expect(() => own.register(orders)).toThrow(
      expect.objectContaining({
        reason: "limit_exceeded",
        subject: expect.objectContaining({ value: "10001" }) as unknown,
      }),
    );
    await run(100);
    void registrations[0]!.unregister();
    expect(() => own.register(orders)).toThrow(expect.objectContaining({ reason: "limit_exceeded" }));
    expect(own.register({ ...orders, id: "i0" }).id).toBe("i0");
    void registrations[1]!.unregister();
    await run(100);
    expect(own.register(orders).id).toBe("a");
  });

  test("an id that is registered for the service already is refused, until it is unregistered", async () => {
    const { client, session, run } = world();
    const own = client();
    const first = own.register(orders);
    expect(() => own.register(orders)).toThrow(RegistryError);
    own.register({ ...orders, service: "billing" });
    await run();
    session.take();
    const gone = first.unregister();
    const second = own.register({ ...orders, weight: 7 });
    await settle(gone, run);
    expect((await second).instance.weight).toBe(7);
    expect(session.take()).toEqual([["register orders/a 1.3"]]);
    await expect(first.update({ weight: 1 })).rejects.toMatchObject({ reason: "closed" });
  });

  test("an id that is used again after its removal begins above its own tombstone", async () => {
    const { client, session, run } = world();
    const own = client();
    const first = await settle(own.register(orders), run);
    await settle(first.unregister(), run);
    await settle(own.register(orders), run);
    expect(session.take().flat()).toEqual([
      "hello c 1",
      "register orders/a 1.1",
      "unregister orders/a 1.2",
      "register orders/a 1.3",
    ]);
  });
});

describe("updating", () => {
  test("merges the given fields and resolves when applied", async () => {
    const { client, session, run } = world();
    const registration = client().register({ ...orders, metadata: { a: "1", b: "2" }, weight: 5 });
    await run();
    const updated = await settle(registration.update({ metadata: { c: "3" }, protocol: "http" }), run);
    expect([updated.instance, updated.instance.metadata].every(Object.isFrozen)).toBe(true);
    expect(updated.instance).toMatchObject({ id: "a", weight: 5, protocol: "http", metadata: { c: "3" } });
    expect(session.take().at(-1)).toEqual(["register orders/a 1.2"]);
  });

  test("only the newest state is sent, and an answer to an older one says nothing", async () => {
    const { client, session, run } = world({ applies: false });
    const registration = client().register(orders);
    await run();
    const outcomes = [registration.update({ weight: 1 }), registration.update({ weight: 2 })].map(outcomeOf);
    await run();
    expect(session.take()).toEqual([["hello c 1", "register orders/a 1.1"], ["register orders/a 1.3"]]);
    session.refuse(0);
    session.apply(0);
    await run();
    expect(outcomes.map(({ settled }) => settled)).toEqual([false, false]);
    session.apply();
    await run();
    expect(outcomes.map(({ settled, error }) => [settled, error])).toEqual([
      [true, undefined],
      [true, undefined],
    ]);
  });

  test("a refused update goes back to what was applied last", async () => {
    const { client, session, run } = world({ applies: false });
    const registration = client().register({ ...orders, weight: 5 });
    await run();
    session.apply();
    await run();
    const refused = registration.update({ weight: 6 });
    await run();
    session.refuse();
    await run();
    await expect(refused).rejects.toMatchObject({ reason: "limit_exceeded" });
    expect(registration.instance.weight).toBe(5);
    expect(session.take().slice(1)).toEqual([["register orders/a 1.2"], ["register orders/a 1.3"]]);
    session.apply();
    expect((await settle(registration, run)).instance.weight).toBe(5);
  });

  test("refused before anything was applied, it ends, and what may have been taken is removed", async () => {
    const { client, session, run } = world({ applies: false });
    const registration = client().register(orders);
    await run();
    const refused = registration.update({ weight: 6 });
    await run();
    session.take();
    session.refuse();
    await run();
    await expect(refused).rejects.toMatchObject({ reason: "limit_exceeded" });
    expect(session.take()).toEqual([["unregister orders/a 1.3"]]);
    await expect(registration.update({ weight: 7 })).rejects.toMatchObject({ reason: "limit_exceeded" });
    const gone = outcomeOf(registration.unregister());
    session.apply();
    await run();
    expect(gone).toEqual({ settled: true, value: undefined });
  });

  test("a bad change is refused and changes nothing", async () => {
    const { client, run } = world();
    const registration = client().register(orders);
    await run();
    await expect(registration.update({ weight: 1e9 })).rejects.toMatchObject({
      subject: { field: "instance.weight", value: "1000000000" },
    });
    expect(registration.instance.weight).toBe(100);
  });

  test("what has no answer is sent again until it has one", async () => {
    const { client, session, run } = world({ applies: false });
    client({ resultTimeoutMs: 3_000 }).register(orders);
    await run(2_900);
    session.take();
    await run(200);
    expect(session.sequences[1]).toBe(session.sequences[0]);
    expect(session.take()).toEqual([["register orders/a 1.1"]]);
    await run(3_000);
    expect(session.take()).toEqual([["register orders/a 1.1"]]);
    session.apply();
    await run(10_000);
    expect(session.take()).toEqual([]);
  });
});

describe("unregistering", () => {
  test("resolves when applied; again, it is fine; then the handle takes no update", async () => {
    const { client, session, run } = world({ applies: false });
    const registration = client().register(orders);
    await run();
    session.apply();
    await run();
    const first = outcomeOf(registration.unregister());
    const second = outcomeOf(registration.unregister());
    await run();
    expect([first.settled, second.settled]).toEqual([false, false]);
    session.apply();
    await run();
    expect([first, second]).toEqual([
      { settled: true, value: undefined },
      { settled: true, value: undefined },
    ]);
    expect(registration.version).toEqual(version(1, 2));
    await registration.unregister();
    await expect(registration.update({ weight: 1 })).rejects.toMatchObject({ reason: "closed" });
    await expect(registration).rejects.toMatchObject({ reason: "closed" });
  });

  test("what was never sent is forgotten without a word", async () => {
    const { client, session, run } = world();
    const own = client();
    const registration = own.register(orders);
    await registration.unregister();
    await run();
    expect(session.take()).toEqual([["hello c 1"]]);
    await expect(registration).rejects.toMatchObject({ reason: "closed" });
  });

  test("while a register waits for its answer, it rejects who awaits that", async () => {
    const { client, session, run } = world({ applies: false });
    const registration = client().register(orders);
    const registered = outcomeOf(registration);
    await run();
    const unregistered = outcomeOf(registration.unregister());
    await run();
    session.apply(0);
    await run();
    expect(registered.error).toMatchObject({ reason: "closed" });
    expect(unregistered.settled).toBe(false);
    session.apply();
    await run();
    expect(unregistered.settled).toBe(true);
  });

  test("`await using` unregisters", async () => {
    const { client, session, run } = world();
    const own = client();
    await run();
    const used = async () => {
      await using registration = own.register(orders);
      await registration;
    };
    await settle(used(), run);
    expect(session.take().flat().slice(1)).toEqual(["register orders/a 1.1", "unregister orders/a 1.2"]);
  });

  test("a signal ends the waiting for an update or an end, not what is waited for", async () => {
    const { client, session, run } = world({ applies: false });
    const registration = client().register(orders);
    await run();
    session.apply();
    await run();
    session.take();
    const controller = new AbortController();
    const updated = outcomeOf(registration.update({ weight: 7 }, { signal: controller.signal }));
    controller.abort(new Error("enough"));
    await run();
    expect(updated.error).toMatchObject({ message: "enough" });
    const ended = outcomeOf(registration.unregister({ signal: controller.signal }));
    await run();
    expect(ended.error).toMatchObject({ message: "enough" });
    expect(session.take().flat()).toEqual(["register orders/a 1.2", "unregister orders/a 1.3"]);
  });

  test("a signal ends the waiting, not the registration", async () => {
    const { client, session, run } = world({ applies: false });
    const controller = new AbortController();
    const registration = client().register(orders, { signal: controller.signal });
    const outcome = outcomeOf(registration);
    await run();
    controller.abort(new Error("enough"));
    await run();
    expect(outcome.error).toMatchObject({ message: "enough" });
    session.apply();
    await run();
    expect(registration.version).toEqual(version(1, 1));
    expect(() => client().register({ ...orders, id: "b" }, { signal: controller.signal })).toThrow("enough");
  });
});

/** Runs the clock until `promise` is settled. */
async function settle<Value>(promise: PromiseLike<Value>, run: (ms?: number) => Promise<void>): Promise<Value> {
  const outcome = outcomeOf(promise);
  for (let turn = 0; turn < 100 && !outcome.settled; turn++) await run();
  return promise;
}

function bound(client: ReturnType<ReturnType<typeof world>["client"]>) {
  return { register: client.register.bind(client), subscribe: client.subscribe.bind(client) };
}
