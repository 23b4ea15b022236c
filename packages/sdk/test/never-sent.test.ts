import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

import { expect, test } from "vitest";

import { isNeverSent } from "../src/balance/never-sent.ts";

/** A port on which nobody listens, or somebody who treats each connection so. */
async function port(treat?: (socket: Socket) => void): Promise<number> {
  const server = createServer(treat).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  if (treat === undefined) server.close();
  else server.unref();
  return port;
}

async function failureOf(url: string): Promise<unknown> {
  return fetch(url).then(
    () => undefined,
    (error: unknown) => error,
  );
}

test("a refused connection says that nothing was sent", async () => {
  expect(isNeverSent(await failureOf(`http://127.0.0.1:${await port()}`))).toBe(true);
  // By a name that may have several addresses.
  expect(isNeverSent(await failureOf(`http://localhost:${await port()}`))).toBe(true);
});

test("a connection that was reset after it was made says nothing of the kind", async () => {
  const reset = await port((socket) => socket.once("data", () => socket.resetAndDestroy()));
  expect(isNeverSent(await failureOf(`http://127.0.0.1:${reset}`))).toBe(false);
});

const refused = { syscall: "connect", code: "ECONNREFUSED" };
const cycle: { cause?: unknown } = {};
cycle.cause = cycle;

test.each<[string, unknown, boolean]>([
  ["a name nobody knows", { cause: { syscall: "getaddrinfo", code: "ENOTFOUND" } }, true],
  ["a host that stopped answering while it was written to", { syscall: "write", code: "EHOSTUNREACH" }, false],
  ["too long a wait for a connection", { cause: { code: "UND_ERR_CONNECT_TIMEOUT" } }, true],
  ["all addresses refused", { errors: [refused, refused] }, true],
  ["one address lost later", { errors: [refused, { syscall: "read", code: "ECONNRESET" }] }, false],
  ["an error that is its own cause", cycle, false],
  ["nothing", undefined, false],
])("%s", (_, error, expected) => {
  expect(isNeverSent(error)).toBe(expected);
});
