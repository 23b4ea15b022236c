/**
 * A consumer: follows a service and calls its instances in turn.
 *
 *     npm run consumer -w @rollcall/example-http
 *
 * Settings by variable: ROLLCALL_SERVER (default 127.0.0.1:9600), SERVICE (default greetings), EVERY_MS (default 1000).
 */

import { setTimeout as sleep } from "node:timers/promises";

import { createClient } from "@rollcall/sdk";

const { ROLLCALL_SERVER = "127.0.0.1:9600", SERVICE = "greetings", EVERY_MS = "1000" } = process.env;

const client = createClient({ servers: ROLLCALL_SERVER.split(",") });
const subscription = client.subscribe(SERVICE, { protocol: "http" });
subscription.onChange(({ instances }) => {
  console.log(`${SERVICE} has ${instances.length} instances: ${instances.map(({ address }) => address).join(" ")}`);
});

const stopped = new AbortController();
process.once("SIGTERM", () => stopped.abort());
process.once("SIGINT", () => stopped.abort());

for (let call = 0; !stopped.signal.aborted; call++) {
  // The last known list, without asking anybody: it is kept up to date behind our back.
  const listed = subscription.current()?.instances ?? [];
  // Who is listed is there; who wants no traffic at the moment says so.
  const instances = listed.filter(({ enabled, health, weight }) => enabled && health === "healthy" && weight > 0);
  const instance = instances[call % instances.length];
  if (instance !== undefined) await ask(instance.address);
  await sleep(Number(EVERY_MS), undefined, { signal: stopped.signal }).catch(() => {});
}
await client.close();

async function ask(address: string): Promise<void> {
  try {
    const response = await fetch(`http://${address}/`, { signal: AbortSignal.timeout(1_000) });
    console.log((await response.text()).trimEnd());
  } catch (error) {
    // A provider that has just gone: the registry tells in a moment, and the next call goes to another.
    console.log(`${address} did not answer: ${String(error)}`);
  }
}
