// A session that loses what its client has there, without a trace: the client notices within one interval.

import { NO_FILTER, serviceKey } from "@rollcall/core";
import { createClientWith } from "@rollcall/sdk/heart";
import { ClientConnection, RegistrationStore, type Wish } from "@rollcall/session/parts";
import { afterEach, expect, test } from "vitest";

import { SimCluster } from "../src/cluster/sim-cluster.ts";
import { breakMethod, type Mend } from "./mutants-breaking.ts";

/** Between two comparisons, in milliseconds, and what one takes. */
const INTERVAL_MS = 61_000;

const mends: Mend[] = [];

afterEach(() => {
  for (const mend of mends.splice(0).toReversed()) mend();
});

/** A provider and a watcher on one session, of which the registrations and connections are known by client. */
async function connected() {
  const stores = new Map<string, { store: RegistrationStore; owner: NonNullable<Wish["owner"]> }>();
  const connections = new Map<string, ClientConnection>();
  mends.push(
    breakMethod(RegistrationStore, "wish", (original) => (store, wish, settled) => {
      if (wish.owner !== undefined) stores.set(wish.clientId, { store, owner: wish.owner });
      return original(store, wish, settled);
    }),
    breakMethod(ClientConnection, "receive", (original) => (connection, message) => {
      connections.set(connection.client.clientId, connection);
      return original(connection, message);
    }),
  );
  const cluster = new SimCluster({ seed: 11, shape: { data: 2, sessions: 1 } });
  await cluster.start();
  const servers = cluster.sessions.map(({ address }) => address);
  const open = (clientId: string) => createClientWith({ ...cluster.portsOf(clientId), clientId }, { servers });
  const [provider, watcher] = [open("provider"), open("watcher")];
  const lost: string[] = [];
  for (const client of [provider, watcher]) client.on("disconnected", () => lost.push(client.id));
  const views: string[] = [];
  watcher.subscribe("orders").onChange(({ instances }) => void views.push(instances.map(({ id }) => id).join()));
  for (const id of ["a", "b"]) void provider.register({ service: "orders", id, address: "10.0.0.1:80" });
  await cluster.clock.runUntilIdleOr(() => views.at(-1) === "a,b", 20_000);
  return {
    cluster,
    provider,
    watcher,
    views,
    lost,
    store: stores.get("provider")!,
    connection: connections.get("watcher")!,
  };
}

test("registrations that a session has given up are back within one interval", async () => {
  const { cluster, views, lost, store } = await connected();
  store.store.abandon(store.owner);
  await cluster.clock.runUntilIdleOr(() => views.at(-1) === "", 5_000);
  expect(views.at(-1)).toBe("");
  await cluster.clock.runFor(INTERVAL_MS);
  expect(views.at(-1)).toBe("a,b");
  expect(lost).toEqual([]);
});

test("a subscription that a session has forgotten is heard of again within one interval", async () => {
  const { cluster, provider, views, lost, connection } = await connected();
  const forgotten = { key: serviceKey({ service: "orders" }), filter: NO_FILTER };
  const nothing = { hello: undefined, registers: [], unregisters: [], subscribes: [], receipts: [], barriers: [] };
  const noLists = { servicesSubscribes: [], servicesUnsubscribes: [], servicesReceipts: [] };
  connection.receive({ ...nothing, ...noLists, unsubscribes: [forgotten] });
  void provider.register({ service: "orders", id: "c", address: "10.0.0.1:80" });
  await cluster.clock.runFor(1_000);
  expect(views.at(-1)).toBe("a,b");
  await cluster.clock.runFor(INTERVAL_MS);
  expect(views.at(-1)).toBe("a,b,c");
  expect(lost).toEqual([]);
});

test("who agrees says nothing more than that", async () => {
  const { cluster, watcher, views, lost } = await connected();
  watcher.subscribeServices();
  watcher.subscribe("orders", { protocol: "tcp", zone: "a" });
  await cluster.clock.runFor(1_000);
  const shown = views.length;
  await cluster.clock.runFor(10 * INTERVAL_MS);
  expect([views.length, lost]).toEqual([shown, []]);
});
