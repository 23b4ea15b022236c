/**
 * One client that changes the only instance of each service, in a process of its own, by the clock.
 *
 *     publisher.ts KIND ADDRESS SERVICES
 */

import { onLines } from "../child.ts";
import { connectClient } from "../clients/connect.ts";
import { now } from "../failover-report.ts";
import type { RegistryKind } from "../registries/registry.ts";
import { FOLLOWED_ID, serviceName, type PublishCommand, type PublishReport } from "./words.ts";

const [kind, address, servicesText] = process.argv.slice(2) as [RegistryKind, string, string];
const services = Number(servicesText);
/** How often changes are made: all that are due. */
const TICK_MS = 1;

const client = await connectClient(kind, address, "publisher");
const last = Array.from({ length: services }, () => 0);
for (let service = 0; service < services; service++)
  await client.publish(serviceName(service), FOLLOWED_ID, { number: 0, dueAt: 0 });
process.stdout.write("ready\n");
onLines((line) => void publish(JSON.parse(line) as PublishCommand));

async function publish({ rate, changes }: PublishCommand): Promise<void> {
  const beganAt = now();
  const dueAt = (change: number): number => beganAt + (change * 1_000) / rate;
  const counts = { made: 0, errors: 0 };
  const unanswered: Promise<void>[] = [];
  while (counts.made < changes) {
    for (; counts.made < changes && dueAt(counts.made) <= now(); counts.made++) {
      const service = counts.made % services;
      const change = { number: ++last[service]!, dueAt: dueAt(counts.made) };
      unanswered.push(client.publish(serviceName(service), FOLLOWED_ID, change).catch(() => void counts.errors++));
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  await Promise.all(unanswered);
  process.stdout.write(`${JSON.stringify({ last, errors: counts.errors } satisfies PublishReport)}\n`);
}
