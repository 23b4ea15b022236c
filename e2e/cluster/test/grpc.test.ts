// gRPC's own client, as other languages have it: nothing of ours but the schema.

import { once } from "node:events";

import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethod,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { digestOfBytes, toggleDigest, EMPTY_DIGEST } from "@rollcall/core";
import {
  DataService,
  Health,
  HealthCheckResponse_ServingStatus as Status,
  InstanceSchema,
  MetaService,
  RegistryService,
  ZoneRule,
  errorDetailCodec,
} from "@rollcall/protocol";
import { expect, onTestFinished, test } from "vitest";

import { until } from "../src/until.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 2, sessions: 2 });

const { method } = RegistryService;

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function serializerOf<Schema extends DescMessage>(schema: Schema): (message: MessageShape<Schema>) => Buffer {
  return (message) => Buffer.from(toBinary(schema, message));
}

function deserializerOf<Schema extends DescMessage>(schema: Schema): (bytes: Buffer) => MessageShape<Schema> {
  return (bytes) => fromBinary(schema, bytes);
}

function clientOf(address = fixture.cluster.sessions[0]!.address): grpc.Client {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  return client;
}

function call<Input extends DescMessage, Output extends DescMessage>(
  client: grpc.Client,
  method: DescMethodUnary<Input, Output>,
  request: MessageInitShape<Input>,
): Promise<MessageShape<Output>> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      pathOf(method),
      serializerOf(method.input),
      deserializerOf(method.output),
      create(method.input, request),
      { deadline: Date.now() + 5_000 },
      (error, response) => {
        if (error !== null) reject(error);
        else resolve(response!);
      },
    );
  });
}

/** The messages of a stream as they come. */
function gather<Message>(stream: NodeJS.EventEmitter): Message[] {
  const messages: Message[] = [];
  stream.on("data", (message: Message) => messages.push(message));
  // A call that is cancelled ends with an error, which is not the test's concern.
  stream.on("error", () => {});
  return messages;
}

test("every unary method", async () => {
  const client = clientOf();
  const key = { service: "grpc-unary" };
  const { instanceId, leaseMs, version } = await call(client, method.register, {
    key,
    instance: { address: "10.0.0.1:8080", protocol: "grpc", metadata: { version: "1.2" } },
  });
  expect({ instanceId, leaseMs }).toEqual({ instanceId: "grpc@10.0.0.1:8080", leaseMs: 15_000 });
  expect(version?.epoch).toBeGreaterThan(0n);
  await call(client, method.renew, { key, instanceId });
  const { instances } = await call(client, method.resolve, { key, filter: { protocol: "grpc" } });
  expect(instances.map(({ id, metadata }) => ({ id, metadata }))).toEqual([
    { id: instanceId, metadata: { version: "1.2" } },
  ]);
  const elsewhere = { key, filter: { zone: "eu-1", zoneRule: ZoneRule.PREFERRED } };
  expect((await call(client, method.resolve, elsewhere)).instances).toHaveLength(1);
  const nowhere = { key, filter: { zone: "eu-1", zoneRule: ZoneRule.ONLY } };
  expect((await call(client, method.resolve, nowhere)).instances).toHaveLength(0);
  const { services } = await call(client, method.listServices, {});
  expect(services.map((summary) => [summary.key?.service, summary.instances])).toContainEqual(["grpc-unary", 1]);
  await call(client, method.unregister, { key, instanceId });
  const error = await call(client, method.renew, { key, instanceId }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: grpc.status.NOT_FOUND });
});

test("a refusal carries its reason, field, limit and value", async () => {
  const refused = await call(clientOf(), method.register, {
    key: { service: "grpc-refused" },
    instance: { address: "nowhere" },
  }).catch((thrown: unknown) => thrown as grpc.ServiceError);
  const { code, details, metadata } = refused as grpc.ServiceError;
  expect(code).toBe(grpc.status.INVALID_ARGUMENT);
  // The typed API writes more escapes than grpc-js undoes.
  const message = decodeURIComponent(details);
  expect(message).toBe(
    'instance.address must be "host:port" with a host of at most 253 characters and a port from 1 to 65535, got "nowhere"',
  );
  const [status] = metadata.get("grpc-status-details-bin") as [Buffer];
  const detail = errorDetailCodec.encode({
    reason: "invalid_field",
    message,
    subject: {
      field: "instance.address",
      limit: '"host:port" with a host of at most 253 characters and a port from 1 to 65535',
      value: '"nowhere"',
    },
  });
  expect(status.includes(Buffer.from(detail))).toBe(true);
});

test("Watch", async () => {
  const { cluster } = fixture;
  const watching = clientOf(cluster.sessions[1]!.address).makeServerStreamRequest(
    pathOf(method.watch),
    serializerOf(method.watch.input),
    deserializerOf(method.watch.output),
    create(method.watch.input, { key: { service: "grpc-watch" } }),
  );
  onTestFinished(() => watching.cancel());
  const messages = gather<MessageShape<typeof method.watch.output>>(watching);
  const shown = (): string[][] =>
    messages.flatMap(({ pushes }) => pushes.map(({ instances }) => instances.map(({ id }) => id)));
  await until(() => shown().length === 1, { what: "the first push" });
  const client = clientOf();
  const key = { service: "grpc-watch" };
  await call(client, method.register, { key, instance: { id: "a", address: "10.0.0.1:80" } });
  await until(() => shown().length === 2, { what: "the registration" });
  await call(client, method.unregister, { key, instanceId: "a" });
  await until(() => shown().length === 3, { what: "its end" });
  expect(shown()).toEqual([[], ["a"], []]);
});

test("WatchServices", async () => {
  const watching = clientOf(fixture.cluster.sessions[1]!.address).makeServerStreamRequest(
    pathOf(method.watchServices),
    serializerOf(method.watchServices.input),
    deserializerOf(method.watchServices.output),
    create(method.watchServices.input, { namespace: "grpc-list" }),
  );
  onTestFinished(() => watching.cancel());
  const messages = gather<MessageShape<typeof method.watchServices.output>>(watching);
  const shown = (): string[] =>
    messages.flatMap(({ servicesPushes }) =>
      servicesPushes.map(({ services }) => services.map(({ group, service }) => `${group}/${service}`).join()),
    );
  await until(() => shown().length === 1, { what: "the first list" });
  const key = { namespace: "grpc-list", group: "blue", service: "a" };
  await call(clientOf(), method.register, { key, instance: { id: "a", address: "10.0.0.1:80" } });
  await until(() => shown().length === 2, { what: "the service" });
  await call(clientOf(), method.unregister, { key, instanceId: "a" });
  await until(() => shown().length === 3, { what: "its end" });
  expect(shown()).toEqual(["", "blue/a", ""]);
});

test("a list of services on Connect comes with a digest of the texts of its keys", async () => {
  type Response = MessageShape<typeof method.connect.output>;
  const { input, output } = method.connect;
  const link = clientOf().makeBidiStreamRequest(pathOf(method.connect), serializerOf(input), deserializerOf(output));
  onTestFinished(() => link.cancel());
  const messages = gather<Response>(link);
  const say = (message: MessageInitShape<typeof input>): void => void link.write(create(input, message));
  const pattern = { namespace: "grpc-digest" };
  const keys = ["a", "b"].map((service) => ({ namespace: "grpc-digest", group: "", service }));
  for (const key of keys)
    await call(clientOf(), method.register, { key, instance: { id: "i", address: "10.0.0.1:80" } });
  say({ hello: { clientId: "grpc-lists", incarnation: 1n, agent: "grpc-js" }, servicesSubscribes: [{ pattern }] });
  const pushes = (): Response["servicesPushes"] => messages.flatMap((message) => message.servicesPushes);
  await until(() => pushes().length === 1, { what: "the list" });
  const [push] = pushes();
  const texts = keys.map(({ service }) => new TextEncoder().encode(`grpc-digest/default/${service}`));
  expect(push!.digest).toBe(digestOf(new Map(texts.map((text, index) => [String(index), text]))));
  // Without a receipt there is no further push; with one the change comes as a delta.
  say({ servicesReceipts: [{ pattern, held: { version: push!.version!, digest: push!.digest } }] });
  await call(clientOf(), method.unregister, { key: keys[0]!, instanceId: "i" });
  await until(() => pushes().length === 2, { what: "the change" });
  expect(pushes()[1]).toMatchObject({ baseDigest: push!.digest, services: [], removed: [{ service: "a" }] });
});

test("a whole conversation on Connect: hello, registrations, subscriptions, receipts, goodbye", async () => {
  type Response = MessageShape<typeof method.connect.output>;
  const { input, output } = method.connect;
  const link = clientOf().makeBidiStreamRequest(pathOf(method.connect), serializerOf(input), deserializerOf(output));
  onTestFinished(() => link.cancel());
  const messages = gather<Response>(link);
  const say = (message: MessageInitShape<typeof input>): void => void link.write(create(input, message));
  const pushes = (): Response["pushes"] => messages.flatMap((message) => message.pushes);
  const results = (): Response["results"] => messages.flatMap((message) => message.results);
  const key = { service: "grpc-connect" };
  const version = { incarnation: 1n, counter: 1n };

  say({
    hello: { clientId: "grpc-conversation", incarnation: 1n, agent: "grpc-js" },
    registers: [
      { sequence: 1n, key, version, instance: { id: "a", address: "10.0.0.1:80" } },
      { sequence: 2n, key, version, instance: { id: "b", address: "no port" } },
    ],
    subscribes: [{ key }],
  });
  await until(() => results().length === 2, { what: "both results" });
  expect(messages[0]?.hello?.nodeId).toBe("session-1");
  const outcomes = new Map(results().map(({ sequence, outcome }) => [sequence, outcome]));
  expect(outcomes.get(1n)?.case).toBe("applied");
  expect(outcomes.get(2n)).toMatchObject({ case: "refused", value: { field: "instance.address", value: '"no port"' } });

  // Every push is answered by what is held then; a delta is applied to what was held before.
  const held = new Map<string, Uint8Array>();
  let answered = 0;
  const receive = (): boolean => {
    for (const push of pushes().slice(answered)) {
      answered++;
      if (push.baseDigest === undefined) held.clear();
      for (const id of push.removedIds) held.delete(id);
      for (const instance of push.instances) held.set(instance.id, toBinary(InstanceSchema, instance));
      expect(digestOf(held)).toBe(push.digest);
      say({ receipts: [{ key, held: { version: push.version!, digest: push.digest } }] });
    }
    return true;
  };
  await until(() => receive() && held.has("a"), { what: "the push of the registration" });
  await call(clientOf(fixture.cluster.sessions[1]!.address), method.register, {
    key,
    instance: { id: "c", address: "10.0.0.3:80" },
  });
  await until(() => receive() && held.has("c"), { what: "the push of what another client registered" });
  say({ unregisters: [{ sequence: 3n, key, version: { incarnation: 1n, counter: 2n }, instanceId: "a" }] });
  await until(() => receive() && !held.has("a"), { what: "the push of the end" });
  expect([...held.keys()]).toEqual(["c"]);
  expect(pushes().at(-1)?.baseDigest, "one change of many comes as a delta").toBeDefined();

  const status = once(link, "status");
  link.end();
  expect((await status)[0]).toMatchObject({ code: grpc.status.OK });
});

test("grpc.health.v1 tells of every node and of its services", async () => {
  const { cluster } = fixture;
  const nodes = [
    [cluster.meta, MetaService.typeName],
    [cluster.data[0]!, DataService.typeName],
    [cluster.sessions[0]!, RegistryService.typeName],
  ] as const;
  for (const [{ address }, service] of nodes) {
    const client = clientOf(address);
    for (const asked of ["", service])
      expect((await call(client, Health.method.check, { service: asked })).status).toBe(Status.SERVING);
    await expect(call(client, Health.method.check, { service: "nobody" })).rejects.toMatchObject({
      code: grpc.status.NOT_FOUND,
    });
    const watching = client.makeServerStreamRequest(
      pathOf(Health.method.watch),
      serializerOf(Health.method.watch.input),
      deserializerOf(Health.method.watch.output),
      create(Health.method.watch.input, { service }),
    );
    const statuses = gather<{ readonly status: Status }>(watching);
    await until(() => statuses.length === 1, { what: "the first status" });
    expect(statuses[0]?.status).toBe(Status.SERVING);
    watching.cancel();
  }
});

test("methods that a node does not have are not implemented, and the call says so", async () => {
  await expect(call(clientOf(fixture.cluster.data[0]!.address), method.resolve, {})).rejects.toMatchObject({
    code: grpc.status.UNIMPLEMENTED,
  });
});

/** As docs/api.md says: the exclusive or of the digests of the instances' bytes. */
function digestOf(held: ReadonlyMap<string, Uint8Array>): bigint {
  let digest = EMPTY_DIGEST;
  for (const bytes of held.values()) digest = toggleDigest(digest, digestOfBytes(bytes));
  return (BigInt(digest.high >>> 0) << 32n) | BigInt(digest.low >>> 0);
}
