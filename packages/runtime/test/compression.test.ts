/** Large frames go compressed to whoever accepts it, in every protocol that is served as bytes, and from nobody else. */

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type IncomingHttpHeaders, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { gunzipSync, gzipSync } from "node:zlib";

import * as grpc from "@grpc/grpc-js";
import { createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { frameFromMessage, type Frame, type StreamHandler } from "@rollcall/core";
import { describe, expect, onTestFinished, test } from "vitest";

import { COMPRESSED_FROM_BYTES, SharedCompression } from "../src/stream/compression.ts";
import { FrameParser } from "../src/stream/frame-parser.ts";
import { bytesOfText, Echo, frameOfText, listenTo, TALK_PATH, textOfBytes, WATCH_PATH } from "./echo-service.ts";
import { dialer, serveEcho } from "./serve.ts";

const SMALL = "small";
const LARGE = "large ".repeat(COMPRESSED_FROM_BYTES);
const NOISE = randomBytes(COMPRESSED_FROM_BYTES).toString("base64");

/** Serves what says these words in one tick to everybody, then ends if asked to. */
async function serveWords(words: readonly string[], { ends = false } = {}): Promise<string> {
  const frames = words.map(frameOfText);
  const speak: StreamHandler = (stream) => {
    stream.listen({ message: () => {}, closed: () => {} });
    for (const frame of frames) stream.send(frame);
    if (ends) stream.close();
  };
  const { address } = await serveEcho({
    streams: new Map([
      [TALK_PATH, speak],
      [WATCH_PATH, speak],
    ]),
  });
  return address;
}

/** The first frames of the answer to a request, as they are on the wire. */
async function answerTo(address: string, headers: Readonly<Record<string, string>>, count: number) {
  const session = connect(`http://${address}`);
  onTestFinished(() => session.destroy());
  const request = session.request({ ":method": "POST", ":path": WATCH_PATH, ...headers });
  request.end(frameOfText("go"));
  const [response] = (await once(request, "response")) as [IncomingHttpHeaders];
  const frames: { flags: number; message: Uint8Array }[] = [];
  const parser = new FrameParser(10_000_000);
  for await (const chunk of request) {
    parser.push(chunk as Buffer, (flags, message) => frames.push({ flags, message: Uint8Array.from(message) }));
    if (frames.length >= count) break;
  }
  return { response, frames };
}

const protocols = [
  ["Connect", "application/connect+proto", "connect-accept-encoding", "connect-content-encoding"],
  ["gRPC", "application/grpc+proto", "grpc-accept-encoding", "grpc-encoding"],
  ["gRPC-web", "application/grpc-web+proto", "grpc-accept-encoding", "grpc-encoding"],
] as const;

describe.each(protocols)("to a client of %s", (_, contentType, accepts, encoding) => {
  test("that accepts gzip, what is large and shrinks goes compressed, and in order", async () => {
    const address = await serveWords([SMALL, LARGE, SMALL, NOISE]);
    const { response, frames } = await answerTo(address, { "content-type": contentType, [accepts]: "br, gzip" }, 4);
    expect(response[encoding]).toBe("gzip");
    const messages = frames.map(({ flags, message }) => ({
      flags,
      text: textOfBytes(flags === 1 ? gunzipSync(message) : message),
    }));
    expect(messages).toEqual([
      { flags: 0, text: SMALL },
      { flags: 1, text: LARGE },
      { flags: 0, text: SMALL },
      { flags: 0, text: NOISE },
    ]);
  });

  test.each([[{}], [{ [accepts]: "identity,deflate" }]])("that says %o, nothing is compressed", async (headers) => {
    const address = await serveWords([SMALL, LARGE]);
    const { response, frames } = await answerTo(address, { "content-type": contentType, ...headers }, 2);
    expect(response[encoding]).toBeUndefined();
    expect(frames.map(({ flags, message }) => [flags, textOfBytes(message)])).toEqual([
      [0, SMALL],
      [0, LARGE],
    ]);
  });
});

const transports: [string, string, boolean, (baseUrl: string) => Transport][] = [
  [
    "Connect",
    "connect-content-encoding",
    true,
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: true }),
  ],
  ["gRPC", "grpc-encoding", true, (baseUrl) => createGrpcTransport({ baseUrl })],
  ["gRPC-web", "grpc-encoding", true, (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "2" })],
  [
    "Connect in JSON",
    "connect-content-encoding",
    false,
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: false }),
  ],
  [
    "Connect over HTTP/1.1",
    "connect-content-encoding",
    false,
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" }),
  ],
  [
    "gRPC-web over HTTP/1.1",
    "grpc-encoding",
    false,
    (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  ],
];

test.each(transports)("a generated client of %s reads what it gets", async (_, encoding, compressed, makeTransport) => {
  const address = await serveWords([SMALL, LARGE, SMALL]);
  const headers: Headers[] = [];
  const leave = new AbortController();
  onTestFinished(() => leave.abort());
  const watching = createClient(Echo, makeTransport(`http://${address}`)).watch(
    { value: "go" },
    { signal: leave.signal, onHeader: (header) => void headers.push(header) },
  );
  const texts: string[] = [];
  for await (const { value } of watching) if (texts.push(value) === 3) break;
  expect(texts).toEqual([SMALL, LARGE, SMALL]);
  expect(headers[0]?.get(encoding)).toBe(compressed ? "gzip" : null);
});

test("grpc-js as it comes reads what it gets", async () => {
  const client = new grpc.Client(await serveWords([SMALL, LARGE, SMALL]), grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  const talk = client.makeBidiStreamRequest(
    TALK_PATH,
    (text: string) => Buffer.from(bytesOfText(text)),
    (bytes: Buffer) => textOfBytes(bytes),
  );
  const texts: string[] = [];
  for await (const text of talk) if (texts.push(text as string) === 3) break;
  talk.on("error", () => {});
  expect(texts).toEqual([SMALL, LARGE, SMALL]);
});

test("one compressed body serves all, and none is made for a frame that is small", () => {
  const compression = new SharedCompression();
  const frame = frameOfText(LARGE);
  expect(compression.of(frame)).toBeDefined();
  expect(compression.of(frame)).toBe(compression.of(frame));
  expect(compression.of(frameOfText(LARGE))).not.toBe(compression.of(frame));
  expect(compression.of(frameFromMessage(new Uint8Array(COMPRESSED_FROM_BYTES - 6)))).toBeUndefined();
});

test("a link that ends while a frame is being compressed still carries it", async () => {
  const ear = listenTo(dialer({ acceptsCompressed: true }).dial(await serveWords([LARGE], { ends: true }), TALK_PATH));
  expect(await ear.ended()).toBeUndefined();
  expect(ear.messages).toEqual([LARGE]);
});

describe("our own dialer", () => {
  /** A server that answers with these frames, and calls them compressed when it is told to. */
  async function answering(frames: readonly Uint8Array[], encoding: string | undefined): Promise<string> {
    const server: Http2Server = createServer();
    onTestFinished(() => void server.close());
    server.on("stream", (stream) => {
      stream.on("error", () => {});
      stream.respond({
        ":status": 200,
        "content-type": "application/connect+proto",
        ...(encoding !== undefined && { "connect-content-encoding": encoding }),
      });
      for (const frame of frames) stream.write(frame);
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  function packed(message: Uint8Array): Frame {
    const frame = frameFromMessage(message);
    frame[0] = 1;
    return frame;
  }

  const openTo = (address: string, acceptsCompressed: boolean) =>
    listenTo(dialer({ acceptsCompressed, messageBytesMax: 200_000 }).dial(address, TALK_PATH));

  test("asks for compression when it is told to, and reads it", async () => {
    const address = await serveWords([SMALL, LARGE, SMALL]);
    for (const accepts of [true, false]) {
      const ear = await openTo(address, accepts).until(({ messages }) => messages.length === 3);
      expect(ear.messages).toEqual([SMALL, LARGE, SMALL]);
    }
  });

  test("unpacks no more than it would have taken plain, and says so", async () => {
    const bomb = packed(gzipSync(new Uint8Array(50_000_000)));
    const error = await openTo(await answering([bomb], "gzip"), true).ended();
    expect(error).toMatchObject({
      reason: "protocol_violation",
      message: 'message, unpacked, may be at most 200000 bytes, got "more"',
      subject: { field: "message, unpacked,", limit: "200000 bytes" },
    });
  });

  test.each([
    ["that is no gzip", packed(Uint8Array.of(1, 2, 3)), "gzip", true, "cannot be read"],
    ["in a stream without an encoding", packed(gzipSync("x")), undefined, true, "no compression was agreed on"],
    ["in an encoding it does not know", packed(gzipSync("x")), "br", true, "no compression was agreed on"],
    ["that it did not ask for", packed(gzipSync("x")), "gzip", false, "no compression was agreed on"],
  ])("refuses a compressed frame %s", async (_, frame, encoding, accepts, words) => {
    const error = await openTo(await answering([frame], encoding), accepts).ended();
    expect(error).toMatchObject({ reason: "protocol_violation" });
    expect(error?.message).toContain(words);
  });
});
