// Subscribers that do not read, or that get stuck in their own code: everybody else is told everything, and what the
// session keeps for them stays small.

import { once } from "node:events";

import { create, toBinary } from "@bufbuild/protobuf";
import { NO_FILTER, frameFromMessage, serviceKey } from "@rollcall/core";
import { CONNECT_PATH, RegistryService, WATCH_PATH, frameFromClientMessage } from "@rollcall/protocol";
import type { Registration, ServiceView } from "@rollcall/sdk";
import { expect, onTestFinished, test } from "vitest";

import { Innocent } from "../src/innocent.ts";
import { openSession, openStream } from "../src/raw-http.ts";
import { until } from "../src/until.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 1, sessions: 2 });

const attacked = (): string => fixture.cluster.sessions[0]!.address;

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`http://${attacked()}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)`, "m").exec(text)?.[1]);
}

/** A service of 128 instances with 16 KiB each, through the session that is not attacked. */
async function registerLarge(service: string): Promise<Registration[]> {
  const provider = fixture.client({ servers: [fixture.cluster.sessions[1]!.address] });
  return Promise.all(
    Array.from({ length: 128 }, (_, index) =>
      provider.register({
        service,
        id: `i-${index}`,
        address: "10.0.0.1:80",
        payload: new Uint8Array(16 * 1_024).fill(index),
      }),
    ),
  );
}

/** Asks for a service, and reads only the beginning of what comes. */
async function stopReading(path: string, service: string, number: number): Promise<void> {
  const session = openSession(attacked());
  onTestFinished(() => session.destroy());
  const stream = openStream(session, path);
  const { input } = RegistryService.method.watch;
  const request =
    path === WATCH_PATH
      ? frameFromMessage(toBinary(input, create(input, { key: { service } })))
      : frameFromClientMessage({
          hello: { clientId: `stalled-${number}`, incarnation: 1, agent: "stalled", moves: false },
          subscribes: [{ key: serviceKey({ service }), filter: NO_FILTER, held: undefined }],
        });
  stream.write(request);
  await once(stream, "readable");
  stream.read();
}

/** What is pushed while nobody reads: many times what the session may keep for those who do not. */
const CHANGES = 200;
const STALLED = 20;
/** The list is 2 MiB: everything that is pushed meanwhile, even if it were shared by all, is 400 MiB. */
const GROWN_BYTES_MAX = 150 * 1_024 * 1_024;

test.each([
  ["watchers", WATCH_PATH],
  ["clients", CONNECT_PATH],
])("%s that stop reading are owed the newest list and nothing more", { timeout: 60_000 }, async (_, path) => {
  const service = `stalled-${path === WATCH_PATH ? "watch" : "connect"}`;
  const registrations = await registerLarge(service);
  const innocent = await Innocent.start(fixture.cluster, `${service}-innocent`);
  onTestFinished(() => innocent.leave());
  const reading = fixture.client({ servers: [attacked()] }).subscribe(service);
  const views: ServiceView[] = [];
  reading.onChange((view) => void views.push(view));
  await reading.ready;
  for (let number = 0; number < STALLED; number++) await stopReading(path, service, number);
  const before = await metric("rollcall_process_resident_memory_bytes");
  await innocent.during(async () => {
    for (let change = 1; change <= CHANGES; change++) {
      await registrations[change % registrations.length]!.update({ metadata: { change: String(change) } });
      await until(() => isShown(views.at(-1), change), { what: `change ${change} is shown to those who read` });
    }
  });
  expect((await metric("rollcall_process_resident_memory_bytes")) - before).toBeLessThan(GROWN_BYTES_MAX);
});

function isShown(view: ServiceView | undefined, change: number): boolean {
  return view?.instances.some(({ metadata }) => metadata["change"] === String(change)) ?? false;
}

test("a callback that throws, or whose promise never settles, keeps nobody from being called", async () => {
  const service = "broken-callbacks";
  const provider = fixture.client({ servers: [fixture.cluster.sessions[1]!.address] });
  const registration = await provider.register({ service, id: "a", address: "10.0.0.1:80" });
  const consumer = fixture.client({ servers: [attacked()] });
  const errors: string[] = [];
  consumer.on("error", ({ error }) => void errors.push(error.message));
  const broken = consumer.subscribe(service);
  broken.onChange(() => {
    throw new Error("thrown by a callback");
  });
  broken.onChange(() => new Promise(() => {}));
  const views: ServiceView[] = [];
  broken.onChange((view) => void views.push(view));
  for (let change = 1; change <= 20; change++) {
    await registration.update({ metadata: { change: String(change) } });
    await until(() => isShown(views.at(-1), change), { what: `change ${change}` });
  }
  expect(errors.length).toBeGreaterThanOrEqual(20);
  expect(new Set(errors)).toEqual(new Set(["thrown by a callback"]));
});

test("a process that is stuck in its callback is let go of, and others are told everything", async () => {
  const service = "stuck";
  const innocent = await Innocent.start(fixture.cluster, "stuck-innocent");
  onTestFinished(() => innocent.leave());
  const provider = fixture.client({ servers: [fixture.cluster.sessions[1]!.address] });
  const registration = await provider.register({ service, id: "a", address: "10.0.0.1:80" });
  const clients = await metric("rollcall_session_clients");
  const { group } = fixture.cluster;
  const program = group.start({
    name: "stuck",
    script: "e2e/cluster/src/programs/stuck-subscriber.ts",
    args: [attacked(), service],
  });
  onTestFinished(() => program.drop());
  await program.ready();
  expect(await metric("rollcall_session_clients")).toBe(clients + 1);
  await innocent.during(async () => {
    await registration.update({ metadata: { change: "1" } });
    await until(async () => (await metric("rollcall_session_clients")) === clients, {
      what: "the session lets go of who does not answer",
    });
  });
});
