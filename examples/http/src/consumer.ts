/**
 * A consumer: follows a service and calls its instances in turn, through a `fetch` that knows them.
 *
 *     npm run consumer -w @rollcall/example-http
 *
 * Settings by variable: ROLLCALL_SERVER (default 127.0.0.1:9600), SERVICE (default greetings), EVERY_MS (default 1000).
 */

import { setTimeout as sleep } from "node:timers/promises";

import { createClient, roundRobin } from "@rollcall/sdk";
import { createBalancedFetch } from "@rollcall/sdk/fetch";

const { ROLLCALL_SERVER = "127.0.0.1:9600", SERVICE = "greetings", EVERY_MS = "1000" } = process.env;

const client = createClient({ servers: ROLLCALL_SERVER.split(",") });
const greetings = createBalancedFetch(client, SERVICE, { filter: { protocol: "http" }, policy: roundRobin() });
greetings.balancer.subscription.onChange(({ instances }) => {
  console.log(`${SERVICE} has ${instances.length} instances: ${instances.map(({ address }) => address).join(" ")}`);
});

const stopped = new AbortController();
process.once("SIGTERM", () => stopped.abort());
process.once("SIGINT", () => stopped.abort());

while (!stopped.signal.aborted) {
  await ask();
  await sleep(Number(EVERY_MS), undefined, { signal: stopped.signal }).catch(() => {});
}
await client.close();

async function ask(): Promise<void> {
  try {
    // The list is kept up to date behind our back: nobody is asked where to call.
    const response = await greetings("/", { signal: AbortSignal.timeout(1_000) });
    console.log((await response.text()).trimEnd());
  } catch (error) {
    console.log(`no answer: ${String(error)}`);
  }
}
