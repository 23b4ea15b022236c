// Generated clients over every protocol and HTTP version that a session serves.

import { Code, ConnectError, createClient, type Client, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { RegistryService, errorDetailCodec } from "@rollcall/protocol";
import { registryErrorFromConnectError } from "@rollcall/runtime";
import { describe, expect, onTestFinished, test } from "vitest";

import { until } from "../src/until.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 2, sessions: 2 });

const transports: readonly (readonly [string, (baseUrl: string) => Transport])[] = [
  [
    "Connect over HTTP/1.1",
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true }),
  ],
  ["Connect over HTTP/2", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: true })],
  ["Connect in JSON over HTTP/1.1", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" })],
  ["Connect in JSON over HTTP/2", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2" })],
  ["gRPC over HTTP/2", (baseUrl) => createGrpcTransport({ baseUrl })],
  ["gRPC in JSON over HTTP/2", (baseUrl) => createGrpcTransport({ baseUrl, useBinaryFormat: false })],
  ["gRPC-web over HTTP/1.1", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" })],
  ["gRPC-web over HTTP/2", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "2" })],
];

describe.each(transports)("%s", (name, makeTransport) => {
  const service = `connect-${name.replace(/\W+/g, "-")}`;
  const key = { service };
  const clientOf = (session: 0 | 1): Client<typeof RegistryService> =>
    createClient(RegistryService, makeTransport(`http://${fixture.cluster.sessions[session]!.address}`));

  test("every unary method", async () => {
    const client = clientOf(0);
    const instance = { id: "a", address: "10.0.0.1:80", metadata: { k: "v" }, payload: Uint8Array.of(1, 2, 255) };
    const { instanceId, leaseMs, version } = await client.register({ key, instance, leaseMs: 20_000 });
    expect({ instanceId, leaseMs }).toEqual({ instanceId: "a", leaseMs: 20_000 });
    await client.renew({ key, instanceId });
    const resolved = await clientOf(1).resolve({ key });
    expect(resolved.instances).toHaveLength(1);
    expect(resolved.instances[0]).toMatchObject({ id: "a", protocol: "tcp", metadata: { k: "v" } });
    expect([...resolved.instances[0]!.payload]).toEqual([1, 2, 255]);
    expect(resolved.version?.epoch).toBe(version?.epoch);
    const { services } = await client.listServices({ namespace: "default" });
    expect(services.find((summary) => summary.key?.service === service)?.instances).toBe(1);
    await client.unregister({ key, instanceId });
    expect((await client.resolve({ key })).instances).toEqual([]);
    await client.unregister({ key, instanceId });
  });

  test("a refusal carries its reason, field, limit and value", async () => {
    const error = await clientOf(0)
      .register({ key, instance: { address: "10.0.0.1:80", weight: 10_001 } })
      .catch((thrown: unknown) => ConnectError.from(thrown));
    expect(error).toMatchObject({ code: Code.InvalidArgument });
    expect(registryErrorFromConnectError(error as ConnectError, errorDetailCodec)).toMatchObject({
      reason: "invalid_field",
      subject: { field: "instance.weight", limit: "a whole number from 0 to 10000", value: "10001" },
    });
  });

  test("Watch shows the present, every change, and stops when it is left", async () => {
    const leave = new AbortController();
    onTestFinished(() => leave.abort());
    const watched = { service: `${service}-watched` };
    const shown: string[][] = [];
    const watching = (async () => {
      for await (const { pushes } of clientOf(1).watch({ key: watched }, { signal: leave.signal }))
        for (const { instances } of pushes) shown.push(instances.map(({ id }) => id));
    })().catch((thrown: unknown) => ConnectError.from(thrown).code);
    await until(() => shown.length === 1, { what: "the first push" });
    const client = clientOf(0);
    await client.register({ key: watched, instance: { id: "a", address: "10.0.0.1:80" } });
    await until(() => shown.length === 2, { what: "the registration" });
    await client.unregister({ key: watched, instanceId: "a" });
    await until(() => shown.length === 3, { what: "its end" });
    leave.abort();
    expect(await watching).toBe(Code.Canceled);
    expect(shown).toEqual([[], ["a"], []]);
  });
});
