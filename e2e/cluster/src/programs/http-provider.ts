/**
 * A provider as a user would write it: serves HTTP and registers itself.
 *
 *     http-provider.ts SERVER SERVICE ID [RELEASE]
 */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { createClient } from "@rollcall/sdk";

import { machineTime } from "../recorded-views.ts";

const [server, service, id, release = "1.0"] = process.argv.slice(2) as [string, string, string, string?];

// No connection is kept: a caller whose connection was reset would know nothing of what became of its call.
const http = createServer((_request, response) => response.setHeader("connection", "close").end(id));
http.listen(0, "127.0.0.1");
await once(http, "listening");
const address = `127.0.0.1:${(http.address() as AddressInfo).port}`;

const client = createClient({ servers: [server] });
await client.register({ service, id, address, protocol: "http", metadata: { release } });
process.stdout.write(`${JSON.stringify({ ready: true, address, registeredAt: machineTime() })}\n`);

process.once("SIGTERM", () => {
  http.close();
  http.closeAllConnections();
  void client.close();
});
