/**
 * One client that follows the only instance of each service, in a process of its own.
 *
 *     follower.ts KIND ADDRESS SERVICES
 */

import { onLines } from "../child.ts";
import { connectClient } from "../clients/connect.ts";
import { now } from "../failover-report.ts";
import { quantileOf } from "../harness/statistics.ts";
import type { RegistryKind } from "../registries/registry.ts";
import { FOLLOWED_ID, serviceName, type FollowCommand, type FollowReport } from "./words.ts";

const [kind, address, servicesText] = process.argv.slice(2) as [RegistryKind, string, string];
const services = Number(servicesText);
const LOOK_EVERY_MS = 5;

const client = await connectClient(kind, address, "follower");
const seen = Array.from({ length: services }, () => 0);
const noted: { latencies: number[]; duplicated: number } = { latencies: [], duplicated: 0 };
for (let service = 0; service < services; service++) {
  await client.follow(serviceName(service), FOLLOWED_ID, ({ number, dueAt }) => {
    if (number === 0) return; // What there was before anything changed.
    if (number <= seen[service]!) noted.duplicated++;
    else noted.latencies.push(now() - dueAt);
    seen[service] = number;
  });
}
process.stdout.write("ready\n");
onLines((line) => void report(JSON.parse(line) as FollowCommand));

async function report({ last, withinMs }: FollowCommand): Promise<void> {
  const lost = (): number => last.filter((number, service) => seen[service] !== number).length;
  const deadline = now() + withinMs;
  while (lost() > 0 && now() < deadline) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  const { latencies, duplicated } = noted;
  const answer: FollowReport = {
    p50Ms: quantileOf(latencies, 0.5),
    p99Ms: quantileOf(latencies, 0.99),
    maxMs: quantileOf(latencies, 1),
    seen: latencies.length,
    lost: lost(),
    duplicated,
  };
  noted.latencies = [];
  noted.duplicated = 0;
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
