// An operator switches clients off and on: 27 to 30 of docs/behaviours.md, on a whole cluster.

import { ConnectError, createClient as createRpcClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { ClientOff, ClientsOff, SwitchedOff } from "@rollcall/core";
import { RegistryService, errorDetailCodec } from "@rollcall/protocol";
import { registryErrorFromConnectError } from "@rollcall/runtime";
import type { Client } from "@rollcall/sdk";
import { afterEach, expect, test } from "vitest";

import { decide, takeBack } from "../src/decisions.ts";
import { RecordedViews } from "../src/recorded-views.ts";
import { until } from "../src/until.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 2, sessions: 2 });

const BOTH: SwitchedOff = { register: true, subscribe: true };
const REGISTER: SwitchedOff = { register: true, subscribe: false };
const SUBSCRIBE: SwitchedOff = { register: false, subscribe: true };

const decided = new Map<string, ClientOff>();

async function off(clients: ClientsOff, what: SwitchedOff): Promise<void> {
  const control: ClientOff = { kind: "client off", clients, ...what };
  decided.set(JSON.stringify(clients), control);
  await decide(fixture.cluster, control);
}

async function on(): Promise<void> {
  for (const control of decided.values()) await takeBack(fixture.cluster, control).catch(() => {});
  decided.clear();
}

afterEach(on);

const named = (name: string): ClientsOff => ({ kind: "name", name });
const address = (range: string): ClientsOff => ({ kind: "address", range });

/** What the client has been told of switches. */
function heardBy(client: Client): SwitchedOff[] {
  const heard: SwitchedOff[] = [];
  client.on("switchedOff", (switched) => heard.push(switched));
  return heard;
}

test("27: what a client registers is in no list while it is switched off, and comes back when it is on, without its doing", async () => {
  const provider = fixture.client({ name: "p27" });
  const heard = heardBy(provider);
  await provider.register({ service: "s27", id: "a", address: "10.0.0.1:80" });
  const views = fixture.cluster.sessions.map(
    (session) => new RecordedViews(fixture.client({ servers: [session.address] }), "s27"),
  );
  for (const each of views) await each.untilIds(["a"]);
  await off(named("p27"), BOTH);
  for (const each of views) await each.untilIds([]);
  let isApplied = false;
  const registered = provider
    .register({ service: "s27", id: "b", address: "10.0.0.2:80" })
    .then(() => (isApplied = true));
  await fixture.client().register({ service: "s27", id: "c", address: "10.0.0.3:80" });
  for (const each of views) await each.untilIds(["c"]);
  expect([isApplied, heard]).toEqual([false, [BOTH]]);
  await on();
  for (const each of views) await each.untilIds(["a", "b", "c"]);
  await registered;
  expect(heard).toEqual([BOTH, { register: false, subscribe: false }]);
});

test("27: a client that goes to another session, or comes while it is switched off, stays so there", async () => {
  const { cluster } = fixture;
  const provider = fixture.client({ name: "p27b" });
  await provider.register({ service: "s27b", id: "a", address: "10.0.0.1:80" });
  const observer = fixture.client();
  const views = new RecordedViews(observer, "s27b");
  await views.untilIds(["a"]);
  await off(named("p27b"), REGISTER);
  await views.untilIds([]);
  const session = cluster.sessions[0]!;
  await cluster.stop(session);
  const late = fixture.client({ name: "p27b" });
  const registered = late.register({ service: "s27b", id: "b", address: "10.0.0.2:80" });
  await cluster.restart(session);
  await cluster.ready();
  await observer.register({ service: "s27b", id: "c", address: "10.0.0.3:80" });
  await views.untilIds(["c"]);
  expect(
    views.idsShown
      .slice(2)
      .flat()
      .filter((id) => id !== "c"),
  ).toEqual([]);
  await on();
  await views.untilIds(["a", "b", "c"]);
  await registered;
});

test("28: a lease ends at its next renewal while its holder is switched off, and returns when it is registered again", async () => {
  const rpc = createRpcClient(
    RegistryService,
    createConnectTransport({ baseUrl: `http://${fixture.cluster.sessions[0]!.address}`, httpVersion: "1.1" }),
  );
  const reasonOf = (call: Promise<unknown>): Promise<string> =>
    call.then(
      () => "none",
      (thrown: unknown) => registryErrorFromConnectError(ConnectError.from(thrown), errorDetailCodec).reason,
    );
  const registration = { key: { service: "s28" }, instance: { id: "a", address: "10.0.0.1:80" } };
  const renewal = { key: { service: "s28" }, instanceId: "a" };
  await rpc.register(registration);
  const views = new RecordedViews(fixture.client(), "s28");
  await views.untilIds(["a"]);
  await off(address("127.0.0.0/8"), REGISTER);
  expect(await reasonOf(rpc.renew(renewal))).toBe("blocked");
  await views.untilIds([]);
  expect(await reasonOf(rpc.register(registration))).toBe("blocked");
  await on();
  expect(await reasonOf(rpc.renew(renewal))).toBe("unknown_registration");
  await rpc.register(registration);
  await views.untilIds(["a"]);
});

test("29: a decision is in force at all sessions when that is answered, and a later one takes the place of an earlier one", async () => {
  const client = fixture.client({ name: "p29" });
  const views = new RecordedViews(client, "s29");
  await views.untilIds([]);
  const others = new RecordedViews(fixture.client(), "s29");
  await off(named("p29"), BOTH);
  const registered = client.register({ service: "s29", id: "a", address: "10.0.0.1:80" });
  await fixture.client().register({ service: "s29", id: "b", address: "10.0.0.2:80" });
  await others.untilIds(["b"]);
  await off(named("p29"), SUBSCRIBE);
  await registered;
  await others.untilIds(["a", "b"]);
  expect(views.idsShown).toEqual([[]]);
  await on();
  await views.untilIds(["a", "b"]);
});

test("30: who may not register still sees what others do, and who is pushed nothing still registers", async () => {
  const client = fixture.client({ name: "p30" });
  await client.register({ service: "s30", id: "a", address: "10.0.0.1:80" });
  const own = new RecordedViews(client, "s30");
  const others = new RecordedViews(fixture.client(), "s30");
  await Promise.all([own.untilIds(["a"]), others.untilIds(["a"])]);
  await off(named("p30"), REGISTER);
  await Promise.all([own.untilIds([]), others.untilIds([])]);
  await off(named("p30"), SUBSCRIBE);
  await others.untilIds(["a"]);
  await client.register({ service: "s30", id: "b", address: "10.0.0.2:80" });
  await others.untilIds(["a", "b"]);
  expect(own.idsShown.at(-1)).toEqual([]);
  await on();
  await own.untilIds(["a", "b"]);
});

test("30: nobody waits for a subscriber that is to be told nothing", async () => {
  const consumer = fixture.client({ name: "p30b" });
  const provider = fixture.client();
  const registration = await provider.register({ service: "s30b", id: "a", address: "10.0.0.1:80" });
  const views = new RecordedViews(consumer, "s30b");
  await views.untilIds(["a"]);
  await off(named("p30b"), SUBSCRIBE);
  await registration.drain();
  expect(views.idsShown).toEqual([["a"]]);
  await on();
  await views.untilIds([]);
});

test("clients are found by their address, and those that have something switched off are counted", async () => {
  const provider = fixture.client();
  await provider.register({ service: "s31", id: "a", address: "10.0.0.1:80" });
  const views = new RecordedViews(provider, "s31");
  await views.untilIds(["a"]);
  await off(address("127.0.0.1"), REGISTER);
  await views.untilIds([]);
  const counted = async (): Promise<number> => {
    const pages = await Promise.all(
      fixture.cluster.sessions.map(async (session) => (await fetch(`http://${session.address}/metrics`)).text()),
    );
    const counts = pages.map((page) => /^rollcall_session_clients_switched_off (\d+)$/m.exec(page)![1]);
    return counts.reduce((sum, count) => sum + Number(count), 0);
  };
  await until(async () => (await counted()) > 0, { what: "clients are counted" });
  await off(address("10.0.0.0/8"), BOTH);
  await takeBack(fixture.cluster, { kind: "client off", clients: address("127.0.0.1"), ...REGISTER });
  await views.untilIds(["a"]);
  expect(await counted()).toBe(0);
});
