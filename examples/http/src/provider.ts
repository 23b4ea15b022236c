/**
 * A provider: an HTTP server that registers itself, and takes itself out before it stops.
 *
 *     npm start                                              a registry, in another terminal
 *     npm run provider -w @rollcall/example-http             as many as you like
 *
 * Settings by variable: ROLLCALL_SERVER (default 127.0.0.1:9600), SERVICE (default greetings).
 */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { createClient } from "@rollcall/sdk";

const { ROLLCALL_SERVER = "127.0.0.1:9600", SERVICE = "greetings" } = process.env;

const server = createServer((request, response) => {
  response.end(`hello from ${address}, you asked for ${request.url}\n`);
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;

// Listen first, register then: whoever learns the address may call at once.
const client = createClient({ servers: ROLLCALL_SERVER.split(",") });
const registration = await client.register({ service: SERVICE, address, protocol: "http" });
console.log(`${address} is registered for ${SERVICE}`);

async function stop(): Promise<void> {
  // The other way round: once the registry has taken the instance out, nobody new will call.
  await registration.unregister();
  await client.close();
  server.close();
  console.log(`${address} is gone`);
}

process.once("SIGTERM", () => void stop());
process.once("SIGINT", () => void stop());
