import { compareVersions } from "@rollcall/core";
import { expect, test } from "vitest";

import type { ContractRegistry } from "../client-contract.ts";
import { Watched, clientOf, settled } from "../watched.ts";

const address = "10.0.0.1:80";

export function registering(registry: () => ContractRegistry): void {
  test("what is registered is shown to others exactly as it was given", async () => {
    const given = {
      id: "a",
      address: "10.0.0.1:8080",
      protocol: "http",
      weight: 7,
      zone: "eu-1",
      metadata: { version: "1.2", owner: "Zoë" },
      payload: Uint8Array.of(0, 255, 7),
      enabled: false,
    };
    const registration = await clientOf(registry()).register({ service: "exact", ...given });
    expect(registration).toMatchObject({ id: "a", service: { service: "exact" }, instance: given });
    const { instances, version } = await clientOf(registry()).resolve("exact");
    expect(instances).toEqual([{ ...given, health: "healthy" }]);
    expect(compareVersions(version, registration.version!)).toBeGreaterThanOrEqual(0);
  });

  test("a registration can be used before it is awaited, and tells its version when it is applied", async () => {
    const pending = clientOf(registry()).register({ service: "pending", address });
    expect(pending.version).toBeUndefined();
    expect(pending.id).not.toBe("");
    const updated = await pending.update({ weight: 3 });
    expect(updated.instance.weight).toBe(3);
    expect((await pending).version).toBeDefined();
  });

  test("an update replaces the fields it gives, each as a whole, and leaves the others", async () => {
    const [provider, consumer] = [clientOf(registry()), clientOf(registry())];
    const watched = new Watched(consumer, "updated");
    const first = { service: "updated", id: "a", address, weight: 5, metadata: { old: "yes" } };
    const registration = await provider.register(first);
    await watched.untilIds("a");
    await registration.update({ address: "10.0.0.2:80", metadata: { new: "yes" } });
    await watched.until(({ instances }) => expect(instances[0]?.address).toBe("10.0.0.2:80"));
    expect(watched.last?.instances).toMatchObject([{ weight: 5, metadata: { new: "yes" } }]);
    expect(watched.last?.instances[0]?.metadata).toEqual({ new: "yes" });
  });

  test("saying the same again makes no version and no view", async () => {
    const [provider, consumer] = [clientOf(registry()), clientOf(registry())];
    const registration = await provider.register({ service: "same", id: "a", address, metadata: { k: "v" } });
    const watched = new Watched(consumer, "same");
    await watched.untilIds("a");
    const before = registration.version;
    await registration.update({ metadata: { k: "v" } });
    await registration.update({ address });
    expect(registration.version).toEqual(before);
    expect(await settled(provider, watched)).toEqual([["a"], ["a"]]);
  });

  test("when several updates are under way all resolve, and the last one stays", async () => {
    const [provider, consumer] = [clientOf(registry()), clientOf(registry())];
    const registration = await provider.register({ service: "several", id: "a", address });
    await Promise.all([1, 2, 3, 4, 5].map((weight) => registration.update({ weight })));
    expect((await consumer.resolve("several")).instances).toMatchObject([{ weight: 5 }]);
  });

  test("what is unregistered is gone, once and for all", async () => {
    const [provider, consumer] = [clientOf(registry()), clientOf(registry())];
    const [a, b] = [
      await provider.register({ service: "gone", id: "a", address }),
      await consumer.register({ service: "gone", id: "b", address }),
    ];
    const watched = new Watched(consumer, "gone");
    await watched.untilIds("a", "b");
    await a.unregister();
    await a.unregister();
    await watched.untilIds("b");
    await expect(a.update({ weight: 1 })).rejects.toMatchObject({ reason: "closed" });
    await b[Symbol.asyncDispose]();
    await watched.untilIds();
    expect(watched.last?.confirmed).toBe(true);
    expect(watched.ids).toEqual([["a", "b"], ["b"], []]);
  });

  test("an id that the client has registered already is refused, and free again when that has ended", async () => {
    const provider = clientOf(registry());
    const registration = await provider.register({ service: "twice", id: "a", address });
    expect(() => provider.register({ service: "twice", id: "a", address })).toThrow(
      expect.objectContaining({ reason: "invalid_field" }),
    );
    await registration.unregister();
    await provider.register({ service: "twice", id: "a", address });
  });

  test("equal content from two clients is two instances", async () => {
    const clients = [clientOf(registry()), clientOf(registry())];
    const registrations = await Promise.all(clients.map((client) => client.register({ service: "equal", address })));
    const watched = new Watched(clients[0]!, "equal");
    await watched.untilIds(...registrations.map(({ id }) => id));
    expect(watched.last?.instances).toHaveLength(2);
  });

  test("of two clients with one id one is shown, and the other one when that goes", async ({ skip }) => {
    if (registry().sharesIds) skip("two clients with one id register one instance");
    const [first, second, consumer] = [clientOf(registry()), clientOf(registry()), clientOf(registry())];
    await first.register({ service: "shared", id: "a", address: "10.0.0.1:80" });
    const newer = await second.register({ service: "shared", id: "a", address: "10.0.0.2:80" });
    // Its second version is newer than the other's first.
    await newer.update({ weight: 7 });
    const watched = new Watched(consumer, "shared");
    await watched.until(({ instances }) => expect(instances).toMatchObject([{ address: "10.0.0.2:80", weight: 7 }]));
    await newer.unregister();
    await watched.until(({ instances }) => expect(instances).toMatchObject([{ address: "10.0.0.1:80" }]));
    expect(watched.ids.every((ids) => ids.length === 1)).toBe(true);
  });

  test("a signal ends the waiting and not the registration", async () => {
    const client = clientOf(registry());
    const controller = new AbortController();
    const pending = client.register({ service: "waiting", id: "a", address }, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(pending).rejects.toThrow("enough");
    const watched = new Watched(client, "waiting");
    await watched.untilIds("a");
    expect(() => client.register({ service: "waiting", address }, { signal: controller.signal })).toThrow("enough");
  });
}
