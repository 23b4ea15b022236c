/**
 * A server that knows nothing of the registry, as what operators put usually is. It answers on one port to HTTP, or over
 * HTTP/2 to grpc.health.v1.
 *
 *     probed-server.ts http|grpc [PORT]
 */

import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";

import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Health, HealthCheckResponse_ServingStatus as Status } from "@rollcall/protocol";

const [kind, port = "0"] = process.argv.slice(2) as [string, string?];

const server =
  kind === "grpc"
    ? createHttp2Server(
        connectNodeAdapter({
          routes: (router) => router.service(Health, { check: () => ({ status: Status.SERVING }) }),
        }),
      )
    : createServer((_request, response) => response.setHeader("connection", "close").end("well"));
server.listen(Number(port), "127.0.0.1");
await once(server, "listening");
const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
process.stdout.write(`${JSON.stringify({ ready: true, address })}\n`);
