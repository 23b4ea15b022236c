/**
 * Subscribers in a process of their own, each with a connection of its own. When every one has been called back with a
 * change, one line tells when. Those who only listen are for servers that expect no receipts; those who acknowledge say
 * no more than that.
 *
 *     fanout-clients.ts ADDRESS SERVICE COUNT FIRST connect|watch|listen|acknowledge compressed|plain
 */

import { create, toBinary } from "@bufbuild/protobuf";
import { NO_FILTER, frameFromMessage, serviceKey, type Frame } from "@rollcall/core";
import {
  CONNECT_PATH,
  RegistryService,
  WATCH_PATH,
  errorDetailCodec,
  frameFromClientMessage,
  serverMessageFromBytes,
} from "@rollcall/protocol";
import { createHttp2Dialer } from "@rollcall/runtime/stream";

import { onLines } from "./child.ts";
import { now } from "./harness/clock.ts";
import type { FanoutRound } from "./fanout-words.ts";

const [address, service, countText, firstText, how, compression] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  "connect" | "watch" | "listen" | "acknowledge",
  "compressed" | "plain",
];
const count = Number(countText);
const key = serviceKey({ service });

/** Connections that are opened at a time: more than a server's backlog would be refused. */
const OPENING_MAX = 200;

const dialer = createHttp2Dialer({
  errorDetail: errorDetailCodec,
  connectTimeoutMs: 60_000,
  acceptsCompressed: compression === "compressed",
});
const counts = { opened: 0, ready: 0 };
const round: { arrivedAt: number[]; bytes: number } = { arrivedAt: [], bytes: 0 };

for (let index = 0; index < Math.min(count, OPENING_MAX); index++) open();
onLines(() => {});

function open(): void {
  const number = Number(firstText) + counts.opened++;
  let isReady = false;
  const stream = dialer.dial(address, how === "watch" ? WATCH_PATH : CONNECT_PATH);
  stream.listen({
    message(message) {
      // Read as far as a subscriber has to, to know what to call back with.
      const { pushes } = serverMessageFromBytes(message);
      const push = pushes[0];
      if (push === undefined) return;
      if (how === "connect" || how === "acknowledge")
        stream.send(frameFromClientMessage({ receipts: [{ ...push, held: push, resync: false }] }));
      if (push.instances.length + push.removedIds.length === 0) return;
      if (isReady) arrived(message.length + HEADER_BYTES);
      else {
        isReady = true;
        if (counts.opened < count) open();
        if (++counts.ready === count) process.stdout.write("ready\n");
      }
    },
    closed: (error) => {
      process.stderr.write(`a subscriber was lost: ${error?.message ?? "in order"}\n`);
      process.exit(1);
    },
  });
  stream.send(how === "watch" ? watching() : subscribing(number));
}

const HEADER_BYTES = 5;

function arrived(messageBytes: number): void {
  round.arrivedAt.push(now());
  round.bytes += messageBytes;
  if (round.arrivedAt.length < count) return;
  process.stdout.write(`${JSON.stringify(round satisfies FanoutRound)}\n`);
  round.arrivedAt = [];
  round.bytes = 0;
}

function subscribing(number: number): Frame {
  return frameFromClientMessage({
    hello: { clientId: `subscriber-${number}`, incarnation: 1, agent: "bench", moves: false },
    subscribes: [{ key, filter: NO_FILTER, held: undefined }],
  });
}

function watching(): Frame {
  const { input } = RegistryService.method.watch;
  return frameFromMessage(toBinary(input, create(input, { key: { service } })));
}
