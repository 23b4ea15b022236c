/** Generated clients of every protocol against the same handlers, most of which work below the typed API. */

import { once } from "node:events";
import * as grpc from "@grpc/grpc-js";
import { fromBinary, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type CallOptions, type Client, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { describe, expect, onTestFinished, test } from "vitest";

import { registryErrorFromConnectError } from "@rollcall/runtime";
import {
  bytesOfText,
  Ear,
  Echo,
  frameOfText,
  jsonDetail,
  listenTo,
  refusal,
  TALK_PATH,
  textMessage,
  textOfBytes,
  WATCH_PATH,
} from "./echo-service.ts";
import { dialer, serveEcho } from "./serve.ts";

type HttpVersion = "1.1" | "2";
type MakeTransport = (baseUrl: string, httpVersion: HttpVersion) => Transport;

const connectProto: MakeTransport = (baseUrl, httpVersion) =>
  createConnectTransport({ baseUrl, httpVersion, useBinaryFormat: true });
const connectJson: MakeTransport = (baseUrl, httpVersion) =>
  createConnectTransport({ baseUrl, httpVersion, useBinaryFormat: false });
const grpcProto: MakeTransport = (baseUrl) => createGrpcTransport({ baseUrl });
const grpcJson: MakeTransport = (baseUrl) => createGrpcTransport({ baseUrl, useBinaryFormat: false });
const grpcWeb: MakeTransport = (baseUrl, httpVersion) => createGrpcWebTransport({ baseUrl, httpVersion });

const everyClient: [string, MakeTransport, HttpVersion][] = [
  ["Connect", connectProto, "1.1"],
  ["Connect", connectProto, "2"],
  ["Connect JSON", connectJson, "1.1"],
  ["Connect JSON", connectJson, "2"],
  ["gRPC", grpcProto, "2"],
  ["gRPC JSON", grpcJson, "2"],
  ["gRPC-web", grpcWeb, "1.1"],
  ["gRPC-web", grpcWeb, "2"],
];
/** HTTP/1.1 has no two-way streams. */
const twoWayClients = everyClient.filter(([, , httpVersion]) => httpVersion === "2");

function clientOf(address: string, makeTransport: MakeTransport, httpVersion: HttpVersion): Client<typeof Echo> {
  return createClient(Echo, makeTransport(`http://${address}`, httpVersion));
}

/** Requests that a test hands in one by one. */
class Requests implements AsyncIterable<MessageInitShape<typeof StringValueSchema>> {
  readonly #texts: string[] = [];
  #ended = false;
  #wake = (): void => {};

  say(...texts: string[]): this {
    this.#texts.push(...texts);
    this.#wake();
    return this;
  }

  end(): this {
    this.#ended = true;
    this.#wake();
    return this;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<MessageInitShape<typeof StringValueSchema>> {
    for (;;) {
      const value = this.#texts.shift();
      if (value !== undefined) yield { value };
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

interface Value {
  readonly value: string;
}

function call(client: Client<typeof Echo>, requests: Requests, options?: CallOptions): AsyncIterator<Value> {
  return client["talk"](requests, options)[Symbol.asyncIterator]();
}

async function errorOf(work: Promise<unknown>): Promise<ConnectError> {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (error instanceof ConnectError) return error;
  throw new Error("expected a ConnectError", { cause: error });
}

function expectRefusal(error: ConnectError): void {
  expect(error.code).toBe(Code.ResourceExhausted);
  expect(registryErrorFromConnectError(error, jsonDetail)).toMatchObject({
    reason: refusal.reason,
    message: refusal.message,
    subject: refusal.subject,
  });
}

describe.each(everyClient)("%s client", (_, makeTransport, httpVersion) => {
  describe(`over HTTP/${httpVersion}`, () => {
    test("a unary call", async () => {
      const { address } = await serveEcho();
      expect(await clientOf(address, makeTransport, httpVersion).say({ value: "hé" })).toMatchObject({ value: "hé" });
    });

    test("a unary call that is refused carries the detail", async () => {
      const { address } = await serveEcho();
      expectRefusal(await errorOf(clientOf(address, makeTransport, httpVersion).fail({})));
    });

    test("a fault of the server tells nothing of its inside", async () => {
      const { address } = await serveEcho();
      const error = await errorOf(clientOf(address, makeTransport, httpVersion).fail({ value: "surprise" }));
      expect(error.code).toBe(Code.Internal);
      expect(error.message).not.toContain("secret");
    });

    test("a stream of answers to one request, left by the client", async () => {
      const { address } = await serveEcho();
      const client = clientOf(address, makeTransport, httpVersion);
      const leave = new AbortController();
      const texts: string[] = [];
      const error = await errorOf(
        (async () => {
          for await (const { value } of client.watch({ value: "tick" }, { signal: leave.signal })) {
            texts.push(value);
            if (texts.length === 3) leave.abort();
          }
        })(),
      );
      expect(texts).toEqual(["tick 1", "tick 2", "tick 3"]);
      expect(error.code).toBe(Code.Canceled);
    });
  });
});

test.each(everyClient)(
  "a %s client that leaves a stream of answers is noticed by the handler",
  async (_, makeTransport, httpVersion) => {
    const ear = new Ear();
    const { address } = await serveEcho({
      streams: new Map([
        [
          WATCH_PATH,
          (stream) => {
            stream.listen(ear);
            stream.send(frameOfText("first"));
          },
        ],
      ]),
    });
    const leave = new AbortController();
    const watching = clientOf(address, makeTransport, httpVersion).watch({ value: "tick" }, { signal: leave.signal });
    const answers = watching[Symbol.asyncIterator]();
    expect((await answers.next()).value).toMatchObject({ value: "first" });
    await ear.until(({ messages }) => messages.length === 1);
    expect(ear.end, "the end of its one request is not the end of the link").toBeUndefined();
    leave.abort();
    await errorOf(answers.next());
    expect(await ear.ended()).toMatchObject({ reason: "unavailable" });
  },
);

describe.each(twoWayClients)("%s client", (_, makeTransport, httpVersion) => {
  describe(`over HTTP/${httpVersion}, two-way`, () => {
    async function start(options?: CallOptions) {
      const { address } = await serveEcho();
      const requests = new Requests();
      onTestFinished(() => void requests.end());
      return { requests, answers: call(clientOf(address, makeTransport, httpVersion), requests, options) };
    }

    test("the server speaks before the first request, then echoes", async () => {
      const { requests, answers } = await start();
      expect((await answers.next()).value).toMatchObject({ value: "hello" });
      for (const text of ["one", "two", "x".repeat(100_000)]) {
        requests.say(text);
        expect((await answers.next()).value).toMatchObject({ value: text });
      }
    });

    test("the client's end is answered by the end", async () => {
      const { requests, answers } = await start();
      requests.say("last").end();
      expect((await answers.next()).value).toMatchObject({ value: "hello" });
      expect((await answers.next()).value).toMatchObject({ value: "last" });
      expect((await answers.next()).done).toBe(true);
    });

    test("the server's end ends the call", async () => {
      const { requests, answers } = await start();
      await answers.next();
      requests.say("bye");
      expect((await answers.next()).done).toBe(true);
    });

    test("an error carries code, message and detail", async () => {
      const { requests, answers } = await start();
      await answers.next();
      requests.say("fail");
      expectRefusal(await errorOf(answers.next()));
    });

    test("a refused message ends the call in the same way", async () => {
      const { requests, answers } = await start();
      await answers.next();
      requests.say("throw");
      expectRefusal(await errorOf(answers.next()));
    });

    test("a deadline is kept", async () => {
      const { answers } = await start({ timeoutMs: 200 });
      await answers.next();
      expect((await errorOf(answers.next())).code).toBe(Code.DeadlineExceeded);
    });

    test("cancelling reaches the handler as a loss", async () => {
      const ear = new Ear();
      const { address } = await serveEcho({ streams: new Map([[TALK_PATH, (stream) => stream.listen(ear)]]) });
      const leave = new AbortController();
      const requests = new Requests().say("I am here");
      onTestFinished(() => void requests.end());
      const answers = call(clientOf(address, makeTransport, httpVersion), requests, { signal: leave.signal });
      const ended = errorOf(answers.next());
      await ear.until(({ messages }) => messages.length > 0);
      leave.abort();
      expect((await ended).code).toBe(Code.Canceled);
      expect(await ear.ended()).toMatchObject({ reason: "unavailable" });
    });

    test("a server that stops says so", async () => {
      const listener = await serveEcho();
      const requests = new Requests();
      const answers = call(clientOf(listener.address, makeTransport, httpVersion), requests);
      await answers.next();
      const closed = listener.close(2_000);
      const error = await errorOf(answers.next());
      expect(error.code).toBe(Code.Unavailable);
      expect(error.message).toContain("shutting down");
      requests.end();
      await closed;
    });
  });
});

describe("grpc-js client", () => {
  const serialize = (text: string): Buffer => Buffer.from(bytesOfText(text));
  const deserialize = (bytes: Buffer): string => textOfBytes(bytes);

  async function start(): Promise<grpc.Client> {
    const { address } = await serveEcho();
    const client = new grpc.Client(address, grpc.credentials.createInsecure());
    onTestFinished(() => client.close());
    return client;
  }

  test("the server speaks first, then echoes, then ends", async () => {
    const client = await start();
    const talk = client.makeBidiStreamRequest(TALK_PATH, serialize, deserialize);
    const metadata = once(talk, "metadata");
    const texts: string[] = [];
    const status = once(talk, "status");
    talk.on("data", (text: string) => {
      texts.push(text);
      if (text === "hello") talk.write("one");
      if (text === "one") talk.write("x".repeat(100_000));
      if (texts.length === 3) talk.write("bye");
    });
    await metadata;
    expect((await status)[0]).toMatchObject({ code: grpc.status.OK });
    expect(texts).toEqual(["hello", "one", "x".repeat(100_000)]);
    talk.end();
  });

  test("an error carries code, message and detail", async () => {
    const client = await start();
    const talk = client.makeBidiStreamRequest(TALK_PATH, serialize, deserialize);
    talk.resume();
    talk.write("fail");
    const [error] = (await once(talk, "error")) as [grpc.ServiceError];
    expect(error).toMatchObject({ code: grpc.status.RESOURCE_EXHAUSTED, details: refusal.message });
    const [status] = error.metadata.get("grpc-status-details-bin") as [Buffer];
    expect(status.includes(Buffer.from(jsonDetail.encode(refusal)))).toBe(true);
  });

  test("compressed requests are refused, not misread", async () => {
    const { address } = await serveEcho();
    const gzip = new grpc.Client(address, grpc.credentials.createInsecure(), {
      "grpc.default_compression_algorithm": grpc.compressionAlgorithms.gzip,
    });
    onTestFinished(() => gzip.close());
    const packed = gzip.makeBidiStreamRequest(TALK_PATH, serialize, deserialize);
    packed.resume();
    packed.write("x".repeat(10_000));
    const [error] = (await once(packed, "error")) as [grpc.ServiceError];
    expect(error.code).toBe(grpc.status.UNIMPLEMENTED);
  });

  test("a thousand answers arrive whole and in order", async () => {
    const client = await start();
    const talk = client.makeBidiStreamRequest(TALK_PATH, serialize, deserialize);
    const texts: string[] = [];
    const ended = once(talk, "end");
    talk.on("data", (text: string) => texts.push(text));
    for (let count = 0; count < 1_000; count++) talk.write(`${count}`.padEnd(500, "."));
    talk.end();
    await ended;
    expect(texts.slice(1)).toEqual(Array.from({ length: 1_000 }, (_, count) => `${count}`.padEnd(500, ".")));
  });
});

test("on one port at one time: JSON with fetch, gRPC, gRPC-web and a link", async () => {
  const { address } = await serveEcho();
  const json = fetch(`http://${address}/rollcall.test.Echo/Say`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify("json"),
  }).then((response) => response.json());
  const binary = fetch(`http://${address}/rollcall.test.Echo/Say`, {
    method: "POST",
    headers: { "content-type": "application/proto" },
    body: bytesOfText("binary"),
  }).then(async (response) =>
    fromBinary(StringValueSchema as DescMessage, new Uint8Array(await response.arrayBuffer())),
  );
  const overGrpc = clientOf(address, grpcProto, "2").say(textMessage("grpc"));
  const overGrpcWeb = clientOf(address, grpcWeb, "1.1").say(textMessage("web"));
  const ear = listenTo(dialer().dial(address, TALK_PATH));
  expect(await json).toBe("json");
  expect(await binary).toMatchObject({ value: "binary" });
  expect(await overGrpc).toMatchObject({ value: "grpc" });
  expect(await overGrpcWeb).toMatchObject({ value: "web" });
  await ear.until(({ messages }) => messages.length > 0);
});
