/** The client for Node over real sockets: that the ports are wired, not what the heart does. */

import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";

import { RegistryError, type ClientMessage, type MessageStream, type ServerMessage } from "@rollcall/core";
import { CONNECT_PATH, clientMessageFromBytes, errorDetailCodec, frameFromServerMessage } from "@rollcall/protocol";
import { createStreamRouter } from "@rollcall/runtime/stream";
import { expect, onTestFinished, test } from "vitest";

import { createClient, type Client, type EventName, type NodeClientOptions } from "../src/node/index.ts";
import { nodeClock, nodeRandom } from "../src/node/ports.ts";
import { FakeDatum, ids, linesFromMessage, version } from "./fake-session.ts";

interface Heard {
  readonly message: ClientMessage;
  readonly say: (parts: Partial<ServerMessage>) => void;
  readonly close: (error: RegistryError) => void;
}

/** A server on a port of its own that calls `hear` for each message. */
async function serve(hear: (heard: Heard) => void): Promise<string> {
  const accept = (stream: MessageStream): void => {
    stream.listen({
      message: (bytes) =>
        hear({
          message: clientMessageFromBytes(bytes),
          say: (parts) => stream.send(frameFromServerMessage(parts)),
          close: (error) => stream.close(error),
        }),
      closed: () => {},
    });
  };
  const router = createStreamRouter(new Map([[CONNECT_PATH, accept]]), { errorDetail: errorDetailCodec });
  const server = createServer();
  server.on("stream", (stream, headers) => {
    if (!router.handle(stream, headers)) stream.respond({ ":status": 404 }, { endStream: true });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function connect(options: NodeClientOptions): Client {
  const client = createClient(options);
  onTestFinished(() => client.close());
  return client;
}

function next(client: Client, name: EventName): Promise<unknown> {
  return new Promise((resolve) => {
    const stop = client.on(name, (event) => {
      stop();
      resolve(event);
    });
  });
}

const hello = { nodeId: "session-1", clusterId: "cluster" };

test("registers, is pushed, and says goodbye", async () => {
  const heard: string[] = [];
  const address = await serve(({ message, say }) => {
    heard.push(...linesFromMessage(message));
    if (message.hello !== undefined) say({ hello });
    const results = [...message.registers, ...message.unregisters].map(({ sequence }) => {
      return { sequence, outcome: { kind: "applied", version: version(1, 1) } } as const;
    });
    const pushes = message.subscribes.map(() => new FakeDatum().put("a").snapshot());
    say({ results, pushes });
  });
  const client = connect({ servers: [address], name: "c" });
  const registration = await client.register({ service: "orders", address: "10.0.0.1:80", id: "a" });
  expect(registration.version).toEqual(version(1, 1));
  expect(ids(await client.resolve("orders"))).toEqual(["a"]);
  await client.close();
  expect(heard).toEqual([
    `hello ${client.id} 1`,
    "register orders/a 1.1",
    "subscribe orders",
    "unregister orders/a 1.2",
    "unsubscribe orders",
  ]);
});

test("the reason why a server ends the link reaches the client", async () => {
  const address = await serve(({ message, say, close }) => {
    if (message.hello === undefined) return;
    say({ hello });
    close(new RegistryError("shutting_down", "the node stops"));
  });
  const client = connect({ servers: [address] });
  expect(await next(client, "disconnected")).toMatchObject({ server: address, error: { reason: "shutting_down" } });
});

test("without a server it goes on trying", async () => {
  const client = connect({ servers: ["127.0.0.1:1"], reconnect: { pauseMinMs: 1, pauseMaxMs: 1 } });
  expect(await next(client, "retrying")).toMatchObject({ failures: 1, error: { reason: "unavailable" } });
  expect(await next(client, "retrying")).toMatchObject({ failures: 2 });
});

test("the ports are what they are described as", async () => {
  const ran: string[] = [];
  nodeClock.setTimer(0, () => ran.push("cancelled")).cancel();
  const before = nodeClock.now();
  await new Promise<void>((resolve) => {
    nodeClock.setTimer(1, () => {
      ran.push("timer");
      resolve();
    });
    nodeClock.defer(() => ran.push("deferred"));
  });
  expect(ran).toEqual(["deferred", "timer"]);
  expect(nodeClock.now()).toBeGreaterThan(before);
  expect(nodeRandom.id()).toMatch(/^[0-9a-f]{32}$/);
  expect(nodeRandom.next()).toBeLessThan(1);
});
