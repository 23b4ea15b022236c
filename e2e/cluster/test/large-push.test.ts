// A service whose list is larger than what gRPC's clients take in one message unless told otherwise.

import { create, fromBinary, toBinary, type MessageShape } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { EMPTY_DIGEST, NO_FILTER, digestOfBytes, serviceKey, toggleDigest } from "@rollcall/core";
import { InstanceSchema, RegistryService, WATCH_PATH } from "@rollcall/protocol";
import type { ServiceView } from "@rollcall/sdk";
import { expect, onTestFinished, test } from "vitest";

import { until } from "../src/until.ts";
import { WireClient } from "../src/wire-client.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 1, sessions: 2 });

const INSTANCES = 400;
const PAYLOAD_BYTES = 16 * 1_024;
const GRPC_BYTES_MAX = 4 * 1_024 * 1_024;

/** Registers a list of 6.25 MiB through the first session. */
async function registerMany(service: string): Promise<void> {
  const provider = fixture.client({ servers: [fixture.cluster.sessions[0]!.address] });
  const registrations = Array.from({ length: INSTANCES }, (_, index) =>
    provider.register({
      service,
      id: `i-${index}`,
      address: "10.0.0.1:80",
      payload: new Uint8Array(PAYLOAD_BYTES).fill(index),
    }),
  );
  await Promise.all(registrations);
}

test("the SDK is shown every list whole, although it comes in parts", async () => {
  const service = "large-sdk";
  const consumer = fixture.client({ servers: [fixture.cluster.sessions[1]!.address] });
  await registerMany(service);
  const subscription = consumer.subscribe(service);
  const views: ServiceView[] = [];
  subscription.onChange((view) => void views.push(view));
  expect((await subscription.ready).instances).toHaveLength(INSTANCES);
  const late = fixture.client({ servers: [fixture.cluster.sessions[0]!.address] });
  await late.register({ service, id: "late", address: "10.0.0.2:80" });
  await until(() => views.at(-1)?.instances.length === INSTANCES + 1, { what: "one more" });
  expect(views.every(({ instances }) => instances.length >= INSTANCES)).toBe(true);
});

test("a client with gRPC's own limits watches it, in messages that it accepts", async () => {
  const service = "large-grpc";
  await registerMany(service);
  const { input, output } = RegistryService.method.watch;
  const client = new grpc.Client(fixture.cluster.sessions[1]!.address, grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  const sizes: number[] = [];
  const watching = client.makeServerStreamRequest(
    WATCH_PATH,
    (request: MessageShape<typeof input>) => Buffer.from(toBinary(input, request)),
    (bytes: Buffer) => {
      sizes.push(bytes.length);
      return fromBinary(output, bytes);
    },
    create(input, { key: { service } }),
  );
  const pushes: MessageShape<typeof output>["pushes"] = [];
  const errors: Error[] = [];
  watching.on("data", (response: MessageShape<typeof output>) => void pushes.push(...response.pushes));
  watching.on("error", (error: Error) => void errors.push(error));
  const last = await until(() => errors[0] ?? pushes.find(({ more }) => !more), { what: "the last part" });
  watching.cancel();
  expect(last).not.toBeInstanceOf(Error);
  expect(pushes.length).toBeGreaterThan(1);
  expect(Math.max(...sizes)).toBeLessThan(GRPC_BYTES_MAX);
  const instances = pushes.flatMap((push) => push.instances);
  expect(new Set(instances.map(({ id }) => id)).size).toBe(INSTANCES);
  const { high, low } = instances
    .map((instance) => digestOfBytes(toBinary(InstanceSchema, instance)))
    .reduce(toggleDigest, EMPTY_DIGEST);
  expect((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toBe(pushes[0]!.digest);
});

test("parts of one push are answered by one receipt", async () => {
  const service = "large-wire";
  await registerMany(service);
  const consumer = new WireClient(fixture.cluster.sessions[1]!.address, { acknowledges: true }).hello("large");
  onTestFinished(() => consumer.close());
  consumer.say({ subscribes: [{ key: serviceKey({ service }), filter: NO_FILTER, held: undefined }] });
  const last = await until(() => consumer.pushes.find(({ more }) => more !== true), { what: "the last part" });
  const parts = consumer.pushes;
  expect(parts.map(({ more }) => more)).toEqual([...parts.slice(1).map(() => true), false]);
  expect(parts.flatMap(({ instances }) => instances)).toHaveLength(INSTANCES);
  const provider = fixture.client();
  await provider.register({ service, id: "late", address: "10.0.0.2:80" });
  const next = await until(() => consumer.pushes[parts.length], { what: "the next push" });
  expect(next.baseDigest).toEqual(last.digest);
  expect(next.instances.map(({ id }) => id)).toEqual(["late"]);
});
