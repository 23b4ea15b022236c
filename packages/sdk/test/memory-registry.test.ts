/** The registry in memory, in the words of those who test with it. What any client promises is in e2e/contract. */

import { execFileSync } from "node:child_process";

import { expect, onTestFinished, test, vi } from "vitest";

import type { Client, ServiceView, Subscription } from "../src/index.ts";
import { RegistryError, createMemoryRegistry, type MemoryRegistry } from "../src/testing/index.ts";
import { eventsOf, ids } from "./fake-session.ts";

function registry(): MemoryRegistry {
  const registry = createMemoryRegistry();
  onTestFinished(() => registry.close());
  return registry;
}

function viewsOf(client: Client, service: string): { subscription: Subscription; views: ServiceView[] } {
  const views: ServiceView[] = [];
  const subscription = client.subscribe(service);
  subscription.onChange((view) => void views.push(view));
  return { subscription, views };
}

test("after a flush every subscriber has been shown what was asked for", async () => {
  const memory = registry();
  const { views } = viewsOf(memory.client(), "orders");
  void memory.client().register({ service: "orders", id: "a", address: "10.0.0.1:80" });
  await memory.flush();
  expect(views.map(ids)).toContainEqual(["a"]);
  expect(memory.instances("orders")).toMatchObject([{ id: "a", address: "10.0.0.1:80" }]);
});

test("a flush waits for what follows from what it waits for", async () => {
  const memory = registry();
  const [first, second] = [memory.client(), memory.client()];
  first.subscribe("orders").onChange(({ instances }) => {
    if (instances.length === 1) void second.register({ service: "orders", id: "b", address: "10.0.0.2:80" });
  });
  await second.register({ service: "orders", id: "a", address: "10.0.0.1:80" });
  await memory.flush();
  expect(memory.instances("orders").map(({ id }) => id)).toEqual(["a", "b"]);
});

test("it needs no time to pass, so fake timers do not stop it", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const memory = registry();
  const client = memory.client();
  await client.register({ service: "orders", id: "a", address: "10.0.0.1:80" });
  expect(ids(await client.resolve("orders"))).toEqual(["a"]);
  memory.disconnect()();
  await memory.flush();
  expect(client.state).toBe("connected");
});

test("a client that is disconnected keeps its views and its registrations, and catches up", async () => {
  const memory = registry();
  const [lost, other] = [memory.client(), memory.client()];
  const disconnected = eventsOf(lost, "disconnected");
  await lost.register({ service: "orders", id: "a", address: "10.0.0.1:80" });
  const { views } = viewsOf(lost, "orders");
  await memory.flush();
  const reconnect = memory.disconnect(lost);
  await other.register({ service: "orders", id: "b", address: "10.0.0.2:80" });
  const pending = lost.register({ service: "orders", id: "c", address: "10.0.0.3:80" });
  await memory.flush();
  expect(disconnected).toHaveLength(1);
  expect(views.map(ids)).toEqual([["a"]]);
  expect(memory.instances("orders").map(({ id }) => id)).toEqual(["a", "b"]);
  reconnect();
  await pending;
  await memory.flush();
  expect(views.map(ids).at(-1)).toEqual(["a", "b", "c"]);
});

test("pushes that are held back coalesce, and come when they are let go", async () => {
  const memory = registry();
  const client = memory.client();
  const { views } = viewsOf(client, "orders");
  await memory.flush();
  const release = memory.holdPushes();
  for (const id of ["a", "b"]) await client.register({ service: "orders", id, address: "10.0.0.1:80" });
  await memory.flush();
  expect(views.map(ids)).toEqual([[]]);
  release();
  await memory.flush();
  expect(views.map(ids)).toEqual([[], ["a", "b"]]);
});

test("registrations and subscriptions are refused for as long as that is asked for", async () => {
  const memory = registry();
  const client = memory.client();
  const stop = memory.refuse((request) =>
    request.kind === "subscribe" || request.instance.weight > 5
      ? new RegistryError("limit_exceeded", `no ${request.kind} of ${request.service.service}`)
      : undefined,
  );
  const big = { service: "orders", address: "10.0.0.1:80", weight: 6 };
  await expect(client.register(big)).rejects.toMatchObject({
    reason: "limit_exceeded",
    message: "no register of orders",
  });
  await expect(client.resolve("orders")).rejects.toMatchObject({ message: "no subscribe of orders" });
  await client.register({ ...big, weight: 5 });
  stop();
  await client.register(big);
  expect((await client.resolve("orders")).instances).toHaveLength(2);
});

test("while it vouches for nothing, first lists are not confirmed and empty ones are held back", async () => {
  const memory = registry();
  const client = memory.client();
  const heldBack = eventsOf(client, "heldBack");
  await client.register({ service: "orders", id: "a", address: "10.0.0.1:80" });
  const makeSure = memory.doubt();
  const { subscription, views } = viewsOf(client, "orders");
  const empty = client.subscribe("payments");
  await memory.flush();
  expect(views).toMatchObject([{ confirmed: false, instances: [{ id: "a" }] }]);
  expect(heldBack).toMatchObject([{ service: { service: "payments" } }]);
  expect(empty.current()).toBeUndefined();
  makeSure();
  await memory.flush();
  expect(views).toHaveLength(1);
  expect(subscription.current()?.confirmed).toBe(true);
  expect(empty.current()).toMatchObject({ confirmed: true, instances: [] });
});

test("of two clients with one instance id the newer is shown, and the other one when that goes", async () => {
  const memory = registry();
  const [first, second] = [memory.client(), memory.client()];
  await first.register({ service: "orders", id: "a", address: "10.0.0.1:80" });
  const newer = await second.register({ service: "orders", id: "a", address: "10.0.0.2:80" });
  await newer.update({ weight: 7 });
  expect(memory.instances("orders")).toMatchObject([{ address: "10.0.0.2:80" }]);
  await second.close();
  expect(memory.instances("orders")).toMatchObject([{ address: "10.0.0.1:80" }]);
});

test("a client that is closed while disconnected is gone, too", async () => {
  const memory = registry();
  const client = memory.client({ closeTimeoutMs: 0 });
  await client.register({ service: "orders", address: "10.0.0.1:80" });
  memory.disconnect(client);
  await client.close();
  expect(memory.instances("orders")).toEqual([]);
});

const PROGRAM = `
import { createMemoryRegistry } from "@rollcall/sdk/testing";

const memory = createMemoryRegistry();
const [provider, consumer] = [memory.client(), memory.client()];
await provider.register({ service: "orders", address: "10.0.0.1:80" });
consumer.subscribe("orders").onChange(() => {});
await memory.flush();
memory.disconnect(consumer);
consumer.resolve("payments").catch(({ reason }) => console.log(reason));
await memory.close();
console.log(process.getActiveResourcesInfo().filter((kind) => kind === "Timeout"));
`;

test("a registry that is closed leaves no timer and no handle behind", () => {
  // That it ends at all shows that there are no handles either.
  const args = ["--conditions=@rollcall/source", "--input-type=module", "--eval", PROGRAM];
  const cwd = new URL("..", import.meta.url);
  expect(execFileSync(process.execPath, args, { cwd, encoding: "utf8" }).split("\n")).toEqual(["closed", "[]", ""]);
});

test("registries do not know of each other, and ids are the same in every run", async () => {
  const [one, other] = [registry(), registry()];
  const registration = await one.client().register({ service: "orders", address: "10.0.0.1:80" });
  expect(registration.id).toBe("memory-2");
  expect(other.instances("orders")).toEqual([]);
});
