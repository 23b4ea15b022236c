// The verbs that stop pushes, block, and bound, against a cluster in this process.

import { afterAll, beforeAll, expect, test } from "vitest";

import { startCluster, type Cluster } from "../src/testing/index.ts";
import { runRollcall, type Ended } from "./terminal.ts";

const started: { cluster?: Cluster } = {};

beforeAll(async () => {
  started.cluster = await startCluster();
});
afterAll(() => started.cluster?.close());

const metaAddress = (): string => started.cluster!.nodes.find(({ role }) => role === "meta")!.address;

const run = (...args: readonly string[]): Promise<Ended> =>
  runRollcall([...args, "--meta", metaAddress()], { USER: "ann" }).ended;

async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await run("admin", ...args, "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as Record<string, unknown>;
}

test.each([
  {
    decide: ["push", "off", "--except", "canary", "--except", "10.0.0.7"],
    record: { id: "push/cluster", pushOff: { exceptClients: ["canary", "10.0.0.7"] } },
    takeBack: ["push", "on"],
  },
  {
    decide: ["push", "off", "--namespace", "shop"],
    record: { id: "push/namespace/shop", pushOff: { namespace: "shop" } },
    takeBack: ["push", "on", "--namespace", "shop"],
  },
  {
    decide: ["push", "off", "--zone", "eu-1"],
    record: { id: "push/zone/eu-1", pushOff: { zone: "eu-1" } },
    takeBack: ["push", "on", "--zone", "eu-1"],
  },
  {
    decide: ["block", "namespace", "shop"],
    record: { id: "block/namespace/shop", namespaceBlock: { namespace: "shop" } },
    takeBack: ["unblock", "namespace", "shop"],
  },
  {
    decide: ["block", "service", "orders", "--namespace", "shop"],
    record: { id: "block/service/shop/default/orders" },
    takeBack: ["unblock", "service", "orders", "--namespace", "shop"],
  },
  {
    decide: ["quota", "set", "shop", "--instances", "500"],
    record: { id: "quota/shop", quota: { namespace: "shop", instances: 500 } },
    takeBack: ["quota", "unset", "shop"],
  },
])("$decide is in force when it is waited for, and $takeBack ends it", async ({ decide, record, takeBack }) => {
  expect(await json(...decide, "--wait", "--reason", "a test")).toMatchObject({
    ...record,
    author: "ann",
    reason: "a test",
  });
  expect(await json(...takeBack, "--wait")).toMatchObject({ id: record.id, removed: true });
  expect(await json("list")).toMatchObject({ records: [] });
});

test.each([
  { args: ["push", "off", "--namespace", "a", "--zone", "b"], says: "name a namespace or a zone, not both" },
  { args: ["push", "off", "--namespace", "a/b"], says: "namespace must be" },
  { args: ["block", "service", "a b"], says: "service must be" },
  { args: ["quota", "set", "shop"], says: "quota must be a number of instances, of services, or both" },
  { args: ["quota", "set", "shop", "--instances", "1e3"], says: "--instances" },
])("$args makes no sense, and that is said", async ({ args, says }) => {
  const { code, stderr } = await run("admin", ...args);
  expect(code).not.toBe(0);
  expect(stderr).toContain(says);
});

test("status says what is off and blocked, and that is no reason to fail", async () => {
  await run("admin", "push", "off", "--reason", "a rollout", "--wait");
  await run("admin", "block", "namespace", "shop", "--wait");
  const { code, stdout } = await run("status");
  expect(code).toBe(0);
  expect(stdout.trimEnd().split("\n").slice(-2)).toEqual([
    "pushes to everybody are off, decided by ann: a rollout",
    "namespace shop is blocked, decided by ann",
  ]);
  await run("admin", "push", "on");
  await run("admin", "unblock", "namespace", "shop");
});
