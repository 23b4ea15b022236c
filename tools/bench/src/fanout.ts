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

import { Child, needOpenFiles } from "./child.ts";
import { FANOUT_SERVICE, startComparison, startRollcall, wayOf, type Body, type Pusher } from "./fanout-pushers.ts";
import type { FanoutRound } from "./fanout-words.ts";
import { now } from "./harness/clock.ts";
import { quantileText } from "./harness/statistics.ts";

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
needOpenFiles(Math.max(...counts) + 200);
const header = ["server", "body", "subscribers", "first ms", "p50 ms", "last ms", "cpu us", "bytes"];
say(header.map((text) => text.padStart(12)).join(""));
for (const body of values.bodies.split(",") as Body[]) {
  for (const count of counts) {
    for (const server of values.servers.split(",")) {
      await using pusher = await (server === "rollcall"
        ? startRollcall(instances)
        : startComparison(server, body, instances));
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
      FANOUT_SERVICE,
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

/** The median over the rounds of what was seen in each. */
function row(server: string, body: Body, count: number, rounds: readonly Measured[]): string {
  const median = (of: (round: Measured) => number): string =>
    quantileText(
      rounds.map(of).toSorted((a, b) => a - b),
      0.5,
    );
  const at = (share: number) =>
    median(({ arrivedMs }) => arrivedMs[Math.min(arrivedMs.length - 1, Math.floor(arrivedMs.length * share))]!);
  const cells = [server, body, count, at(0), at(0.5), at(1), median((round) => round.cpuMicroseconds)];
  const bytes = rounds.reduce((sum, round) => sum + round.bytes, 0) / rounds.length;
  return [...cells, bytes.toFixed(0)].map((cell) => String(cell).padStart(12)).join("");
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
