/**
 * Clients that follow one instance of a service, in a process of their own, each with a connection of its own. When all of
 * them have been called back with a change, one line tells when.
 *
 *     fanout-subscribers.ts KIND ADDRESS COUNT FIRST SERVICE ID
 */

import { onLines } from "../child.ts";
import { connectClient } from "../clients/connect.ts";
import { now } from "../harness/clock.ts";
import type { RegistryClient } from "../clients/registry-client.ts";
import type { RegistryKind } from "../registries/registry.ts";
import { inTurns } from "./in-turns.ts";
import type { CalledBack } from "./words.ts";

const [kind, address, countText, firstText, service, id] = process.argv.slice(2) as [RegistryKind, ...string[]] &
  [string, string, string, string, string, string];
const count = Number(countText);

/** Connections that are opened at a time: less than any server's backlog. */
const CONNECTING_MAX = 32;

/** Nobody has lost its connection for so long. */
const QUIET_MS = 1_000;

const round: { arrivedAt: number[]; duplicated: number } = { arrivedAt: [], duplicated: 0 };

const clients: RegistryClient[] = [];
const lossesSoFar = (): number => clients.reduce((sum, client) => sum + client.losses(), 0);
const told = { losses: 0 };

await inTurns(count, CONNECTING_MAX, async (index) => {
  const client = await connectClient(kind, address, `subscriber-${Number(firstText) + index}`);
  clients.push(client);
  let last = 0;
  await client.follow(service, id, ({ number }) => {
    if (number <= last) round.duplicated++;
    else arrived();
    last = number;
  });
});
await untilQuiet();
process.stdout.write("ready\n");
onLines(() => {});

function arrived(): void {
  round.arrivedAt.push(now());
  if (round.arrivedAt.length < count) return;
  const before = told.losses;
  told.losses = lossesSoFar();
  process.stdout.write(`${JSON.stringify({ ...round, losses: told.losses - before } satisfies CalledBack)}\n`);
  round.arrivedAt = [];
  round.duplicated = 0;
}

/** While thousands connect, one that stood still for too long may have been taken for gone: then it has to come back first. */
async function untilQuiet(): Promise<void> {
  do {
    told.losses = lossesSoFar();
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  } while (told.losses !== lossesSoFar());
}
