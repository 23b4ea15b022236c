/**
 * What subscribers that stop reading do to the others: how long changes take to reach one that reads, while many others
 * read too, and while their process stands still. Both are measured in turn, several times.
 *
 *     node --conditions=@rollcall/source tools/bench/src/slow.ts [--slow 100] [--changes 1000] [--every-ms 5] [--rounds 5]
 */

import { parseArgs } from "node:util";

import { createClient } from "@rollcall/sdk";

import { Child, needOpenFiles, residentBytes } from "./child.ts";
import { BenchCluster, serversOf, type BenchNode } from "./cluster.ts";
import { now } from "./harness/clock.ts";
import { less, tellFigures } from "./harness/figures.ts";
import { NO_FAULTS } from "./harness/scenario.ts";
import { quantileOf, quantileText } from "./harness/statistics.ts";
import { usageWhile } from "./harness/usage.ts";

const { values } = parseArgs({
  options: {
    slow: { type: "string", default: "100" },
    changes: { type: "string", default: "1000" },
    "every-ms": { type: "string", default: "5" },
    rounds: { type: "string", default: "5" },
  },
});
const slow = Number(values.slow);
const changes = Number(values.changes);
const everyMs = Number(values["every-ms"]);
const SERVICE = "bench-0";

needOpenFiles(slow + 200);
await using cluster = await BenchCluster.start({ data: 2, sessions: 2 });
await using stack = new AsyncDisposableStack();
const [apart, session] = cluster.sessions as [BenchNode, BenchNode];
const provider = createClient({ servers: [apart.address] });
stack.defer(() => provider.close());
const registration = await provider.register({ service: SERVICE, address: "127.0.0.1:8080", metadata: stamp() });
const reader = stack.use(new Child("subscriber", [session.address, SERVICE]));
await reader.line();

const [before, reading, standing]: [number[], number[], number[]] = [[], [], []];
await measured(); // Warms up.
const { usage } = await usageWhile(serversOf(cluster), async () => {
  for (let round = 0; round < Number(values.rounds); round++) {
    before.push(...(await measured()));
    const crowd = stack.use(new Child("clients-crowd", [session.address, values.slow, "0", "1", "1"]));
    await crowd.line();
    reading.push(...(await measured()));
    crowd.process.kill("SIGSTOP");
    standing.push(...(await measured()));
    process.stdout.write(`  memory of the session node: ${Math.round(residentBytes(session.process) / 2 ** 20)} MiB\n`);
    crowd.process.kill("SIGCONT");
    await crowd[Symbol.asyncDispose]();
  }
});
for (const [what, latencies] of [
  ["no others", before],
  [`${slow} others that read`, reading],
  [`${slow} others that stand still`, standing],
] as const) {
  const sorted = latencies.toSorted((a, b) => a - b);
  process.stdout.write(
    `${what}: ${sorted.length} pushes, p50 ${quantileText(sorted, 0.5)} ms, p99 ${quantileText(sorted, 0.99)} ms\n`,
  );
}
tellFigures({
  metrics: (
    [
      ["alone", before],
      [`beside ${slow} that read`, reading],
      [`beside ${slow} that stand still`, standing],
    ] as const
  ).flatMap(([name, latencies]) => [
    less(`${name}: p50`, "ms", quantileOf(latencies, 0.5)),
    less(`${name}: p99`, "ms", quantileOf(latencies, 0.99)),
  ]),
  faults: NO_FAULTS,
  usage,
});

function stamp(change = 0): Record<string, string> {
  return { "sent-at": String(process.hrtime.bigint()), change: String(change), at: String(now()) };
}

/** Makes the changes by the clock, and gives how long those took that were seen each by itself, in milliseconds. */
async function measured(): Promise<number[]> {
  const startedAt = performance.now();
  const latencies: number[] = [];
  for (let change = 1; change <= changes; change++) {
    const wait = startedAt + change * everyMs - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    void registration.update({ metadata: stamp(change) });
    latencies.push(Number(await reader.line()) / 1_000);
  }
  return latencies;
}
