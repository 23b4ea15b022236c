// Unit tests: a registry in memory, nothing to start and nothing to wait for.

import { createMemoryRegistry } from "@rollcall/sdk/testing";
import { expect, onTestFinished, test } from "vitest";

import { Rotation } from "../src/rotation.ts";

function start() {
  const registry = createMemoryRegistry();
  onTestFinished(() => registry.close());
  const client = registry.client();
  return { registry, client, provider: registry.client(), rotation: new Rotation(client, "orders") };
}

test("takes the instances in turn", async () => {
  const { registry, provider, rotation } = start();
  expect(rotation.next()).toBeUndefined();
  void provider.register({ service: "orders", id: "a", address: "10.0.0.1:80" });
  void provider.register({ service: "orders", id: "b", address: "10.0.0.2:80" });
  await registry.flush();
  expect([rotation.next(), rotation.next(), rotation.next()]).toEqual(["10.0.0.1:80", "10.0.0.2:80", "10.0.0.1:80"]);
});

test("leaves out what takes no calls", async () => {
  const { registry, provider, rotation } = start();
  const registration = await provider.register({ service: "orders", id: "a", address: "10.0.0.1:80" });
  await registration.update({ weight: 0 });
  await registry.flush();
  expect(rotation.next()).toBeUndefined();
});

test("goes on with what it knows while the registry cannot be reached", async () => {
  const { registry, client, provider, rotation } = start();
  const registration = await provider.register({ service: "orders", id: "a", address: "10.0.0.1:80" });
  await registry.flush();
  const reconnect = registry.disconnect(client);
  await registration.update({ address: "10.0.0.9:80" });
  await registry.flush();
  expect(rotation.next()).toBe("10.0.0.1:80");
  reconnect();
  await registry.flush();
  expect(rotation.next()).toBe("10.0.0.9:80");
});

test("is told nothing any more when it is closed", async () => {
  const { registry, provider, rotation } = start();
  await registry.flush();
  rotation.close();
  await provider.register({ service: "orders", id: "a", address: "10.0.0.1:80" });
  await registry.flush();
  expect(rotation.next()).toBeUndefined();
});
