/**
 * Instances that are restarted one after the other, by the clock, in a process of their own: each is gone for a moment and comes
 * back under an id of its next life.
 *
 *     restarter.ts ADDRESS SERVICES INSTANCES
 */

import { createClient, type Registration } from "@rollcall/sdk";

import { onLines } from "../child.ts";
import { benchInput } from "../clients/bench-instance.ts";
import { now } from "../harness/clock.ts";
import { idOfGeneration, serviceName, type RestartCommand, type RestartReport } from "./words.ts";

const [address, servicesText, instancesText] = process.argv.slice(2) as [string, string, string];
const services = Number(servicesText);
const instances = Number(instancesText);
const CLIENTS = 4;
/** How often something is done: all that is due. */
const TICK_MS = 1;

const clients = Array.from({ length: CLIENTS }, () => createClient({ servers: [address] }));
const numbers = Array.from({ length: services * instances }, (_, number) => number);
const running: Registration[] = [];
await Promise.all(numbers.map((number) => register(number, 0, 0)));
process.stdout.write("ready\n");
onLines((line) => void restartAll(JSON.parse(line) as RestartCommand));

async function restartAll({ generation, overMs, goneMs }: RestartCommand): Promise<void> {
  const beganAt = now();
  const dueAt = (number: number): number => beganAt + (number * overMs) / numbers.length;
  const lastDueAt = Array.from({ length: services }, () => 0);
  const counts = { ended: 0, begun: 0, errors: 0 };
  const unanswered: Promise<unknown>[] = [];
  const noteError = (): void => void counts.errors++;
  while (counts.begun < numbers.length) {
    for (; counts.ended < numbers.length && dueAt(counts.ended) <= now(); counts.ended++)
      unanswered.push(running[counts.ended]!.unregister().catch(noteError));
    for (; counts.begun < numbers.length && dueAt(counts.begun) + goneMs <= now(); counts.begun++) {
      const number = counts.begun;
      const due = dueAt(number) + goneMs;
      lastDueAt[number % services] = due;
      unanswered.push(register(number, generation, due).catch(noteError));
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  await Promise.all(unanswered);
  const report: RestartReport = { changes: 2 * numbers.length, lastDueAt, errors: counts.errors };
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

async function register(number: number, generation: number, dueAt: number): Promise<void> {
  running[number] = await clients[number % CLIENTS]!.register({
    service: serviceName(number % services),
    ...benchInput(idOfGeneration(number, generation), { number: generation, dueAt }),
  });
}
