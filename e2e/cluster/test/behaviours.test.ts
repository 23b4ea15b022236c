// What anybody who moves here from another registry will try first, each from outside. The numbers are those of
// docs/behaviours.md, which says where the others are shown.

import { compareVersions } from "@rollcall/core";
import type { Client, ServiceInput } from "@rollcall/sdk";
import { expect, test } from "vitest";

import { RecordedViews, idsOf } from "../src/recorded-views.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 2, sessions: 2 });

/** A client of one session and a client of the other, so that everything goes through a data node. */
function clientsApart(): [Client, Client] {
  const [first, second] = fixture.cluster.sessions.map(({ address }) => address) as [string, string];
  return [fixture.client({ servers: [first] }), fixture.client({ servers: [second] })];
}

/** Whatever could still come on the way of `service` has come: a change was made after it and has been seen. */
async function afterEverything(provider: Client, views: RecordedViews, service: ServiceInput): Promise<void> {
  const name = typeof service === "string" ? { service } : service;
  const marker = provider.register({ ...name, id: "marker", address: "10.9.9.9:9" });
  await views.view((view) => idsOf(view).includes("marker"), { what: "the marker" });
  await marker.unregister();
  await views.view((view) => !idsOf(view).includes("marker"), {
    from: views.shown.findIndex(({ view }) => idsOf(view).includes("marker")),
  });
}

test("1: who subscribes to what is registered is shown exactly that, with its zone", async () => {
  const [provider, subscriber] = clientsApart();
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
  await provider.register({ service: "s1", ...given });
  const views = new RecordedViews(subscriber, "s1");
  await views.subscription.ready;
  expect(views.last?.instances).toEqual([{ ...given, health: "healthy" }]);
  expect(views.shown).toHaveLength(1);
  expect(views.last?.confirmed).toBe(true);
});

test("2: who subscribes first is shown an empty view and then what is registered", async () => {
  const [provider, subscriber] = clientsApart();
  const views = new RecordedViews(subscriber, "s2");
  await views.subscription.ready;
  await provider.register({ service: "s2", id: "a", address: "10.0.0.1:80" });
  await views.untilIds(["a"]);
  expect(views.idsShown).toEqual([[], ["a"]]);
});

test("3: a service that nobody registers is one confirmed empty view, and no repetition", async () => {
  const [provider, subscriber] = clientsApart();
  const views = new RecordedViews(subscriber, "s3");
  await views.subscription.ready;
  const other = new RecordedViews(subscriber, "s3-beside");
  await afterEverything(provider, other, "s3-beside");
  expect(views.idsShown).toEqual([[]]);
  expect(views.last?.confirmed).toBe(true);
});

test("4: equal content from two clients is two instances", async () => {
  const [provider, subscriber] = clientsApart();
  const same = { service: "s4", address: "10.0.0.1:80", protocol: "http" };
  const [first, second] = await Promise.all([provider.register(same), subscriber.register(same)]);
  const views = new RecordedViews(subscriber, "s4");
  await views.untilIds([first.id, second.id]);
  expect(first.id).not.toBe(second.id);
});

test("5: registering again replaces everything, and the old value never comes back", async () => {
  const [provider, subscriber] = clientsApart();
  const views = new RecordedViews(subscriber, "s5");
  const registration = await provider.register({
    service: "s5",
    id: "a",
    address: "10.0.0.1:80",
    metadata: { old: "yes" },
  });
  await views.untilIds(["a"]);
  await registration.update({ address: "10.0.0.2:80", metadata: { new: "yes" } });
  await views.view(({ instances }) => instances[0]?.address === "10.0.0.2:80");
  await afterEverything(provider, views, "s5");
  const shown = views.shown.flatMap(({ view }) => view.instances.filter(({ id }) => id === "a"));
  const firstNew = shown.findIndex(({ address }) => address === "10.0.0.2:80");
  expect(shown.slice(firstNew).map(({ address }) => address)).not.toContain("10.0.0.1:80");
  expect(shown.at(-1)?.metadata).toEqual({ new: "yes" });
});

test("6: registering the same again causes no push and no new version", async () => {
  const [provider, subscriber] = clientsApart();
  const given = { service: "s6", id: "a", address: "10.0.0.1:80", metadata: { k: "v" } };
  const registration = await provider.register(given);
  const views = new RecordedViews(subscriber, "s6");
  await views.untilIds(["a"]);
  const before = registration.version;
  await registration.update({ metadata: { k: "v" } });
  await registration.update({ address: "10.0.0.1:80" });
  expect(registration.version).toEqual(before);
  await afterEverything(provider, views, "s6");
  expect(views.idsShown).toEqual([["a"], ["a", "marker"], ["a"]]);
});

test("7: when the last one unregisters the view is empty and confirmed; when one of two does the other stays", async () => {
  const [provider, subscriber] = clientsApart();
  const views = new RecordedViews(subscriber, "s7");
  const a = await provider.register({ service: "s7", id: "a", address: "10.0.0.1:80" });
  const b = await subscriber.register({ service: "s7", id: "b", address: "10.0.0.2:80" });
  await views.untilIds(["a", "b"]);
  await a.unregister();
  await views.untilIds(["b"]);
  await b.unregister();
  await views.untilIds([]);
  expect(views.last?.confirmed).toBe(true);
});

test("8: a client that is closed takes out all that it registered, and nothing else", async () => {
  const [provider, subscriber] = clientsApart();
  const services = ["s8-a", "s8-b", "s8-c"];
  const views = services.map((service) => new RecordedViews(subscriber, service));
  await subscriber.register({ service: "s8-a", id: "stays", address: "10.0.0.1:80" });
  for (const service of services) void provider.register({ service, id: "goes", address: "10.0.0.2:80" });
  await Promise.all(views.map((shown) => shown.view((view) => idsOf(view).includes("goes"))));
  await provider.close();
  await views[0]!.untilIds(["stays"]);
  await views[1]!.untilIds([]);
  await views[2]!.untilIds([]);
  expect(views[0]!.idsShown.at(-1)).toEqual(["stays"]);
});

test("9: an id that the client has registered already is refused, and a registration that ended refuses reuse", async () => {
  const [provider] = clientsApart();
  const registration = await provider.register({ service: "s9", id: "a", address: "10.0.0.1:80" });
  expect(() => provider.register({ service: "s9", id: "a", address: "10.0.0.2:80" })).toThrow(
    expect.objectContaining({ reason: "invalid_field" }),
  );
  await registration.unregister();
  await expect(registration.update({ weight: 1 })).rejects.toMatchObject({ reason: "closed" });
  // The id is free again.
  await provider.register({ service: "s9", id: "a", address: "10.0.0.3:80" });
});

test("10: services that differ only in group or namespace never see each other", async () => {
  const [provider, subscriber] = clientsApart();
  const keys = [
    { service: "s10" },
    { service: "s10", group: "blue" },
    { service: "s10", namespace: "blue" },
    { service: "s10", namespace: "blue", group: "blue" },
  ];
  const views = keys.map((key) => new RecordedViews(subscriber, key));
  for (const [index, key] of keys.entries())
    await provider.register({ ...key, id: `of-${index}`, address: "10.0.0.1:80" });
  for (const [index, shown] of views.entries()) await shown.untilIds([`of-${index}`]);
  for (const [index, key] of keys.entries()) await afterEverything(provider, views[index]!, key);
  for (const [index, { idsShown }] of views.entries())
    expect(new Set(idsShown.flat())).toEqual(new Set([`of-${index}`, "marker"]));
});

test("11: a preferred zone is shown while it can take work and then all are; an only zone is shown in any case", async () => {
  const [provider, subscriber] = clientsApart();
  const preferring = new RecordedViews(subscriber, "s11", { zone: "eu-1" });
  const only = new RecordedViews(subscriber, "s11", { zone: { only: "eu-1" } });
  await preferring.subscription.ready;
  await only.subscription.ready;
  await provider.register({ service: "s11", id: "far", address: "10.0.0.1:80", zone: "us-1" });
  await preferring.untilIds(["far"]);
  const near = await provider.register({ service: "s11", id: "near", address: "10.0.0.2:80", zone: "eu-1" });
  await preferring.untilIds(["near"]);
  await near.update({ enabled: false });
  await preferring.untilIds(["far", "near"]);
  await near.update({ enabled: true });
  await preferring.untilIds(["near"]);
  await near.unregister();
  await preferring.untilIds(["far"]);
  await only.untilIds([]);
  expect(only.idsShown).toEqual([[], ["near"], ["near"], ["near"], []]);
  expect(preferring.shown.every(({ view }) => view.confirmed)).toBe(true);
});

test("12: who has unsubscribed is not called any more", async () => {
  const [provider, subscriber] = clientsApart();
  const views = new RecordedViews(subscriber, "s12");
  const stays = new RecordedViews(subscriber, "s12");
  await provider.register({ service: "s12", id: "a", address: "10.0.0.1:80" });
  await views.untilIds(["a"]);
  views.subscription.close();
  const shown = views.shown.length;
  await afterEverything(provider, stays, "s12");
  expect(views.shown).toHaveLength(shown);
});

test("13: each of several subscriptions of a client to one service gets its callback", async () => {
  const [provider, subscriber] = clientsApart();
  const subscriptions = Array.from({ length: 5 }, () => new RecordedViews(subscriber, "s13"));
  await provider.register({ service: "s13", id: "a", address: "10.0.0.1:80" });
  for (const views of subscriptions) await views.untilIds(["a"]);
  await provider.register({ service: "s13", id: "b", address: "10.0.0.1:80" });
  for (const views of subscriptions) await views.untilIds(["a", "b"]);
  for (const { ids } of subscriptions) expect(ids).toEqual(["a", "b"]);
});

test("14: the versions that a client is shown only grow, also when the leader of the slot changes", async () => {
  const { cluster } = fixture;
  const [provider, subscriber] = clientsApart();
  const views = new RecordedViews(subscriber, "s14");
  const a = await provider.register({ service: "s14", id: "a", address: "10.0.0.1:80" });
  const b = await subscriber.register({ service: "s14", id: "b", address: "10.0.0.1:80" });
  const leader = await cluster.leaderOf("s14");
  for (let round = 1; round <= 40; round++) {
    if (round === 20) await cluster.stop(leader);
    await Promise.all([a.update({ weight: round }), b.update({ weight: round })]);
  }
  await views.view(({ instances }) => instances.length === 2 && instances.every(({ weight }) => weight === 40));
  expect((await cluster.leaderOf("s14")).nodeId).not.toBe(leader.nodeId);
  const versions = views.shown.map(({ view }) => view.version);
  for (const [index, version] of versions.entries())
    expect(index === 0 || compareVersions(version, versions[index - 1]!) > 0).toBe(true);
  expect(versions.at(-1)!.epoch).toBeGreaterThan(versions[0]!.epoch);
  expect(views.idsShown.slice(2).every((ids) => ids.length === 2)).toBe(true);
});

test("15: a storm of changes ends with the last value at every subscriber, in far fewer pushes", async () => {
  const clients = Array.from({ length: 10 }, () => fixture.client());
  const subscribers = Array.from({ length: 4 }, () => new RecordedViews(fixture.client(), "s15"));
  const registrations = await Promise.all(
    clients.map((client, index) => client.register({ service: "s15", id: `storm-${index}`, address: "10.0.0.1:80" })),
  );
  const before = subscribers.map(({ shown }) => shown.length);
  const rounds = 200;
  await Promise.all(
    registrations.map(async (registration) => {
      for (let round = 1; round <= rounds; round++) await registration.update({ weight: round });
    }),
  );
  for (const views of subscribers)
    await views.view(({ instances }) => instances.length === 10 && instances.every(({ weight }) => weight === rounds), {
      what: "the end of the storm",
    });
  const pushes = subscribers.map(({ shown }, index) => shown.length - before[index]!);
  // oxlint-disable-next-line no-console -- a figure for whoever reads the run
  console.log(`${rounds * registrations.length} changes came as ${pushes.join(", ")} pushes`);
  for (const count of pushes) expect(count).toBeLessThan((rounds * registrations.length) / 2);
});
