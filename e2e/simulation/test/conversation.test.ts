import { createClientWith } from "@rollcall/sdk/heart";
import { renderTranscript } from "@rollcall/testing";
import { expect, test } from "vitest";

import { describeMessage } from "../src/describe-message.ts";
import { SimCluster } from "../src/sim-cluster.ts";

// The page to read first: who says what to whom until a registration on one session is a callback on another.
test("a registration travels from a client of one session to a subscriber of the other", async () => {
  const cluster = new SimCluster({ seed: 1, shape: { data: 2, sessions: 2 }, traceMax: 1_000 });
  await cluster.start();
  const [first, second] = cluster.sessions.map(({ address }) => address);

  const subscriber = createClientWith(cluster.portsOf("subscriber"), { servers: [second!], clientId: "subscriber" });
  const seen: string[] = [];
  subscriber.subscribe("orders").onChange(({ instances }) => void seen.push(instances.map(({ id }) => id).join(",")));
  await cluster.clock.runFor(10);
  const provider = createClientWith(cluster.portsOf("provider"), { servers: [first!], clientId: "provider" });
  const registration = provider.register({ service: "orders", id: "a", address: "10.0.0.1:8080" });
  await cluster.clock.runFor(10);
  void registration.unregister();
  await cluster.clock.runFor(10);

  expect(seen).toEqual(["", "a", ""]);
  await expect(`${renderTranscript(cluster.network.trace(), describeMessage)}\n`).toMatchFileSnapshot(
    "transcripts/registration.txt",
  );
});

test("a slot whose leader is gone is taken over, and nobody is told what they know already", async () => {
  const cluster = new SimCluster({ seed: 2, shape: { data: 2, sessions: 1 }, traceMax: 10_000 });
  await cluster.start();
  const servers = cluster.sessions.map(({ address }) => address);
  const client = createClientWith(cluster.portsOf("client"), { servers, clientId: "client" });
  const views: number[] = [];
  client.subscribe("orders").onChange(({ instances }) => void views.push(instances.length));
  void client.register({ service: "orders", id: "a", address: "10.0.0.1:8080" });
  await cluster.clock.runFor(100);
  const shown = views.length;

  cluster.crash(cluster.leaderOf("orders"));
  await cluster.clock.runFor(6_000);
  // The lease of the node ended, the other one took over, and the equal list was no news.
  expect(views.length).toBe(shown);

  void client.register({ service: "orders", id: "b", address: "10.0.0.2:8080" });
  await cluster.clock.runFor(100);
  expect(views.at(-1)).toBe(2);
});

test("a session that was cut off for longer than its lease comes back with all that it holds", async () => {
  const cluster = new SimCluster({ seed: 3, shape: { data: 2, sessions: 2 } });
  await cluster.start();
  const [first, second] = cluster.sessions.map(({ address }) => address);
  const servers = [cluster.meta, ...cluster.data].map(({ address }) => address);
  const provider = createClientWith(cluster.portsOf("provider"), { servers: [first!], clientId: "provider" });
  const subscriber = createClientWith(cluster.portsOf("subscriber"), { servers: [second!], clientId: "subscriber" });
  const seen: number[] = [];
  subscriber.subscribe("orders").onChange(({ instances }) => void seen.push(instances.length));
  void provider.register({ service: "orders", id: "a", address: "10.0.0.1:8080" });
  await cluster.clock.runFor(1_000);
  expect(seen.at(-1)).toBe(1);

  cluster.network.partition(first!, servers);
  await cluster.clock.runFor(15_000);
  expect(seen.at(-1), "within the lease it stays").toBe(1);
  await cluster.clock.runFor(15_000);
  expect(seen.at(-1), "the others have to take it for gone").toBe(0);

  cluster.network.heal();
  await cluster.clock.runFor(10_000);
  expect(seen.at(-1)).toBe(1);
});
