// Who is connected, and closing a connection, over two session nodes in this process.

import { afterAll, beforeAll, expect, test, vi } from "vitest";

import { startCluster, type Cluster } from "../src/testing/index.ts";
import { runRollcall } from "./terminal.ts";

const started: { cluster?: Cluster } = {};

beforeAll(async () => {
  started.cluster = await startCluster({ sessions: 2 });
});
afterAll(() => started.cluster?.close());

interface Listed {
  readonly total: number;
  readonly connections: readonly {
    readonly clientId: string;
    readonly nodeId: string;
    readonly registrations: readonly { readonly service: { readonly service: string }; readonly instanceId: string }[];
    readonly subscriptions: readonly { readonly service: string }[];
  }[];
}

async function admin(...args: readonly string[]): Promise<unknown> {
  const meta = started.cluster!.nodes.find(({ role }) => role === "meta")!.address;
  const { code, stdout, stderr } = await runRollcall(["admin", ...args, "--json", "--meta", meta]).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

const connections = (...args: readonly string[]): Promise<Listed> => admin("connections", ...args) as Promise<Listed>;

/** What the clients have that are connected to a session node, without their ids. */
const held = ({ connections: all }: Listed): unknown =>
  all
    .map(({ nodeId, registrations, subscriptions }) => ({
      nodeId,
      registered: registrations.map(({ service, instanceId }) => `${service.service} ${instanceId}`).toSorted(),
      subscribed: subscriptions.map(({ service }) => service).toSorted(),
    }))
    .toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b), "en"));

test("by service and by client there is what was registered and subscribed, until a connection is closed, and only its own goes", async () => {
  const cluster = started.cluster!;
  const [first, second] = cluster.addresses as [string, string];
  const [one, other] = [first, second].map((address) => cluster.client({ servers: [address], discoverServers: false }));
  const watcher = cluster.client({ servers: [second], discoverServers: false });
  await one!.register({ service: "orders", id: "a", address: "127.0.0.1:1" });
  await one!.register({ service: "stock", id: "b", address: "127.0.0.1:1" });
  await other!.register({ service: "orders", id: "c", address: "127.0.0.1:2" });
  const seen: string[][] = [];
  watcher.subscribe("orders").onChange(({ instances }) => void seen.push(instances.map(({ id }) => id)));
  await vi.waitUntil(() => seen.at(-1)?.length === 2, { timeout: 10_000 });

  expect(held(await connections())).toEqual([
    { nodeId: "session-1", registered: ["orders a", "stock b"], subscribed: [] },
    { nodeId: "session-2", registered: ["orders c"], subscribed: [] },
    { nodeId: "session-2", registered: [], subscribed: ["orders"] },
  ]);
  const ofStock = await connections("stock");
  expect(held(ofStock)).toEqual([{ nodeId: "session-1", registered: ["orders a", "stock b"], subscribed: [] }]);
  const { clientId } = ofStock.connections[0]!;
  expect(await connections("--client", clientId)).toEqual(ofStock);
  expect(await connections("nothing")).toEqual({ total: 0, connections: [] });
  expect(await connections("--limit", "1")).toMatchObject({ total: 3 });

  expect(await admin("connection", "close", clientId, "--reason", "a test")).toEqual({ clientId, closed: 1 });
  // The client lives, so it comes back; in between exactly its own instance was gone.
  await vi.waitUntil(() => seen.at(-1)?.length === 2 && seen.length > 2, { timeout: 10_000 });
  expect(seen.filter((ids) => !ids.includes("c"))).toEqual([]);
  expect(seen.some((ids) => !ids.includes("a"))).toBe(true);
  expect(await admin("connection", "close", "nobody")).toEqual({ clientId: "nobody", closed: 0 });
});
