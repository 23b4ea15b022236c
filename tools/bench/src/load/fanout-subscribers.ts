/**
 * Clients that follow one instance of a service, in a process of their own, each with a connection of its own. When all of
 * them have been called back with a change, one line tells when.
 *
 *     fanout-subscribers.ts KIND ADDRESS COUNT FIRST SERVICE ID
 */

import { onLines } from "../child.ts";
import { connectClient } from "../clients/connect.ts";
import { now } from "../failover-report.ts";
import type { RegistryKind } from "../registries/registry.ts";
import { inTurns } from "./in-turns.ts";
import type { CalledBack } from "./words.ts";

const [kind, address, countText, firstText, service, id] = process.argv.slice(2) as [RegistryKind, ...string[]] &
  [string, string, string, string, string, string];
const count = Number(countText);

/** Connections that are opened at a time: less than any server's backlog. */
const CONNECTING_MAX = 32;

const round: { arrivedAt: number[]; duplicated: number } = { arrivedAt: [], duplicated: 0 };

await inTurns(count, CONNECTING_MAX, async (index) => {
  const client = await connectClient(kind, address, `subscriber-${Number(firstText) + index}`);
  let last = 0;
  await client.follow(service, id, ({ number }) => {
    if (number <= last) round.duplicated++;
    else arrived();
    last = number;
  });
});
process.stdout.write("ready\n");
onLines(() => {});

function arrived(): void {
  round.arrivedAt.push(now());
  if (round.arrivedAt.length < count) return;
  process.stdout.write(`${JSON.stringify(round satisfies CalledBack)}\n`);
  round.arrivedAt = [];
  round.duplicated = 0;
}
