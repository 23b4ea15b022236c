// Instances that the registry probes, put by an operator or registered, in a cluster of real processes.

import { createClient as createRpcClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { instanceFromInput, serviceKey, staticInstanceId, type Control, type InstanceInput } from "@rollcall/core";
import { ControlService, wireFromControlRecord } from "@rollcall/protocol";
import type { Client, FilterInput } from "@rollcall/sdk";
import { afterEach, expect, test } from "vitest";

import type { Program } from "../src/processes.ts";
import type { RealNode } from "../src/real-cluster.ts";
import { until } from "../src/until.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 2, sessions: 2 });

const TIMEOUT_MS = 60_000;

/** As quick as may be: three of the last five, each second. */
const QUICK = { intervalMs: 1_000, timeoutMs: 500 };

const AS = { author: "test", reason: "" };

function controls() {
  const transport = createConnectTransport({ baseUrl: `http://${fixture.cluster.meta.address}`, httpVersion: "1.1" });
  return createRpcClient(ControlService, transport);
}

async function put(service: string, input: InstanceInput & { readonly id: string }): Promise<void> {
  const instance = instanceFromInput(input, () => "");
  const control: Control = { kind: "static instance", key: serviceKey({ service }), instance };
  const asked = { ...AS, id: "", version: 0, decidedAt: "", expiresInMs: undefined, control };
  await controls().setControl({ record: wireFromControlRecord(asked) });
}

function remove(service: string, id: string): Promise<unknown> {
  return controls().removeControl({ ...AS, id: staticInstanceId({ key: serviceKey({ service }), instance: { id } }) });
}

afterEach(async () => {
  const { records } = await controls().listControls({ prefix: "static/" });
  for (const { id } of records) await controls().removeControl({ ...AS, id });
});

/** Starts a server, at the address it had before if it is started again. */
async function startServer(kind: "http" | "grpc", address?: string): Promise<{ program: Program; address: string }> {
  const port = address?.split(":")[1] ?? "0";
  const script = "e2e/cluster/src/programs/probed-server.ts";
  const program = fixture.cluster.group.start({ name: `probed-${kind}`, script, args: [kind, port] });
  return { program, address: await program.ready() };
}

/** Resolves when everything that the node has is also on its disk. */
async function onDisk({ nodeId, address }: RealNode): Promise<void> {
  await until(async () => /^rollcall_data_disk_lag_seconds 0$/m.test(await metricsOf(address)), {
    what: `all that ${nodeId} has is on disk`,
  });
}

async function metricsOf(address: string): Promise<string> {
  return (await fetch(`http://${address}/metrics`)).text();
}

/** What a subscriber has been shown, one text for each list: ids, with a minus behind those that are unhealthy. */
async function watch(client: Client, service: string, filter: FilterInput = {}): Promise<string[]> {
  const seen: string[] = [];
  const subscription = client.subscribe(service, filter);
  subscription.onChange(({ instances }) => {
    const ids = instances.map(({ id, health }) => `${id}${health === "healthy" ? "" : "-"}`);
    seen.push(ids.toSorted().join(" "));
  });
  await subscription.ready;
  return seen;
}

async function expectSeen(seen: readonly string[], wanted: string): Promise<void> {
  await until(() => seen.at(-1) === wanted, {
    what: `"${wanted}" is seen`,
    withinMs: 20_000,
    because: () => `seen so far: ${JSON.stringify(seen)}`,
  });
}

const EVERYTHING: FilterInput = { includeUnhealthy: true };

test(
  "what an operator puts is listed while its server answers, over the loss of the leader and a restart of everything",
  { timeout: TIMEOUT_MS },
  async () => {
    const { cluster } = fixture;
    const client = fixture.client();
    const { program, address } = await startServer("http");
    await put("mail", { id: "m", address, probe: { kind: "http", ...QUICK } });
    await put("mail", { id: "unprobed", address: "127.0.0.1:9" });
    const seen = await watch(client, "mail");
    const all = await watch(client, "mail", EVERYTHING);
    await expectSeen(seen, "m unprobed");

    await program.kill();
    await expectSeen(seen, "unprobed");
    await expectSeen(all, "m- unprobed");

    // Whoever leads next has not probed, and shows what was known.
    const told = [seen.length, all.length];
    const leader = await cluster.leaderOf("mail");
    await cluster.kill(leader);
    await until(async () => (await cluster.leaderOf("mail")).nodeId !== leader.nodeId, { what: "another one leads" });
    await cluster.ready();
    await fixture.client().resolve("mail");
    const again = await startServer("http", address);
    await expectSeen(seen, "m unprobed");
    await expectSeen(all, "m unprobed");
    expect([seen.length, all.length], "lists that were pushed meanwhile").toEqual(told.map((count) => count + 1));

    // Back before the next mark: whoever leads first after a loss of everything shows what it has on disk.
    await cluster.restart(leader);
    await cluster.settled();
    await again.program.kill();
    await expectSeen(all, "m- unprobed");
    const { sessions, data, metas } = cluster;
    await Promise.all(data.map(onDisk));
    await Promise.all([...sessions, ...data, ...metas].map((node) => cluster.kill(node)));
    await Promise.all(metas.map((node) => cluster.restart(node)));
    await Promise.all([...data, ...sessions].map((node) => cluster.restart(node)));
    await cluster.ready();
    const fresh = fixture.client();
    expect((await fresh.resolve("mail", EVERYTHING)).instances.map(({ id, health }) => `${id} ${health}`)).toEqual([
      "m unhealthy",
      "unprobed healthy",
    ]);
    expect((await fresh.resolve("mail")).instances.map(({ id }) => id)).toEqual(["unprobed"]);
    await startServer("http", address);
    await expectSeen(seen, "m unprobed");
    expect(seen, "nobody was shown that nobody is there").not.toContain("");
    await remove("mail", "m");
    await expectSeen(seen, "unprobed");
  },
);

test("a registered instance is probed when it asks for that", { timeout: TIMEOUT_MS }, async () => {
  const { program, address } = await startServer("grpc");
  const provider = fixture.client();
  await provider.register({ service: "rates", id: "r", address, protocol: "grpc", probe: { kind: "grpc", ...QUICK } });
  await provider.register({ service: "rates", id: "other", address: "127.0.0.1:9" });
  const consumer = fixture.client();
  const seen = await watch(consumer, "rates");
  const all = await watch(consumer, "rates", EVERYTHING);
  await expectSeen(seen, "other r");
  await program.kill();
  await expectSeen(seen, "other");
  await expectSeen(all, "other r-");
  expect(all, "nobody was shown a list without it").not.toContain("other");
});

test("a registration is shown in place of what was put under its id, for as long as it lives", async () => {
  await put("shop", { id: "s", address: "127.0.0.1:1", zone: "put" });
  const consumer = fixture.client();
  const zones = async (): Promise<string> => (await consumer.resolve("shop")).instances.map(({ zone }) => zone).join();
  await until(async () => (await zones()) === "put", { what: "it is listed as it was put" });
  const provider = fixture.client();
  await provider.register({ service: "shop", id: "s", address: "127.0.0.1:1", zone: "registered" });
  await until(async () => (await zones()) === "registered", { what: "it is listed as it was registered" });
  await provider.close();
  await until(async () => (await zones()) === "put", { what: "it is listed as it was put again" });
  expect(await zones()).toBe("put");
});

test(
  "an address that may not be probed is refused, and shows as nothing but that",
  { timeout: TIMEOUT_MS },
  async () => {
    const { cluster } = fixture;
    await put("meta", { id: "cloud", address: "169.254.169.254:80", probe: { kind: "http", ...QUICK } });
    const seen = await watch(fixture.client(), "meta");
    await expectSeen(seen, "cloud");
    const leader = await cluster.leaderOf("meta");
    const line = await leader.program.line(({ message }) => message === "an instance is not probed", "it is refused");
    expect(line).toMatchObject({ instance: "cloud", why: /169\.254\.0\.0\/16, which is never probed/ });
    await until(async () => /rollcall_data_probes_refused_total [1-9]/.test(await metricsOf(leader.address)), {
      what: "it is counted",
    });
    expect(seen).toEqual(["cloud"]);
  },
);
