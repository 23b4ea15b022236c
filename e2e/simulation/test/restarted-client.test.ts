import { createClientWith, type Client } from "@rollcall/sdk/heart";
import { expect, test } from "vitest";

import { SimCluster } from "../src/cluster/sim-cluster.ts";

test("a program that is started again under its name can register what its former life has unregistered", async () => {
  const cluster = new SimCluster({ seed: 7, shape: { data: 2, sessions: 2 } });
  await cluster.start();
  const servers = cluster.sessions.map(({ address }) => address);
  const start = (life: string): Client =>
    createClientWith(
      { ...cluster.portsOf("provider"), random: cluster.random.fork(life) },
      { servers, name: "orders-1" },
    );
  const views: string[] = [];
  const watcher = createClientWith(cluster.portsOf("watcher"), { servers });
  watcher.subscribe("orders").onChange(({ instances }) => void views.push(instances.map(({ id }) => id).join()));

  const before = start("first life");
  const registration = before.register({ service: "orders", id: "a", address: "10.0.0.1:80" });
  for (const weight of [1, 2, 3]) void registration.update({ weight });
  await cluster.clock.runUntilIdleOr(() => views.at(-1) === "a", 20_000);
  void registration.unregister();
  await cluster.clock.runUntilIdleOr(() => views.at(-1) === "", 20_000);
  void before.close();

  const after = start("second life");
  let applied = false;
  void after.register({ service: "orders", id: "a", address: "10.0.0.1:80" }).then(() => (applied = true));
  await cluster.clock.runUntilIdleOr(() => applied, 20_000);
  expect(views.at(-1)).toBe("a");
  expect(after.id).toMatch(/^orders-1~[0-9a-f]{32}$/);
  expect(after.id).not.toBe(before.id);
});
