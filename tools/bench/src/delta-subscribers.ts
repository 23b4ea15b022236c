/**
 * Subscribers that use the SDK, in a process of their own. When all of them have been called back with the same, one line
 * tells what that has cost up to now.
 *
 *     delta-subscribers.ts SERVER SERVICE COUNT
 */

import type { Dialer } from "@rollcall/core";
import { errorDetailCodec } from "@rollcall/protocol";
import { systemClock, systemRandom } from "@rollcall/runtime";
import { createHttp2Dialer } from "@rollcall/runtime/stream";
import { createClientWith } from "@rollcall/sdk/heart";

import { cpuMicroseconds, onLines } from "./child.ts";

const [server, service, countText] = process.argv.slice(2) as [string, string, string];
const count = Number(countText);

const counts = { bytes: 0, called: 0 };
const dialer = createHttp2Dialer({ errorDetail: errorDetailCodec });

/** The dialer of a client for Node, but for the counting. It asks for nothing compressed, so that changes compare. */
const counting: Dialer = {
  dial(address, method) {
    const stream = dialer.dial(address, method);
    return {
      get congested() {
        return stream.congested;
      },
      send: (frame) => stream.send(frame),
      close: (error) => stream.close(error),
      listen: (listener) =>
        stream.listen({
          ...listener,
          message(message) {
            counts.bytes += message.length + HEADER_BYTES;
            listener.message(message);
          },
        }),
    };
  },
};

const HEADER_BYTES = 5;

for (let index = 0; index < count; index++) {
  const client = createClientWith(
    { clock: systemClock, random: systemRandom, dialer: counting },
    { servers: [server] },
  );
  client.subscribe(service).onChange(() => {
    if (++counts.called % count === 0)
      process.stdout.write(`${JSON.stringify({ bytes: counts.bytes, cpuMicroseconds: cpuMicroseconds() })}\n`);
  });
}
onLines(() => {});
