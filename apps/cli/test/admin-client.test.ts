// What operators decide about clients, from the command to the client and its consumers, in a cluster in this process.

import { afterAll, beforeAll, expect, test, vi } from "vitest";

import { startCluster, type Cluster } from "../src/testing/index.ts";
import { runRollcall, type Ended } from "./terminal.ts";

const started: { cluster?: Cluster } = {};

beforeAll(async () => {
  started.cluster = await startCluster({ sessions: 2 });
});
afterAll(() => started.cluster?.close());

function admin(...args: readonly string[]): Promise<Ended> {
  const meta = started.cluster!.nodes.find(({ role }) => role === "meta")!.address;
  return runRollcall(["admin", ...args, "--meta", meta], { USER: "ann" }).ended;
}

test("clients are switched off and on by name, and told so", async () => {
  const cluster = started.cluster!;
  const provider = cluster.client({ name: "billing" });
  const heard: unknown[] = [];
  provider.on("switchedOff", (off) => heard.push(off));
  await provider.register({ service: "bills", id: "a", address: "10.0.0.1:80" });
  const shown: string[] = [];
  cluster
    .client()
    .subscribe("bills")
    .onChange(({ instances }) => shown.push(instances.map(({ id }) => id).join()));
  await vi.waitFor(() => expect(shown.at(-1)).toBe("a"), { timeout: 5_000 });
  const off = await admin("client", "off", "--name", "billing", "--only", "register", "--wait", "--json");
  expect(JSON.parse(off.stdout)).toMatchObject({
    id: "client/name/billing",
    clientOff: { name: "billing", register: true },
  });
  await vi.waitFor(() => expect(shown.at(-1)).toBe(""), { timeout: 5_000 });
  expect(heard).toEqual([{ register: true, subscribe: false }]);
  expect((await admin("client", "on", "--name", "billing")).stdout).toMatch(/decided no longer/);
  await vi.waitFor(() => expect(shown.at(-1)).toBe("a"), { timeout: 5_000 });
});

test("a decision about an address is about nobody else", async () => {
  const cluster = started.cluster!;
  await admin("client", "off", "10.0.0.0/8");
  await cluster.client().register({ service: "carts", id: "a", address: "10.0.0.1:80" });
  expect((await admin("client", "on", "10.0.0.0/8")).code).toBe(0);
});

test.each([
  { args: ["client", "off"], says: "give an address or a range, or --name and a name" },
  { args: ["client", "off", "10.0.0.7", "--name", "billing"], says: "give an address or a range" },
  { args: ["client", "off", "10.0.0.300"], says: "client_off.address must be an IP address" },
  { args: ["client", "off", "10.0.0.7", "--only", "talk"], says: "Allowed choices are register, subscribe" },
])("$args makes no sense, and that is said", async ({ args, says }) => {
  const { code, stdout, stderr } = await admin(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(says);
});
