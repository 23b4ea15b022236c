// Every limit on what a client may send, once, over the wire: the refusal names the field, the limit and the value.

import { LIMITS, NO_FILTER, serviceKey, type ErrorValue, type RegisterItem } from "@rollcall/core";
import { bytesFromInstance, errorDetailCodec, CONNECT_PATH, WATCH_PATH } from "@rollcall/protocol";
import { expect, onTestFinished, test } from "vitest";

import { Innocent } from "../src/innocent.ts";
import { sendOnStream } from "../src/raw-http.ts";
import { until } from "../src/until.ts";
import { WireClient } from "../src/wire-client.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 1, sessions: 2 });

const attacked = (): string => fixture.cluster.sessions[0]!.address;

/** Calls a unary method with JSON; gives the refusal. */
async function refusalOf(method: string, request: object): Promise<ErrorValue & { readonly status: number }> {
  const response = await fetch(`http://${attacked()}/rollcall.v1.RegistryService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  const { details } = (await response.json()) as { details?: { type: string; value: string }[] };
  const detail = details?.find(({ type }) => type === errorDetailCodec.typeName);
  return { ...errorDetailCodec.decode(Buffer.from(detail!.value, "base64"))!, status: response.status };
}

const key = { service: "limits" };
const address = "10.0.0.1:80";
const text = (length: number): string => "x".repeat(length);
const entries = (count: number, value = ""): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, value]));
const requirements = (count: number): object[] =>
  Array.from({ length: count }, (_, index) => ({ key: `k${index}`, values: [] }));

interface Case {
  readonly what: string;
  readonly method?: string;
  readonly request: object;
  readonly field: string;
  readonly limit: string;
  readonly value: string;
  readonly reason?: "limit_exceeded";
}

const instanceCases: readonly (Omit<Case, "request"> & { readonly instance: object })[] = [
  { what: "an id", instance: { id: text(129) }, field: "instance.id", limit: "1 to 128", value: "xxx" },
  { what: "an id's letters", instance: { id: "a/b" }, field: "instance.id", limit: "letters", value: '"a/b"' },
  { what: "a host", instance: { address: `${text(254)}:80` }, field: "instance.address", limit: "253", value: "xxx" },
  { what: "a port", instance: { address: "a:65536" }, field: "instance.address", limit: "65535", value: "a:65536" },
  { what: "a protocol", instance: { protocol: text(33) }, field: "instance.protocol", limit: "1 to 32", value: "xxx" },
  { what: "a zone", instance: { zone: text(64) }, field: "instance.zone", limit: "1 to 63", value: "xxx" },
  { what: "a weight", instance: { weight: 10_001 }, field: "instance.weight", limit: "10000", value: "10001" },
  {
    what: "metadata entries",
    instance: { metadata: entries(65) },
    field: "instance.metadata",
    limit: "64 entries",
    value: "65",
    reason: "limit_exceeded",
  },
  {
    what: "a metadata key",
    instance: { metadata: { [text(129)]: "" } },
    field: "instance.metadata key",
    limit: "1 to 128",
    value: "xxx",
  },
  {
    what: "a metadata value",
    instance: { metadata: { big: text(1_025) } },
    field: 'instance.metadata["big"]',
    limit: "1024",
    value: "xxx",
  },
  {
    what: "metadata in all",
    instance: { metadata: entries(8, text(1_024)) },
    field: "instance.metadata",
    limit: "8192 bytes",
    value: "8208",
    reason: "limit_exceeded",
  },
  {
    what: "a payload",
    instance: { payload: Buffer.alloc(16_385).toString("base64") },
    field: "instance.payload",
    limit: "16384 bytes",
    value: "16385",
    reason: "limit_exceeded",
  },
];

const cases: readonly Case[] = [
  ...instanceCases.map(({ instance, ...rest }) => ({ ...rest, request: { key, instance: { address, ...instance } } })),
  ...(["namespace", "group"] as const).map((part) => ({
    what: `a ${part}`,
    request: { key: { ...key, [part]: text(64) }, instance: { address } },
    field: part,
    limit: "1 to 63",
    value: "xxx",
  })),
  ...[text(256), "", "a/b", "-a", "a b", "ä"].map((service) => ({
    what: `the service ${JSON.stringify(service.slice(0, 8))}`,
    request: { key: { service }, instance: { address } },
    field: "service",
    limit: "1 to 255",
    value: service.slice(0, 3),
  })),
  ...[999, 600_001].map((leaseMs) => ({
    what: `a lease of ${leaseMs} ms`,
    request: { key, instance: { address }, leaseMs },
    field: "lease_ms",
    limit: "1000 to 600000",
    value: String(leaseMs),
  })),
  { what: "no instance", request: { key }, field: "instance", limit: "present", value: "nothing" },
  {
    what: "a filter's keys",
    method: "Resolve",
    request: { key, filter: { metadata: requirements(17) } },
    field: "filter.metadata",
    limit: "16 keys",
    value: "17",
    reason: "limit_exceeded",
  },
  {
    what: "a filter's values",
    method: "Resolve",
    request: { key, filter: { metadata: [{ key: "k", values: Object.keys(entries(33)) }] } },
    field: 'filter.metadata["k"]',
    limit: "32 values",
    value: "33",
    reason: "limit_exceeded",
  },
  {
    what: "a filter's protocol",
    method: "Resolve",
    request: { key, filter: { protocol: text(33) } },
    field: "filter.protocol",
    limit: "32",
    value: "xxx",
  },
  {
    what: "a namespace to list",
    method: "ListServices",
    request: { namespace: ".." },
    field: "namespace",
    limit: "1 to 63",
    value: '".."',
  },
  {
    what: "no instance id to renew",
    method: "Renew",
    request: { key },
    field: "instance_id",
    limit: "1 to 128",
    value: '""',
  },
];

test.each(cases)("$what out of its limit is refused", async ({ method = "Register", request, ...expected }) => {
  const refusal = await refusalOf(method, request);
  const { field, limit, value, reason = "invalid_field" } = expected;
  expect(refusal.reason).toBe(reason);
  expect(refusal.status).toBe(reason === "invalid_field" ? 400 : 429);
  expect(refusal.subject?.field).toBe(field);
  expect(refusal.subject?.limit).toContain(limit);
  expect(refusal.subject?.value).toContain(value);
  for (const word of [field, limit, value]) expect(refusal.message).toContain(word);
});

function wireClient(): WireClient {
  const client = new WireClient(attacked());
  onTestFinished(() => client.close());
  return client;
}

/** A valid one, but for what is given. */
function registerItem(sequence: number, instance: { id: string; address?: string }): RegisterItem {
  const bytes = bytesFromInstance({
    address,
    protocol: "tcp",
    weight: 100,
    zone: "",
    metadata: {},
    payload: new Uint8Array(0),
    enabled: true,
    health: "healthy",
    ...instance,
  });
  const version = { incarnation: 1, counter: 1 };
  return { sequence, key: serviceKey(key), version, instanceId: instance.id, instance: bytes };
}

test.each([
  ["client id", text(129), "wire", "hello.client_id", "1 to 128"],
  ["agent", "client", text(129), "hello.agent", "at most 128 characters"],
])("a %s that is too long ends the stream and says why", async (_, clientId, agent, field, limit) => {
  const error = await wireClient().hello(clientId, agent).ended();
  expect(error).toMatchObject({ reason: "invalid_field", subject: { field } });
  expect(error?.subject?.limit).toContain(limit);
});

test("a client that says anything before its hello is told so", async () => {
  const error = await wireClient()
    .say({ registers: [registerItem(1, { id: "a" })] })
    .ended();
  expect(error).toMatchObject({ reason: "protocol_violation" });
  expect(error?.message).toContain("hello");
});

test("one part of a message that is refused harms no other part", async () => {
  const client = wireClient()
    .hello("parts")
    .say({
      registers: [registerItem(1, { id: "good" }), registerItem(2, { id: "bad", address: "nowhere" })],
      subscribes: [
        { key: serviceKey(key), filter: NO_FILTER, held: undefined },
        { key: { ...serviceKey(key), group: text(64) }, filter: NO_FILTER, held: undefined },
      ],
    });
  await until(() => client.results.length === 2 && client.pushes.length > 0, { what: "the answers" });
  const outcomes = new Map(client.results.map(({ sequence, outcome }) => [sequence, outcome]));
  expect(outcomes.get(1)?.kind).toBe("applied");
  expect(outcomes.get(2)).toMatchObject({ kind: "refused", error: { subject: { field: "instance.address" } } });
  expect(client.refusals).toMatchObject([{ error: { subject: { field: "group" } } }]);
});

test("the registrations and subscriptions of a client are limited, and others do not feel it", async () => {
  const innocent = await Innocent.start(fixture.cluster, "innocent-of-many");
  onTestFinished(() => innocent.leave());
  const count = LIMITS.registrationsPerClient;
  const batch = 2_500;
  await innocent.during(async () => {
    const client = wireClient().hello("greedy");
    for (let first = 1; first <= count; first += batch)
      client.say({
        registers: Array.from({ length: batch }, (_, index) =>
          registerItem(first + index, { id: `i${first + index}` }),
        ),
        subscribes: Array.from({ length: batch }, (_, index) => ({
          key: serviceKey({ service: `s${first + index}` }),
          filter: NO_FILTER,
          held: undefined,
        })),
      });
    client.say({
      registers: [registerItem(count + 1, { id: "one-too-many" })],
      subscribes: [{ key: serviceKey({ service: "one-too-many" }), filter: NO_FILTER, held: undefined }],
    });
    await until(() => client.results.length === count + 1 && client.refusals.length === 1, {
      what: "an answer to everything",
      withinMs: 20_000,
      because: () => `${client.results.length} results, ${client.refusals.length} refusals`,
    });
    const refused = client.results.filter(({ outcome }) => outcome.kind === "refused");
    expect(refused).toMatchObject([
      {
        sequence: count + 1,
        outcome: {
          error: {
            reason: "limit_exceeded",
            subject: { field: "registrations of a client", limit: "10000", value: "10001" },
          },
        },
      },
    ]);
    expect(client.refusals).toMatchObject([
      { error: { subject: { field: "subscriptions of a client", limit: "10000", value: "10001" } } },
    ]);
    client.close();
  });
});

test.each([
  ["Connect", CONNECT_PATH],
  ["Watch", WATCH_PATH],
])("a message of %s that is too large is refused before it has come", async (_, path) => {
  const header = Uint8Array.of(0, 0, 16, 0, 1);
  const { text: answer } = await sendOnStream(attacked(), path, header);
  expect(answer).toContain("invalid_argument");
  expect(answer).toContain(`message may be at most ${LIMITS.clientMessageBytes} bytes, got 1048577`);
});

test("a call that is too large is refused", async () => {
  const response = await fetch(`http://${attacked()}/rollcall.v1.RegistryService/Resolve`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ key, extra: text(LIMITS.clientMessageBytes) }),
  });
  expect(response.status).toBe(429);
  expect(await response.text()).toContain(String(LIMITS.clientMessageBytes));
});
