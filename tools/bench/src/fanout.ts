/**
 * How long one change of a service takes to reach N subscribers, each on a connection of its own, and what it costs the
 * server. Beside it the same bytes, written by a server that does nothing but write them (node:http2), the same when
 * every subscriber answers with a receipt (receipted), and the same messages through the typed streams of connect-node.
 *
 *     node --conditions=@rollcall/source tools/bench/src/fanout.ts [--subscribers 100,1000,10000] [--instances 100]
 *                       [--changes 10] [--servers rollcall,http2,receipted,typed] [--bodies delta,snapshot]
 *
 * `delta`: subscribers of Connect, who are sent what changed. `snapshot`: watchers, who are sent the whole list. Times
 * are from the change, which for Rollcall is made by a provider and goes through a data node, to the subscriber's
 * callback. The next change is made when all have seen the one before. The first rounds warm up and are dropped.
 */

import { parseArgs } from "node:util";

import { Datum, NO_FILTER, epoch, serviceKey, type Update } from "@rollcall/core";
import { framesFromPush } from "@rollcall/protocol";
import { createClient, type Registration } from "@rollcall/sdk";

import { Child, needOpenFiles } from "./child.ts";
import { BenchCluster } from "./cluster.ts";
import { benchInstance, encodedInstance, type FanoutRound } from "./fanout-words.ts";
import { now, quantile } from "./failover-report.ts";

type Body = "delta" | "snapshot";

const { values } = parseArgs({
  options: {
    subscribers: { type: "string", default: "100,1000,10000" },
    instances: { type: "string", default: "100" },
    changes: { type: "string", default: "10" },
    servers: { type: "string", default: "rollcall,http2,receipted,typed" },
    bodies: { type: "string", default: "delta,snapshot" },
    processes: { type: "string", default: "2" },
    compressed: { type: "boolean", default: false },
  },
});
const instances = Number(values.instances);
const changes = Number(values.changes);
const processes = Number(values.processes);
const warmUp = Math.ceil(changes / 2);
const counts = values.subscribers.split(",").map(Number);
const SERVICE = "fanout";

/** Something that pushes to those who are connected. */
interface Pusher extends AsyncDisposable {
  readonly address: string;
  /** Makes change number `change`. */
  push(change: number): void;
  /** Processor time that its server has used, in microseconds. */
  cpu(): Promise<number>;
}

needOpenFiles(Math.max(...counts) + 200);
const header = ["server", "body", "subscribers", "first ms", "p50 ms", "last ms", "cpu us", "bytes"];
say(header.map((text) => text.padStart(12)).join(""));
for (const body of values.bodies.split(",") as Body[]) {
  for (const count of counts) {
    for (const server of values.servers.split(",")) {
      await using pusher = await (server === "rollcall" ? startRollcall() : startComparison(server, body));
      const rounds = await measure(pusher, server, body, count);
      say(row(server, body, count, rounds));
    }
  }
}

/** What became of one change. */
interface Measured {
  readonly arrivedMs: readonly number[];
  readonly cpuMicroseconds: number;
  readonly bytes: number;
}

async function measure(pusher: Pusher, server: string, body: Body, count: number): Promise<Measured[]> {
  await using clients = new AsyncDisposableStack();
  const each = Math.ceil(count / processes);
  const children = Array.from({ length: processes }, (_, index) => {
    const first = index * each;
    const own = Math.min(each, count - first);
    const args = [
      pusher.address,
      SERVICE,
      String(own),
      String(first),
      wayOf(server, body),
      values.compressed ? "compressed" : "plain",
    ];
    return clients.use(new Child("fanout-clients", args));
  });
  await Promise.all(children.map((child) => child.line()));
  const measured: Measured[] = [];
  for (let change = 1; change <= changes + warmUp; change++) {
    const cpuBefore = await pusher.cpu();
    const from = now();
    pusher.push(change);
    const rounds = (await Promise.all(children.map((child) => child.line()))).map(
      (line) => JSON.parse(line) as FanoutRound,
    );
    const cpu = (await pusher.cpu()) - cpuBefore;
    if (change <= warmUp) continue;
    measured.push({
      arrivedMs: rounds.flatMap(({ arrivedAt }) => arrivedAt.map((at) => at - from)).toSorted((a, b) => a - b),
      cpuMicroseconds: cpu / count,
      bytes: rounds.reduce((sum, { bytes }) => sum + bytes, 0) / count,
    });
  }
  return measured;
}

/** What the subscribers are told to do. */
function wayOf(server: string, body: Body): string {
  if (server === "rollcall") return body === "delta" ? "connect" : "watch";
  return server === "receipted" ? "acknowledge" : "listen";
}

/** The median over the rounds of what was seen in each. */
function row(server: string, body: Body, count: number, rounds: readonly Measured[]): string {
  const median = (of: (round: Measured) => number): string =>
    quantile(
      rounds.map(of).toSorted((a, b) => a - b),
      0.5,
    );
  const at = (share: number) =>
    median(({ arrivedMs }) => arrivedMs[Math.min(arrivedMs.length - 1, Math.floor(arrivedMs.length * share))]!);
  const cells = [server, body, count, at(0), at(0.5), at(1), median((round) => round.cpuMicroseconds)];
  const bytes = rounds.reduce((sum, round) => sum + round.bytes, 0) / rounds.length;
  return [...cells, bytes.toFixed(0)].map((cell) => String(cell).padStart(12)).join("");
}

async function startRollcall(): Promise<Pusher> {
  const cluster = await BenchCluster.start({ data: 1, sessions: 1 });
  const session = cluster.sessions[0]!;
  const provider = createClient({ servers: [session.address] });
  const registrations: Registration[] = await Promise.all(
    Array.from({ length: instances }, (_, index) =>
      provider.register({ service: SERVICE, ...benchInstance(index, 0) }),
    ),
  );
  return {
    address: session.address,
    push: (change) => void registrations[change % instances]!.update(benchInstance(change % instances, change)),
    async cpu() {
      const text = await (await fetch(`http://${session.address}/metrics`)).text();
      return Number(/^rollcall_process_cpu_seconds_total (\S+)/m.exec(text)?.[1]) * 1e6;
    },
    async [Symbol.asyncDispose]() {
      await provider.close();
      await cluster[Symbol.asyncDispose]();
    },
  };
}

async function startComparison(server: string, body: Body): Promise<Pusher> {
  const child = new Child(server === "typed" ? "fanout-typed" : "fanout-http2");
  const datum = new Datum(serviceKey({ service: SERVICE }), { epoch: epoch(1), counter: 0 });
  for (let index = 0; index < instances; index++) put(datum, index, 0);
  child.say(messageOf(datum.snapshot(NO_FILTER, true)));
  const address = await child.line();
  return {
    address,
    push(change) {
      const { held } = datum;
      put(datum, change % instances, change);
      const delta = body === "delta" ? datum.delta(held, NO_FILTER, true) : undefined;
      child.say(messageOf(delta ?? datum.snapshot(NO_FILTER, true)));
    },
    cpu: async () => Number(await child.ask("cpu")),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

function put(datum: Datum, index: number, change: number): void {
  const counter = datum.version.counter + 1;
  datum.put(encodedInstance(index, change), { epoch: epoch(1), counter });
}

/** A framed push as text. */
function messageOf(update: Update): string {
  return Buffer.from(framesFromPush(update)[0]!).toString("base64");
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
