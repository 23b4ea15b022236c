import { once } from "node:events";
import * as net from "node:net";
import { expect, onTestFinished, test } from "vitest";

import { Ear, frameOfText, listenTo, TALK_PATH } from "./echo-service.ts";
import { dialer, serveEcho } from "./serve.ts";

/** A way between two that can become a hole: both connections stay up and nothing comes through. */
async function holeBefore(address: string): Promise<{ address: string; open: () => void; carried: () => number }> {
  const { hostname, port } = new URL(`http://${address}`);
  let isHole = false;
  let chunks = 0;
  const sockets: net.Socket[] = [];
  const server = net.createServer((near) => {
    const far = net.connect(Number(port), hostname);
    sockets.push(near, far);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on("data", (chunk) => {
        chunks++;
        if (!isHole) to.write(chunk);
      });
      from.on("error", () => {});
      from.on("close", () => isHole || to.destroy());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    address: `127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    open: () => (isHole = true),
    carried: () => chunks,
  };
}

const soon = { pingAfterMs: 50, answerWithinMs: 400 };
const never = { pingAfterMs: 1_000_000, answerWithinMs: 1_000_000 };

async function linkThroughHole(options: { client: typeof soon; server: typeof soon }) {
  const server = new Ear();
  const listener = await serveEcho({
    streams: new Map([[TALK_PATH, (stream) => stream.listen(server)]]),
    limits: options.server,
  });
  const hole = await holeBefore(listener.address);
  const stream = dialer(options.client).dial(hole.address, TALK_PATH);
  const client = listenTo(stream);
  stream.send(frameOfText("I am here"));
  await server.until(({ messages }) => messages.length > 0);
  await client.until(({ isTaken }) => isTaken);
  return { server, client, hole, listener };
}

test("the server finds out about a client that is gone without a word", async () => {
  const { server, hole, listener } = await linkThroughHole({ client: never, server: soon });
  hole.open();
  expect(await server.ended()).toMatchObject({ reason: "deadline_exceeded" });
  await expect.poll(() => listener.connections).toBe(0);
});

test("the dialer finds out about a server that is gone without a word", async () => {
  const { client, hole } = await linkThroughHole({ client: soon, server: never });
  hole.open();
  const error = await client.ended();
  expect(error).toMatchObject({ reason: "deadline_exceeded" });
  expect(error?.message).toContain("PING");
});

test("silence is no reason to part as long as PINGs are answered", async () => {
  const { server, client, hole } = await linkThroughHole({ client: soon, server: soon });
  // Only PINGs and their answers are on the way now. Without them the link would be over before the fourth.
  const before = hole.carried();
  await expect.poll(() => hole.carried() - before, { timeout: 10_000 }).toBeGreaterThan(20);
  expect(client.end).toBeUndefined();
  expect(server.end).toBeUndefined();
});
