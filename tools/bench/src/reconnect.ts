/**
 * How long it takes until everybody is back: when one of two sessions is killed, when every link is cut while both sessions
 * go on, and when both are killed and started again.
 *
 *     node --conditions=@rollcall/source tools/bench/src/reconnect.ts [--clients 2000] [--services 1000] [--processes 4]
 *
 * Each client is one of the SDK, with 3 registrations and 5 subscriptions; 10,000 is what the contract speaks of. It is back
 * when a session has answered all of them. Clients take more processor time than the sessions, on the same machine.
 */

import { parseArgs } from "node:util";

import { Child, needOpenFiles } from "./child.ts";
import { BenchCluster, type BenchNode } from "./cluster.ts";
import { now } from "./harness/clock.ts";
import { less, tellFigures } from "./harness/figures.ts";
import { loopDelayMs } from "./harness/metrics.ts";
import { NO_FAULTS, type Faults, type Metric, type RoleUsage } from "./harness/scenario.ts";
import { quantileOf, quantileText } from "./harness/statistics.ts";
import { bothUsages, usageWhile, type Server } from "./harness/usage.ts";
import type { Failures, Look, Places, RoundReport } from "./reconnect-words.ts";

const { values } = parseArgs({
  options: {
    clients: { type: "string", default: "2000" },
    services: { type: "string", default: "1000" },
    processes: { type: "string", default: "4" },
    "rest-ms": { type: "string", default: "8000" },
  },
});
const clients = Number(values.clients);
const processes = Number(values.processes);
const restMs = Number(values["rest-ms"]);

/** How often the clients are asked whether all are back, and after which time nobody waits for them, in milliseconds. */
const LOOK_EVERY_MS = 100;
const BACK_WITHIN_MS = 60_000;

/** How often progress is told, in milliseconds. */
const SAY_EVERY_MS = 5_000;

// One session may hold all of them for a while, and some that have given up.
needOpenFiles(1.5 * clients + 200);
const told: { metrics: Metric[]; faults: Faults; usage: readonly RoleUsage[] } = {
  metrics: [],
  faults: NO_FAULTS,
  usage: [],
};
await using cluster = await BenchCluster.start({ data: 2, sessions: 2 });
await using stack = new AsyncDisposableStack();
const servers = cluster.sessions.map(({ address }) => address).join();
const each = Math.ceil(clients / processes);
const children = Array.from({ length: processes }, (_, index) => {
  const range = [index * each, Math.min(each, clients - index * each), clients, Number(values.services)];
  return stack.use(new Child("reconnect-clients", [servers, ...range.map(String)]));
});

await askAll("register");
await done("registering", ({ unregistered }) => unregistered);
await askAll("subscribe");
await done("subscribing", ({ missing }) => missing);
await elapse(restMs);

const [lost, stays] = cluster.sessions as [BenchNode, BenchNode];
await tryRound("one of two killed", `${lost.nodeId} is killed`, [lost], async () => {
  await loopDelayMs(stays.address);
  await cluster.end(lost, "SIGKILL");
  return { beganAt: now(), concerned: [stays] };
});
await cluster.ready(await cluster.restart(lost));
await elapse(restMs);
const all = cluster.sessions;
await tryRound("all links cut", "every link is cut", all, async () => {
  await loopDelays(all);
  const beganAt = now();
  await askAll("cut");
  return { beganAt, concerned: all };
});
await tryRound("both killed", "both are killed and started again", all, async () => {
  await Promise.all(all.map((node) => cluster.end(node, "SIGKILL")));
  const concerned = await Promise.all(all.map((node) => cluster.restart(node)));
  const beganAt = now();
  await loopDelays(concerned);
  return { beganAt, concerned };
});
tellFigures(told);

interface Loss {
  /** From when on anybody could come back. */
  readonly beganAt: number;
  /** Sessions to which everybody comes back. */
  readonly concerned: readonly BenchNode[];
}

/** Lets sessions be lost and tells how their clients came back. */
async function tryRound(
  shortly: string,
  what: string,
  of: readonly BenchNode[],
  lose: () => Promise<Loss>,
): Promise<void> {
  const places = await askAll<Places>("round");
  const concernedClients = of.reduce((sum, { address }) => sum + sumOf(places.map((each) => each[address] ?? 0)), 0);
  const { beganAt, concerned } = await lose();
  const { usage, seconds } = await usageWhile(processesByRole(), () => backAgain(beganAt, concernedClients));
  const delays = await loopDelays(concerned);
  await elapse(restMs);
  const reports = await askAll<RoundReport>("report");
  const times = reports.flatMap(({ restoredAt }) => restoredAt.map((at) => at - beganAt)).toSorted((a, b) => a - b);
  const sum = (field: "unchanged" | "shown" | "wrong"): number => sumOf(reports.map((report) => report[field]));
  const of99 = times.slice(0, Math.max(1, Math.ceil(times.length * 0.99)));
  const loopDelayMs = Math.max(...delays);
  told.metrics.push(
    less(`${shortly}: half are back`, "ms", quantileOf(times, 0.5)),
    less(`${shortly}: 99 % are back`, "ms", quantileOf(of99, 1)),
    less(`${shortly}: all are back`, "ms", quantileOf(times, 1)),
    less(`${shortly}: delay of the event loop, p99`, "ms", loopDelayMs),
  );
  told.usage = bothUsages(
    told.usage,
    usage.map((used) => (used.role === "session" ? { ...used, loopDelayMs } : used)),
  );
  told.faults = {
    errors: told.faults.errors + Math.max(0, concernedClients - times.length),
    lost: told.faults.lost + sum("wrong"),
    duplicated: told.faults.duplicated + sum("unchanged"),
  };
  say(
    `${what}, with ${concernedClients} of ${clients} clients: ` +
      `back p50 ${quantileText(times, 0.5)} ms, p99 ${quantileText(times, 0.99)} ms, all ${quantileText(times, 1)} ms`,
    `  dials that failed: ${inWords(reports)}`,
    `  pushes of unchanged content ${sum("unchanged")}, views shown ${sum("shown")}, views that are wrong ${sum("wrong")}`,
    `  CPU in ${seconds.toFixed(1)} s: ${usage.map(({ role, cpuSeconds }) => `${role} ${cpuSeconds.toFixed(1)} s`).join(", ")}`,
    ...concerned.map(({ nodeId }, index) => `  event loop delay of ${nodeId}: p99 ${delays[index]!.toFixed(0)} ms`),
  );
}

async function askAll<Answer>(text: string): Promise<Answer[]> {
  const answers = await Promise.all(children.map((child) => child.ask(text)));
  return answers.map((answer) => (answer.startsWith("{") ? JSON.parse(answer) : answer) as Answer);
}

/** Waits until all have back what they had, though not for ever. */
async function backAgain(beganAt: number, concernedClients: number): Promise<void> {
  let saidAt = now();
  for (;;) {
    const looks = await askAll<Look>("look");
    const missing = sumOf(looks.map((look) => look.missing));
    if (missing === 0 && sumOf(looks.map(({ lost }) => lost)) >= concernedClients) return;
    if (now() - saidAt > SAY_EVERY_MS) {
      saidAt = now();
      progress(`${missing} clients are not back; failed: ${inWords(looks)}`);
    }
    if (now() - beganAt > BACK_WITHIN_MS) return say(`after ${BACK_WITHIN_MS} ms ${missing} clients are not back`);
    await elapse(LOOK_EVERY_MS);
  }
}

function loopDelays(nodes: readonly BenchNode[]): Promise<number[]> {
  return Promise.all(nodes.map(({ address }) => loopDelayMs(address)));
}

function processesByRole(): Server[] {
  const ofClients = children.map(({ process }) => ({ role: "clients", pid: process.pid! }));
  return [...ofClients, ...cluster.nodes.map(({ role, process }) => ({ role, pid: process.pid! }))];
}

/** Waits until nothing is left to do, and says now and then how much is. */
async function done(what: string, left: (look: Look) => number): Promise<void> {
  let saidAt = now();
  const beganAt = now();
  for (;;) {
    const looks = await askAll<Look>("look");
    const clientsLeft = sumOf(looks.map(left));
    if (clientsLeft === 0) break;
    if (now() - saidAt > SAY_EVERY_MS) {
      saidAt = now();
      progress(`${what}: ${clientsLeft} of ${clients} clients to go; failed: ${inWords(looks)}`);
    }
    await elapse(LOOK_EVERY_MS);
  }
  progress(`${what} took ${((now() - beganAt) / 1_000).toFixed(1)} s`);
}

/** How many dials failed, by what went wrong. */
function inWords(reports: readonly { readonly failed: Failures }[]): string {
  const counts = new Map<string, number>();
  for (const [reason, count] of reports.flatMap(({ failed }) => Object.entries(failed)))
    counts.set(reason, (counts.get(reason) ?? 0) + count);
  return [...counts].map(([reason, count]) => `${reason} ${count}`).join(", ") || "none";
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

function say(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}

function elapse(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
