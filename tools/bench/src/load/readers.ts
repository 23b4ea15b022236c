/**
 * Clients that read the lists of random services, in a process of their own, each with a connection of its own: the next when
 * the last is answered.
 *
 *     readers.ts KIND ADDRESS COUNT FIRST WAY SERVICES
 */

import { onLines } from "../child.ts";
import { connectClient } from "../clients/connect.ts";
import { quantileOf } from "../harness/statistics.ts";
import type { RegistryKind } from "../registries/registry.ts";
import { inTurns } from "./in-turns.ts";
import { serviceName, type ReadCommand, type ReadReport } from "./words.ts";

const [kind, address, countText, firstText, way, servicesText] = process.argv.slice(2) as [RegistryKind, ...string[]] &
  [string, string, string, string, string, string];
const services = Number(servicesText);

/** Connections that are opened at a time: less than any server's backlog. */
const CONNECTING_MAX = 32;

const readers: ((service: string) => Promise<number>)[] = [];
await inTurns(Number(countText), CONNECTING_MAX, async (index) => {
  const client = await connectClient(kind, address, `reader-${Number(firstText) + index}`);
  const read = client.reads[way];
  if (read === undefined) throw new Error(`${kind} cannot be read by ${way}`);
  readers.push(read);
});
process.stdout.write("ready\n");
onLines((line) => void read(JSON.parse(line) as ReadCommand));

async function read({ forMs, instances }: ReadCommand): Promise<void> {
  const latencies: number[] = [];
  const counts = { errors: 0, lost: 0 };
  const end = performance.now() + forMs;
  await Promise.all(
    readers.map(async (readList) => {
      for (let from = performance.now(); from < end;) {
        try {
          const found = await readList(serviceName(Math.floor(Math.random() * services)));
          counts.lost += Math.abs(instances - found);
        } catch (thrown) {
          if (counts.errors++ === 0) process.stderr.write(`${kind}: ${String(thrown)}\n`);
        }
        const until = performance.now();
        latencies.push(until - from);
        from = until;
      }
    }),
  );
  const report: ReadReport = {
    ...counts,
    reads: latencies.length,
    p50Ms: quantileOf(latencies, 0.5),
    p99Ms: quantileOf(latencies, 0.99),
  };
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
