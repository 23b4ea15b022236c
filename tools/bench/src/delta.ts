/**
 * What one change costs in a service of thousands of instances: bytes to each subscriber, and processor time in a
 * subscriber's process from the bytes to its callback.
 *
 *     node --conditions=@rollcall/source tools/bench/src/delta.ts [--instances 5000] [--changes 200] [--subscribers 5]
 *
 * Subscribers use the SDK, all in one process of their own, each with a connection of its own. The next change is made
 * when all of them have been called back with the one before; the first half warms up and is dropped.
 */

import { parseArgs } from "node:util";

import { LIMITS } from "@rollcall/core";
import { createClient, type Registration } from "@rollcall/sdk";

import { Child } from "./child.ts";
import { BenchCluster, serversOf } from "./cluster.ts";
import { benchInstance } from "./fanout-words.ts";
import { now } from "./harness/clock.ts";
import { less, tellFigures } from "./harness/figures.ts";
import { NO_FAULTS } from "./harness/scenario.ts";
import { quantileOf, quantileText } from "./harness/statistics.ts";
import { usageWhile } from "./harness/usage.ts";

const { values } = parseArgs({
  options: {
    instances: { type: "string", default: "5000" },
    changes: { type: "string", default: "200" },
    subscribers: { type: "string", default: "5" },
  },
});
const instances = Number(values.instances);
const changes = Number(values.changes);
const subscribers = Number(values.subscribers);
const warmUp = changes;
const SERVICE = "delta";
if (instances > LIMITS.registrationsPerClient) throw new Error(`at most ${LIMITS.registrationsPerClient} instances`);

await using cluster = await BenchCluster.start({ data: 1, sessions: 1 });
const server = cluster.sessions[0]!.address;
const provider = createClient({ servers: [server] });
const registrations: Registration[] = await Promise.all(
  Array.from({ length: instances }, (_, index) => provider.register({ service: SERVICE, ...benchInstance(index, 0) })),
);
{
  await using child = new Child("delta-subscribers", [server, SERVICE, String(subscribers)]);
  const { bytes: snapshotBytes } = JSON.parse(await child.line()) as Report;
  const latencies: number[] = [];
  let last: Report | undefined;
  const makeChanges = async (first: number, count: number): Promise<void> => {
    for (let change = first; change < first + count; change++) {
      const index = (change * 7) % instances;
      const from = now();
      void registrations[index]!.update(benchInstance(index, change));
      last = JSON.parse(await child.line()) as Report;
      latencies.push(now() - from);
    }
  };
  await makeChanges(1, warmUp);
  const before = last;
  latencies.length = 0;
  const { usage } = await usageWhile(serversOf(cluster), () => makeChanges(1 + warmUp, changes));
  latencies.sort((a, b) => a - b);
  const each = (of: (report: Report) => number): number => (of(last!) - of(before!)) / changes / subscribers;
  process.stdout.write(
    `${instances} instances, ${subscribers} subscribers, ${changes} changes of one instance each\n` +
      `bytes to a subscriber: ${(snapshotBytes / subscribers).toFixed(0)} for the list, ${each(({ bytes }) => bytes).toFixed(0)} for a change\n` +
      `processor time of a subscriber for a change: ${each(({ cpuMicroseconds }) => cpuMicroseconds).toFixed(0)} us\n` +
      `from the change to the last callback: p50 ${quantileText(latencies, 0.5)} ms, p99 ${quantileText(latencies, 0.99)} ms\n`,
  );
  tellFigures({
    metrics: [
      less("bytes to a subscriber for the list", "B", snapshotBytes / subscribers),
      less(
        "bytes to a subscriber for a change",
        "B",
        each(({ bytes }) => bytes),
      ),
      less(
        "CPU of a subscriber for a change",
        "µs",
        each(({ cpuMicroseconds }) => cpuMicroseconds),
      ),
      less("to the last callback, p50", "ms", quantileOf(latencies, 0.5)),
      less("to the last callback, p99", "ms", quantileOf(latencies, 0.99)),
    ],
    faults: NO_FAULTS,
    usage,
  });
}
await provider.close();

/** What the subscribers have used so far, all of them together. */
interface Report {
  readonly bytes: number;
  readonly cpuMicroseconds: number;
}
