/**
 * One client that changes the only instance of each service, in a process of its own, by the clock. It begins at the first of
 * the addresses.
 *
 *     publisher.ts KIND ADDRESS FIRST SERVICES [ANSWER_MS]
 */

import { onLines } from "../child.ts";
import { connectClient } from "../clients/connect.ts";
import { now } from "../harness/clock.ts";
import type { RegistryKind } from "../registries/registry.ts";
import { FOLLOWED_ID, serviceName, type PublishCommand, type PublishReport } from "./words.ts";

const [kind, address, firstText, servicesText, answerText] = process.argv.slice(2) as [RegistryKind, ...string[]] &
  [string, string, string, string, string?];
const first = Number(firstText);
const services = Number(servicesText);
/** How often changes are made: all that are due. */
const TICK_MS = 1;
/** Below so many a second a change is waited for awake: a timer alone would be late by as much as a push takes. */
const AWAKE_RATE_MAX = 250;
/** A timer is not later than this. */
const TIMER_LATE_MS = 2;
const RETRY_AFTER_MS = 20;

const client = await connectClient(kind, address, "publisher", {
  answerMs: answerText === undefined ? undefined : Number(answerText),
  atFirst: true,
});
const last = Array.from({ length: services }, () => 0);
for (let service = 0; service < services; service++)
  await client.publish(serviceName(first + service), FOLLOWED_ID, { number: 0, dueAt: 0 });
process.stdout.write("ready\n");
onLines((line) => void publish(JSON.parse(line) as PublishCommand));

async function publish({ rate, changes, persistent = false }: PublishCommand): Promise<void> {
  const beganAt = now();
  const dueAt = (change: number): number => beganAt + (change * 1_000) / rate;
  const counts = { made: 0, failures: 0, errors: 0 };
  const unanswered: Promise<void>[] = [];
  while (counts.made < changes) {
    for (; counts.made < changes && dueAt(counts.made) <= now(); counts.made++) {
      const service = counts.made % services;
      const change = { number: ++last[service]!, dueAt: dueAt(counts.made) };
      unanswered.push(make(service, change));
    }
    await elapseUntil(dueAt(counts.made), rate);
  }
  await Promise.all(unanswered);
  const { failures, errors } = counts;
  process.stdout.write(`${JSON.stringify({ last, failures, errors } satisfies PublishReport)}\n`);

  /** Until it is acknowledged, if it has to be, or until a later one takes its place. */
  async function make(service: number, change: { readonly number: number; readonly dueAt: number }): Promise<void> {
    for (;;) {
      try {
        return await client.publish(serviceName(first + service), FOLLOWED_ID, change);
      } catch {
        counts.failures++;
      }
      if (!persistent) return void counts.errors++;
      await elapse(RETRY_AFTER_MS);
      if (change.number !== last[service]) return;
    }
  }
}

async function elapseUntil(at: number, rate: number): Promise<void> {
  if (rate > AWAKE_RATE_MAX) return elapse(TICK_MS);
  const asleepMs = at - now() - TIMER_LATE_MS;
  if (asleepMs > 0) await elapse(asleepMs);
  while (now() < at) await new Promise((resolve) => setImmediate(resolve));
}

function elapse(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
