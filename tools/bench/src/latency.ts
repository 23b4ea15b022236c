/**
 * How long a change takes from `update()` in one process to the subscriber's callback in another, on an idle cluster.
 *
 *     node --conditions=@rollcall/source tools/bench/src/latency.ts [--changes 1000] [--every-ms 10] [--sessions 2]
 *
 * The provider and the subscriber are on different sessions when there is more than one. Changes are made by the clock,
 * not when the one before has arrived; the first fifth warms up and is dropped.
 */

import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { createClient } from "@rollcall/sdk";

import { BenchCluster, spawnScript } from "./cluster.ts";

const { values } = parseArgs({
  options: {
    changes: { type: "string", default: "1000" },
    "every-ms": { type: "string", default: "10" },
    data: { type: "string", default: "2" },
    sessions: { type: "string", default: "2" },
  },
});
const changes = Number(values.changes);
const everyMs = Number(values["every-ms"]);
const warmUp = Math.ceil(changes / 5);

await using cluster = await BenchCluster.start({ data: Number(values.data), sessions: Number(values.sessions) });
const subscriber = spawnScript(fileURLToPath(new URL("./subscriber.ts", import.meta.url)), [
  cluster.sessions.at(-1)!.address,
  "bench",
]);
const lines = createInterface({ input: subscriber.stdout! });
await once(lines, "line");
const latencies: number[] = [];
lines.on("line", (line) => latencies.push(Number(line)));

const provider = createClient({ servers: [cluster.sessions[0]!.address] });
const registration = await provider.register({ service: "bench", address: "127.0.0.1:8080", metadata: stamp() });
const late = await makeChanges();
await registration.update({ weight: 1 });
await provider.close();
subscriber.stdin!.end();
await once(subscriber, "exit");

const measured = latencies.slice(warmUp + 1).toSorted((a, b) => a - b);
const at = (share: number): string =>
  (measured[Math.min(measured.length - 1, Math.floor(measured.length * share))]! / 1_000).toFixed(2);
process.stdout.write(
  `${measured.length} changes, one every ${everyMs} ms: p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms` +
    ` (${late} made late)\n`,
);

function stamp(): Record<string, string> {
  return { "sent-at": String(process.hrtime.bigint()) };
}

/** Makes the changes by the clock and gives how many came late. */
async function makeChanges(): Promise<number> {
  const startedAt = performance.now();
  let madeLate = 0;
  for (let change = 0; change < changes + warmUp; change++) {
    const wait = startedAt + change * everyMs - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    else madeLate++;
    void registration.update({ metadata: stamp() });
  }
  return madeLate;
}
