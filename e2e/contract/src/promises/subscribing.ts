import { compareVersions } from "@rollcall/core";
import { expect, test } from "vitest";

import type { ContractRegistry } from "../client-contract.ts";
import { Watched, clientOf, eventually, idsOf, settled } from "../watched.ts";

const address = "10.0.0.1:80";

export function subscribing(registry: () => ContractRegistry): void {
  test("a service that nobody has registered is one empty view, confirmed, and no repetition", async () => {
    const [provider, consumer] = [clientOf(registry()), clientOf(registry())];
    const watched = new Watched(consumer, "nobody");
    expect(await watched.subscription.ready).toMatchObject({ confirmed: true, instances: [] });
    const beside = new Watched(consumer, "nobody-beside");
    await settled(provider, beside);
    expect(watched.ids).toEqual([[]]);
  });

  test("a view is frozen, sorted by id, and what did not change is the same object in the next", async () => {
    const [provider, consumer] = [clientOf(registry()), clientOf(registry())];
    for (const id of ["b", "a", "c"]) await provider.register({ service: "views", id, address });
    const watched = new Watched(consumer, "views");
    const before = await watched.untilIds("a", "b", "c");
    await provider.register({ service: "views", id: "aa", address });
    const after = await watched.untilIds("a", "aa", "b", "c");
    expect(idsOf(after)).toEqual(["a", "aa", "b", "c"]);
    expect(after.instances[0]).toBe(before.instances[0]);
    expect(watched.subscription.current()).toBe(after);
    const everything = [after, after.instances, ...after.instances, ...after.instances.map(({ metadata }) => metadata)];
    expect(everything.map((value) => Object.isFrozen(value))).not.toContain(false);
  });

  test("a filter takes what has the protocol and the metadata, and is told when that changes", async () => {
    const [provider, consumer] = [clientOf(registry()), clientOf(registry())];
    const register = (id: string, protocol: string, metadata: Record<string, string>) =>
      provider.register({ service: "filtered", id, address, protocol, metadata });
    const registrations = await Promise.all([
      register("a", "http", { region: "eu", canary: "no" }),
      register("b", "http", { region: "us" }),
      register("c", "grpc", { region: "eu", canary: "" }),
    ]);
    const watch = (filter: ConstructorParameters<typeof Watched>[2]) => new Watched(consumer, "filtered", filter);
    await watch({ protocol: "http" }).untilIds("a", "b");
    await watch({ metadata: { region: "eu" } }).untilIds("a", "c");
    await watch({ metadata: { region: ["us", "ap"] } }).untilIds("b");
    await watch({ protocol: "grpc", metadata: { region: ["us", "ap"] } }).untilIds();
    const canaries = watch({ metadata: { canary: true } });
    await canaries.untilIds("a", "c");
    await registrations[1].update({ metadata: { region: "us", canary: "yes" } });
    await canaries.untilIds("a", "b", "c");
    await registrations[0].update({ metadata: {} });
    await canaries.untilIds("b", "c");
    expect(canaries.ids).toEqual([
      ["a", "c"],
      ["a", "b", "c"],
      ["b", "c"],
    ]);
  });

  test("a preferred zone is shown alone while somebody in it can take work, and everybody otherwise", async () => {
    const [provider, consumer] = [clientOf(registry()), clientOf(registry())];
    const local = await provider.register({ service: "zoned", id: "local", address, zone: "here" });
    await provider.register({ service: "zoned", id: "far", address, zone: "there" });
    const watched = new Watched(consumer, "zoned", { zone: "here" });
    const only = new Watched(consumer, "zoned", { zone: { only: "here" } });
    await Promise.all([watched.untilIds("local"), only.untilIds("local")]);
    await local.update({ enabled: false });
    await watched.untilIds("far", "local");
    await local.unregister();
    await Promise.all([watched.untilIds("far"), only.untilIds()]);
    await provider.register({ service: "zoned", id: "local", address, zone: "here" });
    expect(idsOf(await watched.untilIds("local"))).toEqual(idsOf(await only.untilIds("local")));
  });

  test("a change that the filter does not let through calls nobody", async () => {
    const [provider, consumer] = [clientOf(registry()), clientOf(registry())];
    const watched = new Watched(consumer, "unseen", { protocol: "http" });
    await watched.untilIds();
    await provider.register({ service: "unseen", id: "other", address, protocol: "grpc" });
    await provider.register({ service: "unseen", id: "wanted", address, protocol: "http" });
    await watched.untilIds("wanted");
    expect(watched.ids).toEqual([[], ["wanted"]]);
  });

  test("services that differ only in group or namespace never see each other", async () => {
    const [provider, consumer] = [clientOf(registry()), clientOf(registry(), { namespace: "blue", group: "dark" })];
    const keys = [
      { service: "apart" },
      { service: "apart", group: "blue" },
      { service: "apart", namespace: "blue" },
      { service: "apart", namespace: "blue", group: "dark" },
    ];
    const watched = keys.map((key) => new Watched(provider, key));
    const own = new Watched(consumer, "apart");
    for (const [index, key] of keys.entries()) await provider.register({ ...key, id: `of-${index}`, address });
    for (const [index, shown] of watched.entries()) {
      await shown.untilIds(`of-${index}`);
      expect(new Set((await settled(provider, shown)).flat())).toEqual(new Set([`of-${index}`]));
    }
    await own.untilIds("of-3");
  });

  test("each of several subscriptions of a client is called, and none that was closed", async () => {
    const [provider, consumer] = [clientOf(registry()), clientOf(registry())];
    const [first, second, closed, disposed] = Array.from({ length: 4 }, () => new Watched(consumer, "shared-feed"));
    await provider.register({ service: "shared-feed", id: "a", address });
    for (const watched of [first!, second!, closed!, disposed!]) await watched.untilIds("a");
    closed!.subscription.close();
    closed!.subscription.close();
    await disposed!.subscription[Symbol.asyncDispose]();
    const before = [closed!.views.length, disposed!.views.length];
    await provider.register({ service: "shared-feed", id: "b", address });
    for (const watched of [first!, second!]) await watched.untilIds("a", "b");
    await settled(provider, first!);
    expect([closed!.views.length, disposed!.views.length]).toEqual(before);
  });

  test("a callback that is ended is not called, and one that fails hurts no other", async () => {
    const [provider, consumer] = [clientOf(registry()), clientOf(registry())];
    const reported: string[] = [];
    consumer.on("error", ({ error }) => void reported.push(error.message));
    const watched = new Watched(consumer, "failing");
    watched.subscription.onChange(() => {
      throw new Error("thrown");
    });
    watched.subscription.onChange(async () => {
      throw new Error("rejected");
    });
    let calls = 0;
    const stop = watched.subscription.onChange(() => calls++);
    await watched.untilIds();
    await eventually(() => expect(reported.toSorted()).toEqual(["rejected", "thrown"]));
    stop();
    await provider.register({ service: "failing", id: "a", address });
    await watched.untilIds("a");
    expect(calls).toBe(1);
  });

  test("a loop over a subscription is shown the newest, and ends with it", async () => {
    const [provider, consumer] = [clientOf(registry()), clientOf(registry())];
    const subscription = consumer.subscribe("looped");
    const registration = await provider.register({ service: "looped", id: "a", address, weight: 0 });
    const seen: number[] = [];
    for await (const { instances } of subscription) {
      const weight = instances[0]?.weight;
      if (weight === undefined) continue;
      seen.push(weight);
      if (weight === 10) subscription.close();
      // The reader is slow: what changes meanwhile comes as one.
      else for (let next = weight + 1; next <= 10; next++) await registration.update({ weight: next });
    }
    expect(seen.at(-1)).toBe(10);
    expect(seen.length).toBeLessThan(11);
  });

  test("versions only grow, and a storm of changes ends with the last in fewer views than changes", async () => {
    const providers = Array.from({ length: 4 }, () => clientOf(registry()));
    const watched = new Watched(clientOf(registry()), "storm");
    const registrations = await Promise.all(
      providers.map((client, index) => client.register({ service: "storm", id: `${index}`, address })),
    );
    const rounds = 50;
    for (let weight = 1; weight <= rounds; weight++)
      await Promise.all(registrations.map((registration) => registration.update({ weight })));
    await watched.until(({ instances }) => {
      expect(instances.map(({ weight }) => weight)).toEqual(registrations.map(() => rounds));
    });
    const versions = watched.views.map(({ version }) => version);
    for (const [index, version] of versions.entries())
      expect(index === 0 || compareVersions(version, versions[index - 1]!) > 0).toBe(true);
    expect(versions.length).toBeLessThan(rounds * registrations.length);
  });

  test("a signal closes the subscription", async () => {
    const [provider, consumer] = [clientOf(registry()), clientOf(registry())];
    const controller = new AbortController();
    const subscription = consumer.subscribe("signalled", {}, { signal: controller.signal });
    let calls = 0;
    subscription.onChange(() => calls++);
    await subscription.ready;
    await eventually(() => expect(calls).toBe(1));
    controller.abort();
    const beside = new Watched(consumer, "signalled");
    await provider.register({ service: "signalled", id: "a", address });
    await beside.untilIds("a");
    expect(calls).toBe(1);
    expect(() => consumer.subscribe("signalled", {}, { signal: controller.signal })).toThrow(controller.signal.reason);
  });

  test("one look gives what a subscription would, through the same filters", async () => {
    const [provider, consumer] = [clientOf(registry()), clientOf(registry())];
    await provider.register({ service: "looked", id: "a", address, protocol: "http" });
    await provider.register({ service: "looked", id: "b", address, protocol: "grpc" });
    expect(idsOf(await consumer.resolve("looked"))).toEqual(["a", "b"]);
    expect(idsOf(await consumer.resolve("looked", { protocol: "grpc" }))).toEqual(["b"]);
    expect(await consumer.resolve("looked-nobody")).toMatchObject({ confirmed: true, instances: [] });
    await expect(consumer.resolve("looked", {}, { signal: AbortSignal.abort(new Error("no")) })).rejects.toThrow("no");
  });
}
