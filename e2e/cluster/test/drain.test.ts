// Draining: it is done when everybody knows, and not before.

import { createClient as createRpcClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { NO_FILTER, RegistryError, serviceKey } from "@rollcall/core";
import { RegistryService, errorDetailCodec } from "@rollcall/protocol";
import { registryErrorFromConnectError } from "@rollcall/runtime";
import type { Subscription } from "@rollcall/sdk";
import { describe, expect, onTestFinished, test } from "vitest";

import { until } from "../src/until.ts";
import { WireClient } from "../src/wire-client.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 2, sessions: 2 });

const SUBSCRIBERS = 60;

const idsOf = (subscription: Subscription) => subscription.current()?.instances.map(({ id }) => id);

/** Subscribers on all sessions, a third of them through a filter that takes the instance and a third through one that does not. */
function subscribeAll(service: string): Subscription[] {
  const { sessions } = fixture.cluster;
  const filters = [{}, { metadata: { stage: ["blue"] } }, { metadata: { stage: ["green"] } }];
  return Array.from({ length: SUBSCRIBERS }, (_, index) => {
    const client = fixture.client({ servers: [sessions[index % sessions.length]!.address] });
    return client.subscribe(service, filters[index % filters.length]);
  });
}

/** One that says hello and subscribes, and acknowledges nothing. */
function deafSubscriber(service: string): WireClient {
  const deaf = new WireClient(fixture.cluster.sessions[1]!.address).hello(`deaf-${service}`);
  onTestFinished(() => deaf.close());
  return deaf.say({ subscribes: [{ key: serviceKey({ service }), filter: NO_FILTER, held: undefined }] });
}

const rpc = () => {
  const { address } = fixture.cluster.sessions[0]!;
  return createRpcClient(
    RegistryService,
    createConnectTransport({ baseUrl: `http://${address}`, httpVersion: "1.1", useBinaryFormat: false }),
  );
};

describe("draining a registration", () => {
  test("is done when no live subscriber shows it any more, and touches nobody else", async () => {
    const service = "drain-many";
    const provider = fixture.client();
    const leaving = await provider.register({
      service,
      id: "leaving",
      address: "10.0.0.1:80",
      metadata: { stage: "blue" },
    });
    await provider.register({ service, id: "staying", address: "10.0.0.2:80", metadata: { stage: "green" } });
    const subscriptions = subscribeAll(service);
    const views = await Promise.all(subscriptions.map(({ ready }) => ready));
    expect(views.filter(({ instances }) => instances.some(({ id }) => id === "leaving"))).toHaveLength(40);
    await leaving.drain();
    expect(subscriptions.filter((subscription) => idsOf(subscription)?.includes("leaving"))).toEqual([]);
    expect(subscriptions.filter((subscription) => idsOf(subscription)?.includes("staying"))).toHaveLength(40);
  });

  test("waits for one that does not acknowledge, says so when its time is over, and not for one that is gone", async () => {
    const service = "drain-deaf";
    const provider = fixture.client();
    const first = await provider.register({ service, id: "first", address: "10.0.0.1:80" });
    const second = await provider.register({ service, id: "second", address: "10.0.0.2:80" });
    const deaf = deafSubscriber(service);
    await until(() => deaf.pushes.length > 0, { what: "the first push" });
    await expect(first.drain({ timeoutMs: 1_500 })).rejects.toMatchObject({
      reason: "deadline_exceeded",
      message: "1 subscriber has not said that it knows within 1500 ms",
    });
    expect((await fixture.client().resolve(service)).instances.map(({ id }) => id)).toEqual(["second"]);
    const draining = second.drain({ timeoutMs: 30_000 });
    deaf.close();
    await draining;
  });

  test("of all that a client has registered is done with its last", async () => {
    const provider = fixture.client();
    const services = ["drain-all-1", "drain-all-2", "drain-all-3"];
    const subscriptions = services.map((service) => fixture.client().subscribe(service));
    await Promise.all(
      services.flatMap((service) =>
        [1, 2, 3].map((number) => provider.register({ service, address: `10.0.0.${number}:80` })),
      ),
    );
    await Promise.all(
      subscriptions.map((subscription) =>
        until(() => subscription.current()?.instances.length === 3, { what: "three instances" }),
      ),
    );
    await provider.drain();
    expect(subscriptions.map(idsOf)).toEqual([[], [], []]);
    expect(subscriptions.map((subscription) => subscription.current()?.confirmed)).toEqual([true, true, true]);
  });

  test("goes on at another session when its own is lost", async () => {
    const { cluster } = fixture;
    const service = "drain-session-lost";
    const lost = await cluster.addNode("session");
    await cluster.ready();
    const provider = fixture.client({ servers: [lost.address, cluster.sessions[0]!.address] });
    const registration = await provider.register({ service, id: "a", address: "10.0.0.1:80" });
    const deaf = deafSubscriber(service);
    await until(() => deaf.pushes.length > 0, { what: "the first push" });
    const draining = registration.drain({ timeoutMs: 30_000 });
    await until(async () => (await fixture.client().resolve(service)).instances.length === 0, { what: "it is out" });
    await cluster.kill(lost);
    deaf.close();
    await expect(draining).resolves.toBeUndefined();
  });
});

describe("Drain", () => {
  test("takes out what was registered by a call, and answers when everybody knows", async () => {
    const service = "drain-call";
    const { instanceId } = await rpc().register({ key: { service }, instance: { address: "10.0.0.1:80" } });
    const subscription = fixture.client().subscribe(service);
    expect((await subscription.ready).instances).toHaveLength(1);
    await rpc().drain({ key: { service }, instanceId });
    expect(subscription.current()).toMatchObject({ instances: [], confirmed: true });
  });

  test("says before the caller's deadline who is behind", async () => {
    const service = "drain-call-deaf";
    const { instanceId } = await rpc().register({ key: { service }, instance: { address: "10.0.0.1:80" } });
    const deaf = deafSubscriber(service);
    await until(() => deaf.pushes.length > 0, { what: "the first push" });
    const failure = await rpc()
      .drain({ key: { service }, instanceId }, { timeoutMs: 1_500 })
      .catch((thrown: unknown) => thrown);
    const error = registryErrorFromConnectError(failure as never, errorDetailCodec);
    expect(error).toBeInstanceOf(RegistryError);
    expect(error).toMatchObject({ reason: "deadline_exceeded" });
    expect(error.message).toMatch(/1 subscriber has not said that it knows/);
  });

  test("does not claim it of an instance that a client with a connection has registered", async () => {
    const service = "drain-call-foreign";
    await fixture.client().register({ service, id: "a", address: "10.0.0.1:80" });
    const failure = await rpc()
      .drain({ key: { service }, instanceId: "a" })
      .catch((thrown: unknown) => thrown);
    expect(registryErrorFromConnectError(failure as never, errorDetailCodec)).toMatchObject({
      reason: "invalid_field",
      subject: { field: "instance_id" },
    });
  });
});
