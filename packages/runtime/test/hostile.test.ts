/** What strangers may send to the port without hurting anyone else. */

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type ClientHttp2Session, type OutgoingHttpHeaders } from "node:http2";
import * as net from "node:net";
import { expect, onTestFinished, test } from "vitest";

import { frameFromMessage, type StreamListener } from "@rollcall/core";
import { Ear, frameOfText, listenTo, talk, TALK_PATH } from "./echo-service.ts";
import { dialer, serveEcho } from "./serve.ts";

function sessionTo(address: string): ClientHttp2Session {
  const session = connect(`http://${address}`);
  session.on("error", () => {});
  onTestFinished(() => session.destroy());
  return session;
}

/** Sends raw bytes on a stream and reads the whole answer. */
async function exchange(address: string, body: Uint8Array, headers: OutgoingHttpHeaders = {}): Promise<string> {
  const request = sessionTo(address).request({
    ":method": "POST",
    ":path": TALK_PATH,
    "content-type": "application/connect+proto",
    ...headers,
  });
  request.on("error", () => {});
  request.end(body);
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}

async function rawHttp1(address: string, request: string): Promise<string> {
  const { hostname, port } = new URL(`http://${address}`);
  const socket = net.connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => {});
  socket.write(request);
  let text = "";
  for await (const chunk of socket) {
    text += String(chunk);
    if (text.includes("\r\n\r\n")) break;
  }
  return text;
}

async function expectAlive(address: string): Promise<void> {
  const ear = listenTo(dialer().dial(address, TALK_PATH));
  await ear.until(({ messages, end }) => messages.length > 0 || end !== undefined);
  expect(ear.messages).toEqual(["hello"]);
}

const whole = frameOfText("whole");
const compressed = Uint8Array.from(whole);
compressed[0] = 1;
const flagged = Uint8Array.from(whole);
flagged[0] = 0x80;

test.each([
  ["a frame cut off", whole.subarray(0, 7), "within a frame"],
  ["a header cut off", whole.subarray(0, 3), "within a frame"],
  ["a compressed frame", compressed, "compressed"],
  ["a frame with unknown flags", flagged, "the flags 128"],
  ["a length of four gigabytes", Uint8Array.of(0, 255, 255, 255, 255), "at most 1048576 bytes"],
])("%s is a violation that is told", async (_, bytes, words) => {
  const { address } = await serveEcho();
  const answer = await exchange(address, bytes);
  expect(answer).toContain("invalid_argument");
  expect(answer).toContain(words);
  await expectAlive(address);
});

test("announced compression is refused as the protocol wants it", async () => {
  const { address } = await serveEcho();
  expect(await exchange(address, compressed, { "connect-content-encoding": "gzip" })).toContain("unimplemented");
});

test.each(["a:b", "x:1.0", "[::", "a%b", "%zz", " "])(
  "the authority %j is answered with 400 and the process lives",
  async (authority) => {
    const { address } = await serveEcho();
    const path = "/rollcall.test.Echo/Say";
    const overHttp1 = await rawHttp1(
      address,
      `POST ${path} HTTP/1.1\r\nHost: ${authority}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
    );
    expect(overHttp1).toMatch(/^HTTP\/1\.1 400/);
    const request = sessionTo(address).request({
      ":method": "POST",
      ":path": path,
      ":authority": authority,
      "content-type": "application/json",
    });
    request.on("error", () => {});
    request.end("{}");
    // Some of these nghttp2 refuses by itself, by resetting the stream.
    const status = await new Promise((resolve) => {
      request.once("response", (headers) => resolve(headers[":status"]));
      request.once("close", () => resolve("reset"));
    });
    expect([400, "reset"]).toContain(status);
    await expectAlive(address);
  },
);

test.each([
  "garbage\r\n\r\n",
  "P",
  "PR",
  "PRI * HTTP/2.0\r\n\r\ngarbage garbage garbage",
  "\0\0\0\0",
  "GET / HTTP/9.9\r\n\r\n",
])("bytes %j instead of a request hurt nobody", async (bytes) => {
  const { address } = await serveEcho({ limits: { firstBytesWithinMs: 300 } });
  const { hostname, port } = new URL(`http://${address}`);
  const socket = net.connect(Number(port), hostname);
  socket.on("error", () => {});
  socket.resume();
  socket.write(bytes);
  await once(socket, "close");
  await expectAlive(address);
});

test("a connection that says nothing is closed", async () => {
  const listener = await serveEcho({ limits: { firstBytesWithinMs: 30 } });
  const { hostname, port } = new URL(`http://${listener.address}`);
  const socket = net.connect(Number(port), hostname);
  await once(socket, "close");
  await expect.poll(() => listener.connections).toBe(0);
});

test("a request that never completes its headers is cut off", async () => {
  const { address } = await serveEcho({ limits: { headersWithinMs: 50 } });
  expect(await rawHttp1(address, "GET / HTTP/1.1\r\nHost: x\r\n")).toMatch(/^HTTP\/1\.1 408/);
});

test("the preface may come byte by byte", async () => {
  const { address } = await serveEcho();
  const { hostname, port } = new URL(`http://${address}`);
  const socket = net.connect(Number(port), hostname).setNoDelay(true);
  onTestFinished(() => void socket.destroy());
  for (const byte of Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1")) {
    await new Promise<void>((resolve) => socket.write(Uint8Array.of(byte), () => setImmediate(resolve)));
  }
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer[3], "a SETTINGS frame").toBe(4);
});

test("a thousand cancelled calls leave the innocent one on the same connection alone", async () => {
  const { address } = await serveEcho();
  const session = sessionTo(address);
  const headers = { ":method": "POST", ":path": TALK_PATH, "content-type": "application/connect+proto" };
  const innocent = session.request(headers);
  await once(innocent, "response");
  for (let burst = 0; burst < 3; burst++) {
    const calls = Array.from({ length: 990 }, () => session.request(headers));
    await Promise.all(calls.map((call) => once(call, "response")));
    const closed = calls.map((call) => once(call, "close"));
    for (const call of calls) call.close(8);
    await Promise.all(closed);
  }
  innocent.write(frameOfText("still here"));
  let text = "";
  for await (const chunk of innocent) {
    text += String(chunk);
    if (text.includes("still here")) break;
  }
  expect(text).toContain("still here");
});

test.each([TALK_PATH, "/nowhere"])(
  "a call of %s that is reset in the packet that brings it hurts nobody",
  async (path) => {
    const { address } = await serveEcho();
    const { hostname, port } = new URL(`http://${address}`);
    const socket = net.connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    const literal = (text: string): Buffer => Buffer.concat([Buffer.of(text.length), Buffer.from(text)]);
    // POST, http, and by index in the static table :path and content-type.
    const headers = [Buffer.of(0x83, 0x86, 0x04), literal(path), Buffer.of(0x0f, 0x10)];
    const block = Buffer.concat([...headers, literal("application/connect+proto")]);
    const [settings, endOfHeaders, ping] = [4, 0x04, 6];
    const internalError = Buffer.of(0, 0, 0, 2);
    socket.write(
      Buffer.concat([
        Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        http2Frame(settings, 0, 0, Buffer.alloc(0)),
        http2Frame(1, endOfHeaders, 1, block),
        http2Frame(3, 0, 1, internalError),
        http2Frame(ping, 0, 0, Buffer.from("answered")),
      ]),
    );
    let answer = "";
    for await (const chunk of socket) {
      answer += String(chunk);
      if (answer.includes("answered")) break;
    }
    await expectAlive(address);
  },
);

function http2Frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.of(0, 0, payload.length, type, flags, 0, 0, 0, stream), payload]);
}

test.each([
  ["resets its stream", (session: ClientHttp2Session) => session.request({ ":path": "/" }).close(8)],
  ["drops its connection", (session: ClientHttp2Session) => session.destroy()],
])("a handler hears of a loss, not of an orderly end, when the client %s", async (what, leave) => {
  const ear = new Ear();
  const { address } = await serveEcho({ streams: new Map([[TALK_PATH, (stream) => stream.listen(ear)]]) });
  const session = sessionTo(address);
  const request = session.request({
    ":method": "POST",
    ":path": TALK_PATH,
    "content-type": "application/connect+proto",
  });
  request.on("error", () => {});
  request.write(frameOfText("I am here"));
  await ear.until(({ messages }) => messages.length > 0);
  if (what === "resets its stream") request.close(8);
  else leave(session);
  expect(await ear.ended()).toMatchObject({ reason: "unavailable" });
});

test("a handler hears of a loss when the connection ends in the middle, with and without a reset", async () => {
  for (const end of ["resetAndDestroy", "destroy"] as const) {
    const ear = new Ear();
    const { address } = await serveEcho({ streams: new Map([[TALK_PATH, (stream) => stream.listen(ear)]]) });
    const { hostname, port } = new URL(`http://${address}`);
    const socket = net.connect(Number(port), hostname);
    const session = connect(`http://${address}`, { createConnection: () => socket });
    session.on("error", () => {});
    const request = session.request({
      ":method": "POST",
      ":path": TALK_PATH,
      "content-type": "application/connect+proto",
    });
    request.on("error", () => {});
    request.write(frameOfText("I am here"));
    await ear.until(({ messages }) => messages.length > 0);
    socket[end]();
    expect(await ear.ended(), end).toMatchObject({ reason: "unavailable" });
  }
});

test("headers that announce megabytes get no memory for them", async () => {
  let streams = 0;
  const quiet: StreamListener = { message: () => {}, closed: () => {} };
  const { address } = await serveEcho({
    streams: new Map([[TALK_PATH, (stream) => (streams++ < 500 ? stream.listen(quiet) : talk(stream))]]),
  });
  const session = sessionTo(address);
  const before = process.memoryUsage().arrayBuffers;
  const header = frameFromMessage(new Uint8Array(1_000_000)).subarray(0, 6);
  for (let count = 0; count < 500; count++) {
    session
      .request({ ":method": "POST", ":path": TALK_PATH, "content-type": "application/connect+proto" })
      .on("error", () => {})
      .write(header);
  }
  await expect.poll(() => streams).toBe(500);
  await expectAlive(address);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000_000);
});

test("noise on streams and on connections ends them and nothing else", async () => {
  const listener = await serveEcho({ limits: { firstBytesWithinMs: 100, headersWithinMs: 100 } });
  const { hostname, port } = new URL(`http://${listener.address}`);
  const connections = Array.from({ length: 100 }, async (_, count) => {
    const socket = net.connect(Number(port), hostname);
    socket.on("error", () => {});
    socket.resume();
    if (count % 2 === 0) socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    socket.end(randomBytes(count * 10));
    await once(socket, "close");
  });
  const session = sessionTo(listener.address);
  const contentTypes = [
    "application/connect+proto",
    "application/grpc",
    "application/connect+json",
    "application/grpc-web",
  ];
  const streams = Array.from({ length: 200 }, async (_, count) => {
    const contentType = contentTypes[count % contentTypes.length];
    const request = session.request({ ":method": "POST", ":path": TALK_PATH, "content-type": contentType });
    request.on("error", () => {});
    request.resume();
    request.end(randomBytes(count * 5));
    await once(request, "close");
  });
  await Promise.all([...connections, ...streams]);
  await expectAlive(listener.address);
});
