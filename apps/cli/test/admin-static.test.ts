// Instances that operators put, from the command to the consumer, in a cluster in this process.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import type { Instance } from "@rollcall/core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";

import { startCluster, type Cluster } from "../src/testing/index.ts";
import { runRollcall, type Ended } from "./terminal.ts";

const started: { cluster?: Cluster; server?: Server } = {};

beforeAll(async () => {
  started.cluster = await startCluster({ sessions: 1, data: 2 });
  started.server = createServer((_, response) => response.setHeader("connection", "close").writeHead(204).end());
  await new Promise<void>((resolve) => started.server!.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  started.server?.close();
  await started.cluster?.close();
});

function admin(...args: readonly string[]): Promise<Ended> {
  const meta = started.cluster!.nodes.find(({ role }) => role === "meta")!.address;
  return runRollcall(["admin", "static", ...args, "--meta", meta], { USER: "ann" }).ended;
}

function consumer(service: string, includeUnhealthy: boolean) {
  let instances: readonly Instance[] = [];
  started
    .cluster!.client()
    .subscribe(service, { includeUnhealthy })
    .onChange((view) => (instances = view.instances));
  return async (...expected: string[]) => {
    const shown = () => instances.map(({ id, health }) => `${id} ${health}`).toSorted();
    await vi.waitFor(() => expect(shown()).toEqual(expected), { timeout: 10_000 });
  };
}

test("an instance is put, probed, left out while it cannot take work, and removed", async () => {
  const { port } = started.server!.address() as AddressInfo;
  const address = `127.0.0.1:${port}`;
  const expectShown = consumer("mail", false);
  const expectAll = consumer("mail", true);
  const probe = ["--probe", "http:204/healthz", "--probe-interval", "1000", "--probe-timeout", "500"];
  const put = await admin("put", "mail", address, "--protocol", "http", ...probe, "--zone", "eu-1", "--json", "--wait");
  expect(put).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(put.stdout)).toMatchObject({
    id: `static/default/default/mail/http@${address}`,
    author: "ann",
    staticInstance: {
      instance: { zone: "eu-1", probe: { http: { path: "/healthz", status: 204 }, intervalMs: 1_000, timeoutMs: 500 } },
    },
  });
  await expectShown(`http@${address} healthy`);
  await new Promise((resolve) => started.server!.close(resolve));
  await expectShown();
  await expectAll(`http@${address} unhealthy`);
  const server = started.cluster!.nodes.find(({ role }) => role === "session")!.address;
  const resolve = (...more: string[]) => runRollcall(["resolve", "mail", "--server", server, ...more]).ended;
  expect((await resolve()).stdout).not.toContain(address);
  expect((await resolve("--unhealthy")).stdout).toMatch(new RegExp(`${address} .*unhealthy`));
  const { stdout } = await admin("list", "ma", "--json");
  expect((JSON.parse(stdout) as { records: unknown[] }).records).toHaveLength(1);
  expect((await admin("list", "other")).stdout).toContain("nothing was put");
  expect(await admin("remove", "mail", `http@${address}`)).toMatchObject({ code: 0 });
  await expectAll();
});

test("one without a probe is taken for healthy, and put again is replaced", async () => {
  const expectShown = consumer("bills", false);
  await admin("put", "bills", "127.0.0.1:9", "--id", "b", "--metadata", "a=1");
  await expectShown("b healthy");
  await admin("put", "bills", "127.0.0.1:10", "--id", "b", "--weight", "7");
  const resolved = () => started.cluster!.client().resolve("bills");
  await vi.waitFor(async () =>
    expect((await resolved()).instances).toMatchObject([{ id: "b", address: "127.0.0.1:10", weight: 7, metadata: {} }]),
  );
});

test.each([
  { args: ["put", "orders", "nowhere"], says: "instance.address must be" },
  { args: ["put", "orders", "127.0.0.1:1", "--id", "-"], says: "instance.id must be" },
  { args: ["put", "orders", "127.0.0.1:1", "--probe", "ping"], says: "tcp, http" },
  { args: ["put", "orders", "127.0.0.1:1", "--probe", "http:600"], says: "instance.probe.http.status must be" },
  {
    args: ["put", "orders", "127.0.0.1:1", "--probe", "tcp", "--probe-interval", "10"],
    says: "probe.interval_ms must be",
  },
])("$args makes no sense, and that is said", async ({ args, says }) => {
  const { code, stdout, stderr } = await admin(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(says);
});
