import { createServer } from "node:net";
import { connect } from "node:http2";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";

import { frameFromMessage, RegistryError, type MessageStream, type StreamHandler } from "@rollcall/core";
import { bytesOfText, Ear, frameOfText, listenTo, refusal, TALK_PATH } from "./echo-service.ts";
import { dialer, serveEcho } from "./serve.ts";

const LARGE = 4 * 1024 * 1024;

/** Serves one handler and dials it: both ends of a link. */
async function linkTo(handler: StreamHandler): Promise<{ stream: MessageStream; address: string }> {
  const { address } = await serveEcho({ streams: new Map([[TALK_PATH, handler]]) });
  return { stream: dialer().dial(address, TALK_PATH), address };
}

test("frames sent before the link is up wait for it and arrive in order", async () => {
  const { address } = await serveEcho();
  const stream = dialer().dial(address, TALK_PATH);
  const ear = listenTo(stream);
  for (let count = 0; count < 100; count++) stream.send(frameOfText(String(count)));
  await ear.until(({ messages }) => messages.length === 101);
  expect(ear.messages).toEqual(["hello", ...Array.from({ length: 100 }, (_, count) => String(count))]);
});

test("the server may speak first", async () => {
  const { address } = await serveEcho();
  const ear = listenTo(dialer().dial(address, TALK_PATH));
  await ear.until(({ messages }) => messages.length === 1);
  expect(ear.messages).toEqual(["hello"]);
});

test("a large message passes in both directions, if the server takes as much", async () => {
  const { address } = await serveEcho({ limits: { messageBytesMaxOf: new Map([[TALK_PATH, LARGE]]) } });
  const stream = dialer().dial(address, TALK_PATH);
  const ear = listenTo(stream);
  const text = "x".repeat(LARGE - 5);
  stream.send(frameOfText(text));
  await ear.until(({ messages }) => messages.length === 2);
  expect(ear.messages[1] === text).toBe(true);
});

test("the dialer's orderly end reaches the handler after everything that was sent", async () => {
  const server = new Ear();
  const { stream } = await linkTo((stream) => stream.listen(server));
  const client = listenTo(stream);
  stream.send(frameOfText("last"));
  stream.close();
  expect(client.end, "whoever closes is not called back at once").toBeUndefined();
  expect(await client.ended()).toBeUndefined();
  expect(await server.ended()).toBeUndefined();
  expect(server.messages).toEqual(["last"]);
});

test("the dialer's error reaches the handler as a link given up", async () => {
  const server = new Ear();
  const { stream } = await linkTo((stream) => {
    stream.listen(server);
    stream.send(frameOfText("welcome"));
  });
  const client = await listenTo(stream).until(({ messages }) => messages.length > 0);
  stream.close(new RegistryError("closed", "gave up"));
  expect(await client.ended()).toMatchObject({ reason: "closed" });
  // Not what the error was, but that the process behind it is there: a dead one could not have said so.
  expect(await server.ended()).toMatchObject({ reason: "closed" });
});

test("the handler's orderly end reaches the dialer after everything that was sent", async () => {
  const server = new Ear();
  const { stream } = await linkTo((stream) => {
    stream.listen(server);
    stream.send(frameOfText("last"));
    stream.close();
    stream.send(frameOfText("too late"));
  });
  const client = listenTo(stream);
  expect(await client.ended()).toBeUndefined();
  expect(client.messages).toEqual(["last"]);
  expect(await server.ended()).toBeUndefined();
});

test("the handler's error reaches the dialer with reason and subject", async () => {
  const { address } = await serveEcho();
  const stream = dialer().dial(address, TALK_PATH);
  const ear = listenTo(stream);
  stream.send(frameOfText("fail"));
  expect(await ear.ended()).toMatchObject({
    reason: refusal.reason,
    message: refusal.message,
    subject: refusal.subject,
  });
});

test("without a codec for details, an error keeps what its code can tell", async () => {
  const { address } = await serveEcho();
  const stream = dialer({ errorDetail: undefined }).dial(address, TALK_PATH);
  const ear = listenTo(stream);
  stream.send(frameOfText("fail"));
  expect(await ear.ended()).toMatchObject({ reason: "limit_exceeded", message: refusal.message, subject: undefined });
});

test("a listener that refuses a message by throwing ends the link with that error", async () => {
  const { address } = await serveEcho();
  const stream = dialer().dial(address, TALK_PATH);
  const ear = listenTo(stream);
  stream.send(frameOfText("throw"));
  expect(await ear.ended()).toMatchObject({ reason: refusal.reason, subject: refusal.subject });
});

test("a handler that throws refuses the link", async () => {
  const { stream } = await linkTo(() => {
    throw new RegistryError("not_ready", "still loading");
  });
  expect(await listenTo(stream).ended()).toMatchObject({ reason: "not_ready", message: "still loading" });
});

test("a frame larger than the server takes ends the link with what is allowed", async () => {
  const { address } = await serveEcho({ limits: { messageBytesMax: 1_000 } });
  const stream = dialer().dial(address, TALK_PATH);
  const ear = listenTo(stream);
  stream.send(frameFromMessage(new Uint8Array(1_001)));
  expect(await ear.ended()).toMatchObject({
    reason: "protocol_violation",
    subject: { field: "message", limit: "1000 bytes", value: "1001" },
  });
});

test("a frame larger than the dialer takes ends the link", async () => {
  const { address } = await serveEcho();
  const ear = listenTo(dialer({ messageBytesMax: 3 }).dial(address, TALK_PATH));
  expect(await ear.ended()).toMatchObject({ reason: "protocol_violation" });
});

test.each([
  ["nobody listens there", "127.0.0.1:1", "unavailable"],
  ["the address is none", "no address", "invalid_field"],
  ["the address hides a path", "127.0.0.1:1/x", "invalid_field"],
  ["the address hides a user", "a@127.0.0.1:1", "invalid_field"],
])("a link fails when %s", async (_, address, reason) => {
  const ear = listenTo(dialer().dial(address, TALK_PATH));
  expect(await ear.ended()).toMatchObject({ reason });
});

test("a link fails when the method is unknown there", async () => {
  const { address } = await serveEcho();
  const ear = listenTo(dialer().dial(address, "/rollcall.test.Echo/Nothing"));
  expect(await ear.ended()).toMatchObject({ reason: "protocol_violation" });
});

test("a link fails when the other side accepts and says nothing", async () => {
  const silent = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void silent.close());
  await once(silent, "listening");
  const { port } = silent.address() as { port: number };
  const ear = listenTo(dialer({ connectTimeoutMs: 50 }).dial(`127.0.0.1:${port}`, TALK_PATH));
  const error = await ear.ended();
  expect(error).toMatchObject({ reason: "unavailable" });
  expect(error?.message).toContain("no answer within 50 ms");
});

test("closing the dialer loses its links, on both sides", async () => {
  const server = new Ear();
  const { address } = await serveEcho({ streams: new Map([[TALK_PATH, (stream) => stream.listen(server)]]) });
  const own = dialer();
  const stream = own.dial(address, TALK_PATH);
  const client = listenTo(stream);
  stream.send(frameOfText("I am here"));
  await server.until(({ messages }) => messages.length > 0);
  own.close();
  expect(await client.ended()).toMatchObject({ reason: "unavailable" });
  expect(await server.ended()).toMatchObject({ reason: "unavailable" });
});

test("a reader that stands still congests its own stream and no other", async () => {
  const accepted: { stream: MessageStream; ear: Ear }[] = [];
  const { address } = await serveEcho({
    streams: new Map([[TALK_PATH, (stream) => accepted.push({ stream, ear: listenTo(stream) })]]),
  });
  const session = connect(`http://${address}`);
  onTestFinished(() => session.destroy());
  const request = session.request({
    ":method": "POST",
    ":path": TALK_PATH,
    "content-type": "application/connect+proto",
  });
  request.pause();
  await once(request, "response");
  const slow = accepted[0];
  if (slow === undefined) throw new Error("the slow stream was not accepted");
  expect(slow.stream.congested).toBe(false);
  const frame = frameOfText("x".repeat(1_000));
  let sent = 0;
  for (; !slow.stream.congested; sent++) slow.stream.send(frame);
  expect(sent * frame.length, "congested only once its buffer is full").toBeGreaterThan(60_000);

  const fast = listenTo(dialer().dial(address, TALK_PATH));
  await expect.poll(() => accepted.length).toBe(2);
  for (let count = 0; count < 1_000; count++) accepted[1]?.stream.send(frame);
  await fast.until(({ messages }) => messages.length === 1_000);
  expect(slow.ear.drains).toBe(0);

  // Filled beyond what flow control lets go, it stays congested until the reader goes on.
  for (; sent * frame.length < 1_000_000; sent++) slow.stream.send(frame);
  await fast.until(() => slow.stream.congested);
  request.resume();
  await slow.ear.until(({ drains }) => drains > 0);
  expect(slow.stream.congested).toBe(false);
});

test("a handler is told where its link comes from", async () => {
  let peer = "";
  const { stream } = await linkTo((stream, { address }) => {
    peer = address;
    stream.listen(new Ear());
    stream.close();
  });
  await listenTo(stream).ended();
  expect(peer).toMatch(/^127\.0\.0\.1:\d+$/);
});

test("bytes that a listener was given stay as they are", async () => {
  const kept: Uint8Array[] = [];
  const { stream } = await linkTo((stream) =>
    stream.listen({ message: (bytes) => kept.push(bytes), closed: () => {} }),
  );
  const ear = listenTo(stream);
  for (let count = 0; count < 1_000; count++) stream.send(frameOfText(`message ${count}`));
  stream.close();
  await ear.ended();
  await expect.poll(() => kept.length).toBe(1_000);
  expect(kept.map((bytes) => Buffer.from(bytes))).toEqual(
    Array.from({ length: 1_000 }, (_, count) => Buffer.from(bytesOfText(`message ${count}`))),
  );
});
