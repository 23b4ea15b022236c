import { once } from "node:events";
import * as net from "node:net";
import { expect, onTestFinished, test } from "vitest";

import { peekProtocol } from "../src/listener/peek.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const REQUEST = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/** A server that only looks what its clients speak, and says so. */
async function startPeeking() {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    peekProtocol(socket, 60_000, (protocol) => {
      socket.once("readable", () => socket.end(`${protocol} ${String(socket.read()).length}`));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const dial = () => net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
  return { dial };
}

/** All that is said until the end. */
async function answerTo(socket: net.Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(socket, "close");
  return Buffer.concat(chunks).toString();
}

test.each([
  ["http2", PREFACE],
  ["http1", REQUEST],
])("who speaks %s is told from the others, and nothing of what it said is lost", async (protocol, opening) => {
  const { dial } = await startPeeking();
  const socket = dial();
  for (const part of [opening.slice(0, 2), opening.slice(2)]) {
    socket.write(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await answerTo(socket)).toBe(`${protocol} ${opening.length}`);
});

test("who has asked over HTTP/1.1 and has no more to ask is answered", async () => {
  const { dial } = await startPeeking();
  expect(await answerTo(dial().end(REQUEST))).toBe(`http1 ${REQUEST.length}`);
});
