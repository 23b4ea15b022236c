/**
 * Clients in a process of their own, each with a connection of its own, that hold what they subscribe to and acknowledge
 * what they are pushed. One line tells when all of them have everything.
 *
 *     clients-crowd.ts ADDRESS COUNT FIRST SUBSCRIPTIONS SERVICES
 */

import { NO_FILTER, serviceKey } from "@rollcall/core";
import { CONNECT_PATH, errorDetailCodec, frameFromClientMessage, serverMessageFromBytes } from "@rollcall/protocol";
import { createHttp2Dialer } from "@rollcall/runtime/stream";

import { onLines } from "./child.ts";

const [address, ...numbers] = process.argv.slice(2) as [string, ...string[]];
const [count, first, subscriptions, services] = numbers.map(Number) as [number, number, number, number];

/** Connections that are opened at a time: more than a server's backlog would be refused. */
const OPENING_MAX = 200;

const dialer = createHttp2Dialer({ errorDetail: errorDetailCodec, connectTimeoutMs: 60_000 });
const counts = { opened: 0, complete: 0 };
for (let index = 0; index < Math.min(count, OPENING_MAX); index++) open();
onLines(() => {});

function open(): void {
  const number = first + counts.opened++;
  const missing = new Set(
    Array.from({ length: subscriptions }, (_, index) => `bench-${(number + index * 7) % services}`),
  );
  const subscribes = [...missing].map((service) => ({
    key: serviceKey({ service }),
    filter: NO_FILTER,
    held: undefined,
  }));
  let isGreeted = false;
  /** Who asks for nothing has everything when it is answered at all. */
  const greeted = (): void => {
    if (!isGreeted) completed();
    isGreeted = true;
  };
  const stream = dialer.dial(address, CONNECT_PATH);
  stream.listen({
    message(bytes) {
      if (subscriptions === 0) greeted();
      const { pushes } = serverMessageFromBytes(bytes);
      if (pushes.length === 0) return;
      stream.send(frameFromClientMessage({ receipts: pushes.map((push) => ({ ...push, held: push, resync: false })) }));
      for (const { key } of pushes) if (missing.delete(key.service) && missing.size === 0) completed();
    },
    closed: (error) => {
      process.stderr.write(`a client was lost: ${error?.message ?? "in order"}\n`);
      process.exit(1);
    },
  });
  const hello = { clientId: `client-${number}`, incarnation: 1, agent: "bench", moves: false };
  stream.send(frameFromClientMessage({ hello, subscribes }));
}

function completed(): void {
  if (counts.opened < count) open();
  if (++counts.complete === count) process.stdout.write("ready\n");
}
