/**
 * What subscribers notice when the data node that leads most of what they watch is killed, under load.
 *
 *     node --conditions=@rollcall/source tools/bench/src/failover.ts [--watchers 1000] [--services 200] [--changes-per-s 1000]
 *
 * A service has one instance, whose changes are numbered and stamped. Changes that come while nobody can push them
 * coalesce, so the age of what is pushed says little about a gap; the time to the first push of a new leader says it.
 */

import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { ownerOf, serviceKey, slotOfServiceKey } from "@rollcall/core";
import { createClient, type Registration } from "@rollcall/sdk";

import { BenchCluster, spawnScript, type BenchNode } from "./cluster.ts";
import { buckets, firstPushes, now, quantile, timeline, type WatchReport } from "./failover-report.ts";
import { less, tellFigures } from "./harness/figures.ts";
import { quantileOf } from "./harness/statistics.ts";

const { values } = parseArgs({
  options: {
    watchers: { type: "string", default: "1000" },
    services: { type: "string", default: "200" },
    "changes-per-s": { type: "string", default: "1000" },
    data: { type: "string", default: "3" },
    sessions: { type: "string", default: "2" },
    "before-ms": { type: "string", default: "4000" },
    "after-ms": { type: "string", default: "8000" },
  },
});
const watcherCount = Number(values.watchers);
const serviceCount = Number(values.services);
const changesPerMs = Number(values["changes-per-s"]) / 1_000;
const beforeMs = Number(values["before-ms"]);
const afterMs = Number(values["after-ms"]);

/** How much of the time before the kill the table shows, in milliseconds. */
const SHOWN_BEFORE_MS = 500;
/** How often changes are made, in milliseconds: all that are due. */
const TICK_MS = 5;
/** What is on its way when the load ends has arrived by then, in milliseconds. */
const REST_MS = 2_000;
const PROCESSES = 2;

await using cluster = await BenchCluster.start({ data: Number(values.data), sessions: Number(values.sessions) });
const servers = cluster.sessions.map(({ address }) => address);
const providers = servers.map((server) => createClient({ servers: [server] }));
const registrations = await Promise.all(
  Array.from({ length: serviceCount }, (_, service) =>
    providers[service % providers.length]!.register({ service: `bench-${service}`, ...instance(0) }),
  ),
);
const watchers = Array.from({ length: PROCESSES }, (_, index) => startWatchers(index));
await Promise.all(watchers.map(({ ready }) => ready));

const load = makeChanges(registrations);
await elapse(beforeMs);
const { victim, concerned, epochs } = await mostWatched();
const killedAt = now();
await cluster.end(victim, "SIGKILL");
await elapse(afterMs);
load.over.abort();
const made = await load.made;
await elapse(REST_MS);
const reports = await Promise.all(watchers.map(({ report }) => report()));
await Promise.all(providers.map((provider) => provider.close()));

const noted = reports.flatMap((report) => report.noted);
const first = firstPushes(noted, { killedAt, epochs });
const sum = (field: "unchanged" | "goneBack" | "lost"): number =>
  reports.reduce((total, report) => total + report[field], 0);
const behind = reports
  .flatMap(({ last }) => last)
  .filter(([watcher, change]) => change !== made.last.get(watcher % serviceCount));
say(
  `${victim.nodeId}, which leads ${concerned.size} of ${serviceCount} services, is killed at 0; ${made.count} changes made, ${made.unanswered} unanswered, ${noted.length} pushes seen`,
  ...timeline(noted, { killedAt, fromMs: -SHOWN_BEFORE_MS, untilMs: afterMs, concerned }),
  `first push of a new leader, ${first.length} of ${concerned.size} services: min ${quantile(first, 0)} ms, p50 ${quantile(first, 0.5)} ms, max ${quantile(first, 1)} ms`,
  `pushes of unchanged content ${sum("unchanged")}, of an older change ${sum("goneBack")}; watchers that end behind ${behind.length}, connections lost ${sum("lost")}`,
);

const lateOthers = noted.flatMap(([, late, service]) => (concerned.has(service) ? [] : [late]));
tellFigures({
  metrics: [
    less("first push of a new leader, p50", "ms", quantileOf(first, 0.5)),
    less("first push of a new leader, last", "ms", quantileOf(first, 1)),
    less("age of pushes of the other services, p99", "ms", quantileOf(lateOthers, 0.99)),
  ],
  faults: {
    errors: sum("lost") + made.unanswered + (concerned.size - first.length),
    lost: behind.length,
    duplicated: sum("unchanged") + sum("goneBack"),
  },
  timeline: buckets(noted, { killedAt, fromMs: -SHOWN_BEFORE_MS, untilMs: afterMs, concerned }),
});

function instance(change: number): { id: string; address: string; metadata: Record<string, string> } {
  return { id: "only", address: "127.0.0.1:8080", metadata: { change: String(change), at: String(now()) } };
}

/** Changes one service after the other, by the clock, until told otherwise. */
function makeChanges(targets: readonly Registration[]) {
  const over = new AbortController();
  const last = new Map<number, number>();
  const run = async () => {
    const from = now();
    let count = 0;
    let unanswered = 0;
    while (!over.signal.aborted) {
      for (const due = (now() - from) * changesPerMs; count < due;) {
        const service = count++ % targets.length;
        last.set(service, count);
        unanswered++;
        void targets[service]!.update(instance(count)).then(() => unanswered--);
      }
      await elapse(TICK_MS);
    }
    await elapse(REST_MS);
    return { count, unanswered, last };
  };
  return { over, made: run() };
}

/** The data node that leads most services, which those are, and at which leader epochs. */
async function mostWatched(): Promise<{
  victim: BenchNode;
  concerned: ReadonlySet<number>;
  epochs: ReadonlyMap<number, number>;
}> {
  const { table } = await cluster.state();
  const owners = registrations.map((_, service) =>
    ownerOf(table, slotOfServiceKey(serviceKey({ service: `bench-${service}` }))),
  );
  const led = (node: BenchNode): number[] =>
    [...owners.keys()].filter((service) => owners[service]!.leader === node.nodeId);
  const victim = cluster.data.reduce((most, node) => (led(node).length > led(most).length ? node : most));
  const services = led(victim);
  return {
    victim,
    concerned: new Set(services),
    epochs: new Map(services.map((service) => [service, owners[service]!.leaderEpoch])),
  };
}

function startWatchers(index: number): { ready: Promise<unknown>; report: () => Promise<WatchReport> } {
  const count = Math.ceil(watcherCount / PROCESSES);
  const args = [servers.join(), String(count), String(serviceCount), String(index * count)];
  const child = spawnScript(fileURLToPath(new URL("./watchers.ts", import.meta.url)), args);
  const lines = createInterface({ input: child.stdout! });
  return {
    ready: once(lines, "line"),
    async report() {
      const line = once(lines, "line") as Promise<[string]>;
      child.stdin!.end();
      return JSON.parse((await line)[0]) as WatchReport;
    },
  };
}

function say(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}

function elapse(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
