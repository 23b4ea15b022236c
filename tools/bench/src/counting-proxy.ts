/**
 * A proxy in front of a server that counts what goes through: by path, and each way, the requests, the messages of gRPC and
 * Connect streams, and their bytes. It speaks HTTP/2 to both sides, so PINGs are between neighbours, and counted from those
 * that dial; and HTTP/1.1 it passes on uncounted.
 */

import {
  connect as connectHttp2,
  constants,
  createServer,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { once } from "node:events";
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";

export interface Count {
  requests: number;
  /** From who dials. */
  messagesUp: number;
  /** To who dials. */
  messagesDown: number;
  /** Of messages and what frames them, both ways. */
  bytes: number;
}

/** Stands for a path. */
export const PING = "HTTP/2 PING";

/** What HTTP/2 connections begin with. */
const PREFACE = "PRI * HTTP/2.0";
/** Stands before each message: flags and length. */
const ENVELOPE_BYTES = 5;

export class CountingProxy {
  readonly counts = new Map<string, Count>();
  readonly address: string;
  readonly #close: () => void;
  #upstream = "";

  private constructor(address: string, close: () => void) {
    this.address = address;
    this.#close = close;
  }

  /** On a port that is free; where it leads is said later, because a server is told its address before it has one. */
  static async open(): Promise<CountingProxy> {
    const sockets = new Set<Socket>();
    const counting = createServer();
    const door = createTcpServer((socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      socket.on("error", () => {});
      socket.once("readable", () => {
        const first = socket.read() as Buffer | null;
        if (first === null) return;
        socket.unshift(first);
        if (first.toString("latin1").startsWith(PREFACE.slice(0, first.length))) counting.emit("connection", socket);
        else proxy.#pass(socket);
      });
    });
    door.listen(0, "127.0.0.1");
    await once(door, "listening");
    const proxy = new CountingProxy(`127.0.0.1:${(door.address() as AddressInfo).port}`, () => {
      door.close();
      for (const socket of sockets) socket.destroy();
    });
    counting.on("session", (session) => {
      const upstream = connectHttp2(`http://${proxy.#upstream}`);
      upstream.on("error", () => session.destroy());
      session.on("error", () => upstream.destroy());
      session.on("close", () => upstream.close());
      upstream.on("close", () => session.close());
      session.on("ping", () => proxy.#countOf(PING).requests++);
      session.on("stream", (stream, headers) => proxy.#carry(stream, headers, upstream));
    });
    return proxy;
  }

  leadTo(address: string): void {
    this.#upstream = address;
  }

  /** Counts from now on. */
  reset(): void {
    this.counts.clear();
  }

  close(): void {
    this.#close();
  }

  #countOf(path: string): Count {
    const count = this.counts.get(path) ?? { requests: 0, messagesUp: 0, messagesDown: 0, bytes: 0 };
    this.counts.set(path, count);
    return count;
  }

  #carry(stream: ServerHttp2Stream, headers: object, upstream: ClientHttp2Session): void {
    const path = (headers as { readonly ":path": string })[":path"];
    const onward = upstream.request({ ...headers }, { endStream: false });
    this.#countOf(path).requests++;
    const [up, down] = [new MessageCount(), new MessageCount()];
    stream.on("data", (bytes: Buffer) => {
      this.#countOf(path).messagesUp += up.take(bytes);
      this.#countOf(path).bytes += bytes.length;
    });
    onward.on("data", (bytes: Buffer) => {
      this.#countOf(path).messagesDown += down.take(bytes);
      this.#countOf(path).bytes += bytes.length;
    });
    stream.pipe(onward);
    onward.on("response", (answer, flags) => {
      // An answer without a body says everything in its head.
      if ((flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0) {
        stream.respond(answer, { endStream: true });
        return;
      }
      stream.respond(answer, { waitForTrailers: true });
      let trailers: IncomingHttpHeaders = {};
      onward.on("trailers", (said: IncomingHttpHeaders) => void (trailers = said));
      stream.on("wantTrailers", () => stream.sendTrailers({ ...trailers }));
      onward.pipe(stream);
    });
    for (const [one, other] of [
      [stream, onward],
      [onward, stream],
    ] as const) {
      one.on("error", () => {});
      // An end in order is passed on by the pipes, and on the way back with what comes behind the body.
      one.on("close", () => {
        if (one.rstCode !== constants.NGHTTP2_NO_ERROR) other.close(one.rstCode);
      });
    }
  }

  #pass(socket: Socket): void {
    const [host, port] = this.#upstream.split(":");
    const onward = connect(Number(port), host);
    onward.on("error", () => socket.destroy());
    onward.on("close", () => socket.destroy());
    socket.on("close", () => onward.destroy());
    socket.pipe(onward).pipe(socket);
  }
}

/** Counts messages in a stream of enveloped ones, however it is cut into pieces. */
class MessageCount {
  #head = Buffer.alloc(0);
  /** Of the message at hand, still to come. */
  #left = 0;

  take(bytes: Buffer): number {
    let [rest, messages] = [bytes, 0];
    while (rest.length > 0) {
      const skipped = Math.min(this.#left, rest.length);
      this.#left -= skipped;
      rest = rest.subarray(skipped);
      if (this.#left > 0 || rest.length === 0) break;
      const wanted = ENVELOPE_BYTES - this.#head.length;
      this.#head = Buffer.concat([this.#head, rest.subarray(0, wanted)]);
      rest = rest.subarray(wanted);
      if (this.#head.length < ENVELOPE_BYTES) break;
      messages++;
      this.#left = this.#head.readUInt32BE(1);
      this.#head = Buffer.alloc(0);
    }
    return messages;
  }
}
