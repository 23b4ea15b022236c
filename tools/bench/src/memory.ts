/**
 * What instances cost a data node and a session in memory, and what a restart of the data node costs in time.
 *
 *     node --conditions=@rollcall/source tools/bench/src/memory.ts [--instances 300000] [--bytes 200] [--streams 30]
 *                                                                  [--clients 1000] [--subscriptions 5]
 *
 * One meta, one data node, one session. Resident memory is read when the garbage of registering is mostly gone: the
 * least that was seen during a while of rest. Nothing is subscribed to by those who register. Then clients come that ask
 * for nothing; others that subscribe, for whom the session begins to keep lists; and others that subscribe to the same.
 *
 * A node does not collect its garbage while it rests, so this is what it holds and what the engine has not bothered to
 * collect since: it varies by a fifth from run to run. NODE_OPTIONS reaches the nodes; with
 * "--max-semi-space-size=16 --max-old-space-size=512" the engine bothers earlier.
 */

import { parseArgs } from "node:util";

import { LIMITS, instanceFromInput, serviceKey } from "@rollcall/core";
import {
  CONNECT_PATH,
  bytesFromInstance,
  errorDetailCodec,
  frameFromClientMessage,
  serverMessageFromBytes,
} from "@rollcall/protocol";
import { createHttp2Dialer } from "@rollcall/runtime/stream";

import { Child, needOpenFiles, residentBytes } from "./child.ts";
import { BenchCluster, serversOf, type BenchNode } from "./cluster.ts";
import { less, tellFigures } from "./harness/figures.ts";
import { metricOf } from "./harness/metrics.ts";
import { NO_FAULTS } from "./harness/scenario.ts";
import { usageWhile } from "./harness/usage.ts";

const { values } = parseArgs({
  options: {
    instances: { type: "string", default: "300000" },
    bytes: { type: "string", default: "200" },
    streams: { type: "string", default: "30" },
    services: { type: "string", default: "3000" },
    clients: { type: "string", default: "1000" },
    subscriptions: { type: "string", default: "5" },
    "rest-ms": { type: "string", default: "12000" },
  },
});
const instances = Number(values.instances);
const streams = Number(values.streams);
const services = Number(values.services);
const restMs = Number(values["rest-ms"]);
const clients = Number(values.clients);
const subscriptions = Number(values.subscriptions);
const perStream = Math.ceil(instances / streams);
if (perStream > LIMITS.registrationsPerClient) {
  throw new Error(
    `a client registers at most ${LIMITS.registrationsPerClient} instances: use more than ${streams} streams`,
  );
}

/** Instances in one message. */
const BATCH = 500;
/** How often something is looked at, in milliseconds. */
const LOOK_EVERY_MS = 20;
const WITHIN_MS = 120_000;

await using cluster = await BenchCluster.start({ data: 1, sessions: 1 });
const [data, session] = [cluster.data[0]!, cluster.sessions[0]!];
const idle = await leastMemory([data, session], 2_000);

const { usage, ...registering } = await usageWhile(serversOf(cluster), () =>
  Promise.all(Array.from({ length: streams }, (_, stream) => registerAll(stream))),
);
const used = ["data", "session"].map((role) => usage.find((one) => one.role === role)!.cpuSeconds);
say(
  `${instances} instances of ${sizeOf(0)} B registered over ${streams} streams in ${registering.seconds.toFixed(2)} s; ` +
    `processor time of each: ${used.map((total) => ((total / instances) * 1e6).toFixed(1)).join(" us data, ")} us session`,
);

const full = await leastMemory([data, session], restMs);
for (const [index, node] of [data, session].entries()) {
  const grown = full[index]! - idle[index]!;
  const each = (grown / instances).toFixed(0);
  say(
    `${node.nodeId}: ${megabytes(idle[index]!)} MiB idle, ${megabytes(full[index]!)} MiB full: ${each} B an instance`,
  );
}
say(
  ...(await metricsAbout(data, /entropy|digest|warm|copy|round/)),
  ...(await metricsAbout(session, /entropy|digest|round/)),
);

const crowds = await tryCrowds(full[1]!);
const first = await restart(data);
const second = await restart(cluster.data[0]!);
const grown = full.map((bytes, index) => (bytes - idle[index]!) / instances);
tellFigures({
  metrics: [
    less("memory of the data node for each instance", "B", grown[0]!),
    less("memory of the session for each instance", "B", grown[1]!),
    less("CPU of the data node for each registration", "µs", (used[0]! / instances) * 1e6),
    less("CPU of the session for each registration", "µs", (used[1]! / instances) * 1e6),
    less("memory of the session for each client that asks for nothing", "KiB", crowds.client / 1_024),
    less("memory of the session for each subscription, when it has the list", "KiB", crowds.subscription / 1_024),
    less("memory of the session for each instance in lists that it has", "B", crowds.listed),
    less("restart of the data node until it is complete", "s", Math.max(first, second) / 1_000),
  ],
  faults: NO_FAULTS,
  usage,
});

/** What a client, a subscription and an instance in a list that somebody is subscribed to take of the session, in bytes. */
async function tryCrowds(before: number): Promise<{ client: number; subscription: number; listed: number }> {
  needOpenFiles(3 * clients + 200);
  await using stack = new AsyncDisposableStack();
  /** @param turn a multiple of all services further, other clients subscribe to the same */
  const memoryWith = async (turn: number, each: number): Promise<number> => {
    const first = turn * services * Math.ceil(clients / services);
    const args = [session.address, clients, first, each, services].map(String);
    await stack.use(new Child("clients-crowd", args)).line();
    return (await leastMemory([session], restMs))[0]!;
  };
  const idle = await memoryWith(0, 0);
  const listing = await memoryWith(1, subscriptions);
  const subscribed = await memoryWith(2, subscriptions);
  const client = (idle - before) / clients;
  const listed = services > clients ? Math.min(services, clients + 7 * (subscriptions - 1)) : services;
  say(
    `session-1 with ${clients} clients each time: ${[before, idle, listing, subscribed].map(megabytes).join(", ")} MiB`,
  );
  return {
    client,
    subscription: ((subscribed - listing) / clients - client) / subscriptions,
    listed: (listing - idle - (subscribed - listing)) / listed / (instances / services),
  };
}

/** Ends a data node in order and starts it again: when it listens, is ready, and has everything. */
async function restart(node: BenchNode): Promise<number> {
  await cluster.end(node, "SIGTERM");
  const startedAt = performance.now();
  const again = await cluster.restart(node);
  const listensMs = performance.now() - startedAt;
  await cluster.ready(again, WITHIN_MS);
  const readyMs = performance.now() - startedAt;
  await until(
    async () => (await metricOf(again.address, "rollcall_data_instances")) >= instances,
    "it has all instances",
  );
  const completeMs = performance.now() - startedAt;
  say(
    `${node.nodeId} restarted: listens after ${seconds(listensMs)} s, ready after ${seconds(readyMs)} s, ` +
      `complete after ${seconds(completeMs)} s, then ${megabytes(residentBytes(again.process))} MiB`,
  );
  return completeMs;
}

/** Registers what one client has, and keeps its stream. Resolves when everything is applied. */
function registerAll(stream: number): Promise<void> {
  const link = createHttp2Dialer({ errorDetail: errorDetailCodec }).dial(session.address, CONNECT_PATH);
  return new Promise((resolve, reject) => {
    let applied = 0;
    let sent = 0;
    const sendBatch = (): void => {
      const batch = Array.from({ length: Math.min(BATCH, perStream - sent) }, () => item(stream, sent++));
      if (batch.length > 0) link.send(frameFromClientMessage({ registers: batch }));
    };
    link.listen({
      message(bytes) {
        const { results } = serverMessageFromBytes(bytes);
        const refused = results.find(({ outcome }) => outcome.kind === "refused");
        if (refused !== undefined) reject(new Error(`refused: ${JSON.stringify(refused.outcome)}`));
        const batchesBefore = Math.floor(applied / BATCH);
        applied += results.length;
        for (let batch = batchesBefore; batch < Math.floor(applied / BATCH); batch++) sendBatch();
        if (applied >= perStream) resolve();
      },
      closed: (error) => reject(error ?? new Error("the session ended a stream")),
    });
    link.send(
      frameFromClientMessage({ hello: { clientId: `stream-${stream}`, incarnation: 1, agent: "bench", moves: false } }),
    );
    // One on its way, one to be worked on.
    sendBatch();
    sendBatch();
  });
}

function item(stream: number, index: number) {
  const number = stream * perStream + index;
  const instanceId = `instance-${number}`;
  return {
    sequence: index + 1,
    key: serviceKey({ service: `bench-${number % services}` }),
    version: { incarnation: 1, counter: index + 1 },
    instanceId,
    instance: encoded(instanceId),
  };
}

/** An instance that is as large as was asked for. */
function encoded(id: string): Uint8Array {
  const make = (note: string): Uint8Array =>
    bytesFromInstance(instanceFromInput({ id, address: "10.0.0.1:8080", metadata: { note } }, () => id));
  return make("x".repeat(Math.max(0, Number(values.bytes) - make("").length)));
}

function sizeOf(number: number): number {
  return encoded(`instance-${number}`).length;
}

/** The least resident memory of each node during a while. */
async function leastMemory(nodes: readonly BenchNode[], forMs: number): Promise<number[]> {
  const least = nodes.map(() => Infinity);
  const end = performance.now() + forMs;
  while (performance.now() < end) {
    for (const [index, node] of nodes.entries()) least[index] = Math.min(least[index]!, residentBytes(node.process));
    await elapse(LOOK_EVERY_MS);
  }
  return least;
}

/** Lines of a node's metrics with these words in them. */
async function metricsAbout(node: BenchNode, words: RegExp): Promise<string[]> {
  const text = await (await fetch(`http://${node.address}/metrics`)).text();
  return text
    .split("\n")
    .filter((line) => !line.startsWith("#") && words.test(line))
    .map((line) => `${node.nodeId}: ${line}`);
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${WITHIN_MS} ms: ${what}`);
    await elapse(LOOK_EVERY_MS);
  }
}

function say(...lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(2);
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

function elapse(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
