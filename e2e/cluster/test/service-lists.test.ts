// Lists of services that are pushed, and what is built of them, through real processes.

import type { Client, ServiceList, ServiceViews, SubscriptionTo } from "@rollcall/sdk";
import { expect, test } from "vitest";

import { until } from "../src/until.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 3, sessions: 2 });

/** A client of one session and a client of the other, so that everything goes through a data node. */
function clientsApart(): [Client, Client] {
  const [first, second] = fixture.cluster.sessions.map(({ address }) => address) as [string, string];
  return [fixture.client({ servers: [first] }), fixture.client({ servers: [second] })];
}

const address = "10.0.0.1:80";

/** Everything that was shown, in words. */
function recorded<View>(subscription: SubscriptionTo<View>, inWords: (view: View) => string): string[] {
  const shown: string[] = [];
  subscription.onChange((view) => void shown.push(inWords(view)));
  return shown;
}

const namesIn = ({ services }: ServiceList): string => services.map(({ service }) => service).join(" ");

const sizesIn = (views: ServiceViews): string =>
  [...views]
    .map(([name, { instances }]) => `${name}:${instances.length}`)
    .toSorted()
    .join(" ");

const comes = (shown: readonly string[], wanted: string): Promise<unknown> =>
  until(() => shown.at(-1) === wanted, { what: wanted, because: () => `shown were ${JSON.stringify(shown)}` });

test("a list is seen through a group and a prefix, and what it does not show is no news", async () => {
  const [provider, subscriber] = clientsApart();
  const namespace = "patterns";
  const ofGroup = recorded(subscriber.subscribeServices({ namespace, group: "blue" }), namesIn);
  const ofPrefix = recorded(subscriber.subscribeServices({ namespace, prefix: "orders." }), namesIn);
  await Promise.all([comes(ofGroup, ""), comes(ofPrefix, "")]);
  await provider.register({ namespace, service: "orders.in", address });
  await comes(ofPrefix, "orders.in");
  await provider.register({ namespace, service: "orders.out", group: "blue", address });
  await Promise.all([comes(ofGroup, "orders.out"), comes(ofPrefix, "orders.out orders.in")]);
  expect({ ofGroup, ofPrefix }).toEqual({
    ofGroup: ["", "orders.out"],
    ofPrefix: ["", "orders.in", "orders.out orders.in"],
  });
});

test("several services are one subscription, of services that nobody has registered, too", async () => {
  const [provider, subscriber] = clientsApart();
  const subscription = subscriber.subscribeAll(["all-a", "all-b", { service: "all-c", namespace: "shop" }]);
  expect(sizesIn(await subscription.ready)).toBe("all-a:0 all-b:0 shop/default/all-c:0");
  expect([...subscription.current()!.values()].every(({ confirmed }) => confirmed)).toBe(true);
  const shown = recorded(subscription, sizesIn);
  await provider.register({ service: "all-b", address });
  await comes(shown, "all-a:0 all-b:1 shop/default/all-c:0");
  await provider.register({ service: "all-c", namespace: "shop", address });
  await comes(shown, "all-a:0 all-b:1 shop/default/all-c:1");
  subscription.close();
});

test("services join a subscription by prefix, and leave it, by themselves", async () => {
  const [provider, subscriber] = clientsApart();
  const shown = recorded(subscriber.subscribePrefix("join.", { protocol: "http" }), sizesIn);
  await comes(shown, "");
  await provider.register({ service: "join.a", address, protocol: "http" });
  await comes(shown, "join.a:1");
  const b = await provider.register({ service: "join.b", address, protocol: "grpc" });
  await comes(shown, "join.a:1 join.b:0");
  await b.unregister();
  await comes(shown, "join.a:1");
  await provider.register({ service: "other", address, protocol: "http" });
  await provider.register({ service: "join.c", address, protocol: "http" });
  await comes(shown, "join.a:1 join.c:1");
  expect(shown).not.toContain(expect.stringContaining("other"));
});

test("a data node that is killed takes no service out of any list", { timeout: 60_000 }, async () => {
  const { cluster } = fixture;
  const [provider, subscriber] = clientsApart();
  const namespace = "killed";
  const services = Array.from({ length: 40 }, (_, index) => `s${index + 10}`);
  for (const service of services) void provider.register({ namespace, service, address });
  const subscription = subscriber.subscribeServices({ namespace });
  const shown = recorded(subscription, namesIn);
  const all = services.join(" ");
  await comes(shown, all);
  const before = shown.length;

  await cluster.kill(cluster.data[0]!);
  // Something of every slot comes through again, whoever leads it now.
  const later = services.map((service) => `t-${service}`);
  for (const service of later) void provider.register({ namespace, service, address });
  await until(() => shown.at(-1) === [...services, ...later].join(" "), { what: "all services", withinMs: 30_000 });
  for (const list of shown.slice(before)) expect(list.startsWith(all), list).toBe(true);
});
