// An operator stops pushes: 25, 26 and 39 of docs/behaviours.md, on a whole cluster.

import { ConnectError, createClient as createRpcClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { PushOff, PushScope } from "@rollcall/core";
import { RegistryService, errorDetailCodec } from "@rollcall/protocol";
import { registryErrorFromConnectError } from "@rollcall/runtime";
import { afterEach, expect, test } from "vitest";

import { decide, takeBack } from "../src/decisions.ts";
import { RecordedViews } from "../src/recorded-views.ts";
import { until } from "../src/until.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 2, sessions: 2 });

const pushOff = (scope: PushScope = { kind: "cluster" }, exceptClients: readonly string[] = []): PushOff => ({
  kind: "push off",
  scope,
  exceptClients,
});

const decided: PushOff[] = [];

async function off(control: PushOff = pushOff()): Promise<void> {
  decided.push(control);
  await decide(fixture.cluster, control);
}

async function on(): Promise<void> {
  for (const control of decided.splice(0)) await takeBack(fixture.cluster, control).catch(() => {});
}

afterEach(on);

async function measured(metric: string): Promise<number> {
  const texts = await Promise.all(
    fixture.cluster.sessions.map(async ({ address }) => (await fetch(`http://${address}/metrics`)).text()),
  );
  const lines = texts.map((text) => text.split("\n").find((line) => line.startsWith(`${metric} `))!);
  return lines.reduce((sum, line) => sum + Number(line.split(" ")[1]), 0);
}

const rpc = () =>
  createRpcClient(
    RegistryService,
    createConnectTransport({ baseUrl: `http://${fixture.cluster.sessions[0]!.address}`, httpVersion: "1.1" }),
  );

test("25: while pushes are off registrations succeed and nobody is called; afterwards all who missed something see it once", async () => {
  const [first, second] = fixture.cluster.sessions.map(({ address }) => address) as [string, string];
  const provider = fixture.client({ servers: [first] });
  const a = await provider.register({ service: "s25", id: "a", address: "10.0.0.1:80" });
  const views = [first, second].map((address) => new RecordedViews(fixture.client({ servers: [address] }), "s25"));
  for (const each of views) await each.untilIds(["a"]);
  await off();
  const b = await provider.register({ service: "s25", id: "b", address: "10.0.0.2:80" });
  await provider.register({ service: "s25", id: "c", address: "10.0.0.3:80" });
  await a.unregister();
  const late = new RecordedViews(fixture.client(), "s25");
  await until(async () => (await measured("rollcall_session_pushes_held")) === 3, { what: "three are held" });
  let isDrained = false;
  const drain = b.drain().then(() => (isDrained = true));
  await until(async () => (await measured("rollcall_session_barriers_open")) > 0, { what: "somebody is asked" });
  expect(isDrained).toBe(false);
  expect(views.map(({ idsShown }) => idsShown)).toEqual([[["a"]], [["a"]]]);
  expect(late.idsShown).toEqual([]);
  await on();
  for (const each of [...views, late]) await each.untilIds(["c"]);
  await drain;
  expect(views.map(({ idsShown }) => idsShown)).toEqual([
    [["a"], ["c"]],
    [["a"], ["c"]],
  ]);
  expect(late.idsShown).toEqual([["c"]]);
});

test("26: while pushes are off those who are named are pushed, and whoever is added to them at once", async () => {
  const provider = fixture.client();
  const [named, other] = ["canary", "other"].map((name) => new RecordedViews(fixture.client({ name }), "s26")) as [
    RecordedViews,
    RecordedViews,
  ];
  await Promise.all([named, other].map(({ subscription }) => subscription.ready));
  await off(pushOff({ kind: "cluster" }, ["canary"]));
  await provider.register({ service: "s26", id: "a", address: "10.0.0.1:80" });
  await named.untilIds(["a"]);
  expect(other.idsShown).toEqual([[]]);
  await off(pushOff({ kind: "cluster" }, ["canary", "other"]));
  await other.untilIds(["a"]);
});

test("26: what is off for a namespace or a zone goes on for the others, and after a restart of the session", async () => {
  const { cluster } = fixture;
  const provider = fixture.client();
  const shop = { namespace: "shop", service: "s26" };
  const names = [
    { service: shop, filter: {} },
    { service: "s26b", filter: { zone: "eu" } },
    { service: "s26b", filter: {} },
  ];
  const views = names.map(({ service, filter }) => new RecordedViews(fixture.client(), service, filter));
  await Promise.all(views.map(({ subscription }) => subscription.ready));
  await off(pushOff({ kind: "namespace", namespace: "shop" }));
  await off(pushOff({ kind: "zone", zone: "eu" }));
  await provider.register({ ...shop, id: "a", address: "10.0.0.1:80" });
  await provider.register({ service: "s26b", id: "a", address: "10.0.0.1:80" });
  await views[2]!.untilIds(["a"]);
  const session = cluster.sessions[1]!;
  await cluster.stop(session);
  await cluster.restart(session);
  await cluster.ready();
  const late = new RecordedViews(fixture.client({ servers: [cluster.sessions[1]!.address] }), shop);
  await provider.register({ service: "s26b", id: "b", address: "10.0.0.2:80" });
  await views[2]!.untilIds(["a", "b"]);
  expect([views[0]!.idsShown, views[1]!.idsShown, late.idsShown]).toEqual([[[]], [[]], []]);
  await on();
  await Promise.all([views[0]!.untilIds(["a"]), views[1]!.untilIds(["a", "b"]), late.untilIds(["a"])]);
});

test("39: who resolves while pushes are off is refused, and told who has decided it and why", async () => {
  await fixture.client().register({ service: "s39", id: "a", address: "10.0.0.1:80" });
  await off();
  const refused = await rpc()
    .resolve({ key: { service: "s39" } })
    .catch((thrown: unknown) => registryErrorFromConnectError(ConnectError.from(thrown), errorDetailCodec));
  expect(refused).toMatchObject({
    reason: "blocked",
    message: "pushes to everybody are off, decided by the test: to see what happens",
  });
  const ready = await fetch(`http://${fixture.cluster.sessions[0]!.address}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([
    200,
    { ready: true, reasons: [], notices: ["pushes to everybody are off, decided by the test: to see what happens"] },
  ]);
  await on();
  expect((await rpc().resolve({ key: { service: "s39" } })).instances).toMatchObject([{ id: "a" }]);
});
