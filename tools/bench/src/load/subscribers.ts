/**
 * Clients that follow services, in a process of their own, each with a connection of its own. Client number `n` follows EACH
 * services from number `n x EACH` on, around the SERVICES that there are.
 *
 *     subscribers.ts KIND ADDRESS COUNT FIRST SERVICES EACH
 */

import { onLines } from "../child.ts";
import { connectClient } from "../clients/connect.ts";
import type { Watcher } from "../clients/registry-client.ts";
import type { RegistryKind } from "../registries/registry.ts";
import { inTurns } from "./in-turns.ts";
import { serviceName, type SeenReport, type SubscriberCommand } from "./words.ts";

const [kind, address, ...numbers] = process.argv.slice(2) as [RegistryKind, string, ...string[]];
const [count, first, services, each] = numbers.map(Number) as [number, number, number, number];

/** Connections that are opened at a time: less than any server's backlog. */
const CONNECTING_MAX = 32;

const counts = { seen: 0, unchanged: 0, gone: 0 };
const asked: { awaited: { readonly instances: number; readonly done: () => void } | undefined } = {
  awaited: undefined,
};

await inTurns(count, CONNECTING_MAX, async (index) => {
  const number = first + index;
  const client = await connectClient(kind, address, `subscriber-${number}`);
  for (let at = 0; at < each; at++) await client.watch(serviceName((number * each + at) % services), watcher());
});
process.stdout.write("ready\n");
onLines((line) => void answer(JSON.parse(line) as SubscriberCommand));

async function answer({ instances, withinMs }: SubscriberCommand): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, withinMs);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    if (counts.seen === instances) done();
    else asked.awaited = { instances, done };
  });
  asked.awaited = undefined;
  process.stdout.write(`${JSON.stringify(counts satisfies SeenReport)}\n`);
  counts.unchanged = 0;
  counts.gone = 0;
}

function watcher(): Watcher {
  const listed = new Set<string>();
  return {
    appeared(id) {
      if (listed.has(id)) counts.unchanged++;
      else changed(1);
      listed.add(id);
    },
    disappeared(id) {
      if (listed.delete(id)) changed(-1);
      else counts.unchanged++;
    },
    unchanged: () => counts.unchanged++,
  };
}

function changed(by: 1 | -1): void {
  if (by < 0) counts.gone++;
  counts.seen += by;
  if (counts.seen === asked.awaited?.instances) asked.awaited.done();
}
