// The cluster for users' end-to-end tests, in the words of those who test with it. What clients promise is in e2e/contract.

import type { Client, ServiceView } from "@rollcall/sdk";
import { expect, onTestFinished, test } from "vitest";

import { startCluster, type Cluster, type ClusterOptions } from "../src/testing/index.ts";

async function start(options: ClusterOptions): Promise<Cluster> {
  const cluster = await startCluster(options);
  onTestFinished(() => cluster.close());
  return cluster;
}

function viewsOf(client: Client, service: string): ServiceView[] {
  const views: ServiceView[] = [];
  client.subscribe(service).onChange((view) => void views.push(view));
  return views;
}

const idsOf = (view: ServiceView | undefined): string[] | undefined => view?.instances.map(({ id }) => id);

test("after a flush every subscriber has been shown what was asked for", async () => {
  const cluster = await start({ sessions: 2, data: 3 });
  expect(cluster.nodes.map(({ nodeId }) => nodeId)).toEqual([
    "session-1",
    "session-2",
    "data-1",
    "data-2",
    "data-3",
    "meta-1",
  ]);
  const [provider, consumer] = cluster.addresses.map((address) => cluster.client({ servers: [address] }));
  const services = Array.from({ length: 50 }, (_, index) => `service-${index}`);
  const views = services.map((service) => viewsOf(consumer!, service));
  const registrations = services.map((service) => provider!.register({ service, id: "a", address: "10.0.0.1:80" }));
  await cluster.flush();
  expect(views.map((shown) => idsOf(shown.at(-1)))).toEqual(services.map(() => ["a"]));
  for (const registration of registrations) void registration.unregister();
  await cluster.flush();
  expect(views.map((shown) => idsOf(shown.at(-1)))).toEqual(services.map(() => []));
});

test("a flush waits for a client that is closing", async () => {
  const cluster = await start({});
  const [provider, consumer] = [cluster.client(), cluster.client()];
  const views = viewsOf(consumer, "orders");
  await provider.register({ service: "orders", id: "a", address: "10.0.0.1:80" });
  await cluster.flush();
  void provider.close();
  await cluster.flush();
  expect(views.map(idsOf).slice(-2)).toEqual([["a"], []]);
});

test("nodes are stopped one by one, and nobody is shown less", async () => {
  const cluster = await start({ sessions: 2, data: 2 });
  const [first, second] = cluster.addresses as [string, string];
  const client = cluster.client({ servers: [first, second] });
  const views = viewsOf(client, "orders");
  await client.register({ service: "orders", id: "a", address: "10.0.0.1:80" });
  await cluster.flush();
  await cluster.stop("session-1");
  await cluster.stop("data-1");
  await client.register({ service: "orders", id: "b", address: "10.0.0.2:80" });
  await cluster.flush();
  expect(cluster.addresses).toEqual([second]);
  expect(views.map(idsOf).at(-1)).toEqual(["a", "b"]);
  expect(views.map(({ instances }) => instances.length)).toEqual(
    [...views.keys()].map((index) => (views.length > 2 ? index : index + 1)),
  );
  await expect(cluster.stop("data-1")).rejects.toMatchObject({ reason: "invalid_field" });
});

test("what makes no sense is refused, and nothing is started", async () => {
  await expect(startCluster({ data: 0 })).rejects.toMatchObject({
    reason: "invalid_field",
    subject: { field: "data" },
  });
  await expect(startCluster({ sessions: 11 })).rejects.toMatchObject({ subject: { field: "sessions", value: "11" } });
});

test("when it is closed its clients are closed and its ports are free", async () => {
  const cluster = await startCluster({ sessions: 2 });
  const client = cluster.client();
  const { addresses } = cluster;
  await cluster[Symbol.asyncDispose]();
  expect(client.state).toBe("closed");
  for (const address of addresses) await expect(fetch(`http://${address}/healthz`)).rejects.toThrow("fetch failed");
});
