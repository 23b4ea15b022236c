// What operators decide about instances, from the command to the consumer, in a cluster in this process.

import type { Instance } from "@rollcall/core";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";

import { startCluster, type Cluster } from "../src/testing/index.ts";
import { runRollcall, type Ended } from "./terminal.ts";

const started: { cluster?: Cluster } = {};

beforeAll(async () => {
  started.cluster = await startCluster({ sessions: 2, data: 2 });
});
afterAll(() => started.cluster?.close());

function admin(...args: readonly string[]): Promise<Ended> {
  const meta = started.cluster!.nodes.find(({ role }) => role === "meta")!.address;
  return runRollcall(["admin", ...args, "--meta", meta], { USER: "ann" }).ended;
}

afterEach(async () => {
  const { records } = JSON.parse((await admin("list", "--json")).stdout) as { records: { id: string }[] };
  for (const { id } of records) {
    const [kind, ...rest] = id.split("/");
    const target = kind === "address" ? ["--at", ...rest] : rest.slice(2);
    await admin("instance", "reset", ...target);
  }
});

/** What a consumer is shown: `id`, with a minus when it is disabled, and its weight when that is not 100. */
function consumer(service: string) {
  let instances: readonly Instance[] = [];
  started
    .cluster!.client()
    .subscribe(service)
    .onChange((view) => (instances = view.instances));
  const shown = () =>
    instances
      .map(({ id, enabled, weight }) => `${id}${enabled ? "" : "-"}${weight === 100 ? "" : `*${weight}`}`)
      .toSorted();
  /** What it is shown in the end. */
  return async (...expected: string[]) => {
    await vi.waitFor(() => expect(shown()).toEqual(expected), { timeout: 5_000 });
  };
}

test("an instance is disabled, weighed and drained over its provider's restarts, until that is reset", async () => {
  const cluster = started.cluster!;
  const expectShown = consumer("orders");
  const provider = cluster.client();
  await provider.register({ service: "orders", id: "a", address: "10.0.0.1:80" });
  await provider.register({ service: "orders", id: "b", address: "10.0.0.2:80" });
  await expectShown("a", "b");
  const disabled = await admin("instance", "disable", "orders", "a", "--reason", "slow", "--wait", "--json");
  expect(disabled).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(disabled.stdout)).toMatchObject({
    id: "instance/default/default/orders/a",
    author: "ann",
    reason: "slow",
    instanceOverride: { instance: { key: { service: "orders" }, instanceId: "a" }, disabled: {} },
  });
  await expectShown("a-", "b");
  await provider.close();
  await expectShown();
  const next = cluster.client();
  await next.register({ service: "orders", id: "a", address: "10.0.0.3:80", weight: 7 });
  await expectShown("a-*7");
  await admin("instance", "weight", "9", "orders", "a");
  await expectShown("a*9");
  await admin("instance", "drain", "orders", "a");
  await expectShown();
  expect((await admin("instance", "reset", "orders", "a")).stdout).toMatch(/decided no longer/);
  await expectShown("a*7");
});

test("all instances at a host are taken out, and only there", async () => {
  const expectShown = consumer("carts");
  const provider = started.cluster!.client();
  await provider.register({ service: "carts", id: "a", address: "10.1.0.1:80" });
  await provider.register({ service: "carts", id: "b", address: "10.1.0.1:81" });
  await provider.register({ service: "carts", id: "c", address: "10.1.0.2:80" });
  await expectShown("a", "b", "c");
  await admin("instance", "drain", "--at", "10.1.0.1");
  await expectShown("c");
  await admin("instance", "disable", "--at", "10.1.0.2:80");
  await expectShown("c-");
  await admin("instance", "reset", "--at", "10.1.0.1");
  await expectShown("a", "b", "c-");
});

test("what is decided about one client's registration ends with that client", async () => {
  const expectShown = consumer("bills");
  const provider = started.cluster!.client({ name: "first" });
  await provider.register({ service: "bills", id: "a", address: "10.0.0.1:80" });
  await expectShown("a");
  await admin("instance", "disable", "bills", "a", "--client", provider.id);
  await expectShown("a-");
  await provider.close();
  await expectShown();
  await started.cluster!.client().register({ service: "bills", id: "a", address: "10.0.0.1:80" });
  await expectShown("a");
});

test.each([
  { args: ["instance", "disable"], says: "give a service and the id of an instance, or --at and an address" },
  { args: ["instance", "disable", "orders"], says: "give a service and the id" },
  { args: ["instance", "drain", "orders", "a", "--at", "10.0.0.1"], says: "give a service and the id" },
  { args: ["instance", "drain", "--at", "10.0.0.1:0"], says: "instance_override.address must be" },
  { args: ["instance", "weight", "heavy", "orders", "a"], says: "weight must be a whole number" },
  { args: ["instance", "weight", "10001", "orders", "a"], says: "instance_override.weight must be" },
  { args: ["instance", "disable", "--at", "10.0.0.1", "--client", "c"], says: "instance_override.client_id must be" },
])("$args makes no sense, and that is said", async ({ args, says }) => {
  const { code, stdout, stderr } = await admin(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(says);
});
