/**
 * What a connected client costs a session: memory, and processor time while nothing happens.
 *
 *     node --conditions=@rollcall/source tools/bench/src/clients.ts [--clients 1000,10000] [--subscriptions 5]
 *                                                                   [--services 100] [--rest-ms 10000]
 *
 * Each client has a connection of its own and holds everything that it subscribes to. Memory is resident memory, the
 * least that was seen during a while of rest; see memory.ts for what that says.
 */

import { parseArgs } from "node:util";

import { createClient } from "@rollcall/sdk";

import { Child, needOpenFiles, residentBytes } from "./child.ts";
import { BenchCluster, serversOf, type BenchNode } from "./cluster.ts";
import { benchInstance } from "./fanout-words.ts";
import { less, tellFigures } from "./harness/figures.ts";
import { NO_FAULTS, type Metric, type RoleUsage } from "./harness/scenario.ts";
import { usageWhile } from "./harness/usage.ts";

const { values } = parseArgs({
  options: {
    clients: { type: "string", default: "1000,10000" },
    subscriptions: { type: "string", default: "5" },
    services: { type: "string", default: "100" },
    processes: { type: "string", default: "2" },
    "rest-ms": { type: "string", default: "10000" },
  },
});
const counts = values.clients.split(",").map(Number);
const services = Number(values.services);
const processes = Number(values.processes);
const restMs = Number(values["rest-ms"]);

/** How often memory is looked at, in milliseconds. */
const LOOK_EVERY_MS = 20;

const metrics: Metric[] = [];
const told: { usage: readonly RoleUsage[] } = { usage: [] };
needOpenFiles(Math.max(...counts) + 200);
for (const count of counts) {
  await using cluster = await BenchCluster.start({ data: 1, sessions: 1 });
  const session = cluster.sessions[0]!;
  const provider = createClient({ servers: [session.address] });
  await Promise.all(
    Array.from({ length: services }, (_, index) =>
      provider.register({ service: `bench-${index}`, ...benchInstance(index, 0) }),
    ),
  );
  const idle = await leastMemory(session);
  await using clients = new AsyncDisposableStack();
  const each = Math.ceil(count / processes);
  const children = Array.from({ length: processes }, (_, index) => {
    const first = index * each;
    const args = [session.address, Math.min(each, count - first), first, values.subscriptions, services].map(String);
    return clients.use(new Child("clients-crowd", args));
  });
  await Promise.all(children.map((child) => child.line()));
  const { result: full, usage, seconds } = await usageWhile(serversOf(cluster), () => leastMemory(session));
  const busy = usage.find(({ role }) => role === "session")!.cpuSeconds / seconds;
  told.usage = usage;
  process.stdout.write(
    `${count} clients with ${values.subscriptions} subscriptions each: ${((full - idle) / count / 1_024).toFixed(1)} KiB a client ` +
      `(${megabytes(idle)} MiB idle, ${megabytes(full)} MiB full); at rest the session uses ${(busy * 100).toFixed(1)} % of a processor\n`,
  );
  metrics.push(
    less(`memory of the session for each of ${count} clients`, "KiB", (full - idle) / count / 1_024),
    less(`CPU of the session at rest with ${count} clients`, "%", busy * 100),
  );
  await provider.close();
}
tellFigures({ metrics, faults: NO_FAULTS, usage: told.usage });

/** The least resident memory of a node during a while. */
async function leastMemory(node: BenchNode): Promise<number> {
  let least = Infinity;
  for (const end = performance.now() + restMs; performance.now() < end;) {
    least = Math.min(least, residentBytes(node.process));
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return least;
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
