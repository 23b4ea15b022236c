/**
 * Clients that follow the only instance of services, in a process of their own, each with a connection of its own. Client
 * number `n` follows EACH services from number `n x EACH` on, around the SERVICES that there are.
 *
 *     follower.ts KIND ADDRESS COUNT FIRST SERVICES EACH
 */

import { onLines } from "../child.ts";
import { connectClient } from "../clients/connect.ts";
import { now } from "../harness/clock.ts";
import { quantileOf } from "../harness/statistics.ts";
import type { RegistryKind } from "../registries/registry.ts";
import { inTurns } from "./in-turns.ts";
import { FOLLOWED_ID, serviceName, type Arrival, type FollowCommand, type FollowReport } from "./words.ts";

const [kind, address, ...numbers] = process.argv.slice(2) as [RegistryKind, string, ...string[]];
const [count, first, services, each] = numbers.map(Number) as [number, number, number, number];
const LOOK_EVERY_MS = 5;

/** Connections that are opened at a time: less than any server's backlog. */
const CONNECTING_MAX = 32;

/** One client's view of one service. */
interface Followed {
  readonly service: number;
  /** The last change that it was called back with. */
  seen: number;
}

const followed: Followed[] = [];
const noted: { arrivals: Arrival[]; duplicated: number } = { arrivals: [], duplicated: 0 };
await inTurns(count, CONNECTING_MAX, async (index) => {
  const number = first + index;
  const client = await connectClient(kind, address, `follower-${number}`);
  for (let at = 0; at < each; at++) {
    const one: Followed = { service: (number * each + at) % services, seen: 0 };
    followed.push(one);
    await client.follow(serviceName(one.service), FOLLOWED_ID, ({ number: change, dueAt }) => {
      if (change === 0) return; // What there was before anything changed.
      if (change <= one.seen) noted.duplicated++;
      else noted.arrivals.push([now(), dueAt, one.service]);
      one.seen = change;
    });
  }
});
process.stdout.write("ready\n");
onLines((line) => void report(JSON.parse(line) as FollowCommand));

async function report({ last, withinMs, tellArrivals = false }: FollowCommand): Promise<void> {
  const lost = (): number => followed.filter(({ service, seen }) => seen !== last[service]).length;
  const deadline = now() + withinMs;
  while (lost() > 0 && now() < deadline) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  const { arrivals, duplicated } = noted;
  const latencies = arrivals.map(([arrivedAt, dueAt]) => arrivedAt - dueAt);
  const answer: FollowReport = {
    p50Ms: quantileOf(latencies, 0.5),
    p99Ms: quantileOf(latencies, 0.99),
    maxMs: quantileOf(latencies, 1),
    seen: arrivals.length,
    lost: lost(),
    duplicated,
    arrivals: tellArrivals ? arrivals : [],
  };
  noted.arrivals = [];
  noted.duplicated = 0;
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
