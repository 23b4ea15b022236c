/**
 * Serves the streaming RPCs of a node below Connect's typed API: frames go in and out as bytes, on the core HTTP/2
 * stream. For whoever calls them they are ordinary Connect, gRPC or gRPC-web methods. Requests in any other form (JSON,
 * HTTP/1.1, compressed) are left to the typed API, which is slower and speaks everything.
 */

import { constants, type Http2Session, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";

import { LIMITS, RegistryError, silentLog, type Log, type StreamHandler, type StreamRoutes } from "@rollcall/core";
import { deadlineFromHeaders } from "./deadline.ts";
import { acceptsGzip, GZIP, SharedCompression } from "./compression.ts";
import { Http2MessageStream, strangeFrame, type StreamSide } from "./http2-message-stream.ts";
import type { ErrorDetailCodec } from "./status.ts";
import {
  connectEndFrame,
  grpcTrailers,
  grpcWebEndFrame,
  protocolFromContentType,
  responseOf,
  type StreamProtocol,
} from "./stream-protocol.ts";

export interface StreamRouterOptions {
  /** Writes the detail of an error. Without it clients see only code and message. */
  readonly errorDetail?: ErrorDetailCodec | undefined;
  /** Largest message accepted, in bytes. Default 1 MiB; links between nodes need more. */
  readonly messageBytesMax?: number | undefined;
  /** The same for single methods, by path. */
  readonly messageBytesMaxOf?: ReadonlyMap<string, number> | undefined;
  /** Paths of methods that take one request: for these, the end of the requests is not the end of the link. */
  readonly singleRequest?: ReadonlySet<string> | undefined;
  /** Why the connection of a lost link was lost, if anyone has found out. */
  readonly lossOf?: ((session: Http2Session) => RegistryError | undefined) | undefined;
  readonly log?: Log | undefined;
}

export interface StreamRouter {
  /** Takes the stream over if it is for one of the routes and in a form that is served here. */
  handle(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean;
  /** Ends every open stream with `error`. */
  closeAll(error: RegistryError): void;
  readonly openStreams: number;
}

/** How long a client may take to read the end of a stream, in milliseconds, before the stream is reset. */
const FAREWELL_MS = 5_000;

export function createStreamRouter(routes: StreamRoutes, options: StreamRouterOptions = {}): StreamRouter {
  const { messageBytesMax = LIMITS.clientMessageBytes, log = silentLog } = options;
  const open = new Set<Http2MessageStream>();
  const compression = new SharedCompression();
  return {
    handle(stream, headers) {
      const path = pathFromHeaders(headers);
      const handler = routes.get(path);
      const protocol = protocolFromContentType(headers["content-type"]);
      if (handler === undefined || protocol === undefined || !isPlainPost(headers)) return false;
      if (stream.destroyed || stream.closed) {
        // Whoever called is gone. What Node has to say about that is an error, and one that nobody hears ends the process.
        stream.on("error", () => {});
        return true;
      }
      const peer = peerOfStream(stream);
      const link = acceptStream(stream, protocol, {
        compression: acceptsGzip(headers[responseOf[protocol].accepts]) ? compression : undefined,
        messageBytesMax: options.messageBytesMaxOf?.get(path) ?? messageBytesMax,
        peer,
        takesOne: options.singleRequest?.has(path) ?? false,
        errorDetail: options.errorDetail,
        lossOf: options.lossOf,
      });
      open.add(link);
      stream.once("close", () => open.delete(link));
      limitInTime(link, headers, stream);
      hand(link, handler, path, peer, log);
      return true;
    },
    closeAll(error) {
      for (const link of open) link.close(error);
    },
    get openStreams() {
      return open.size;
    },
  };
}

interface AcceptOptions {
  /** If the client accepts it. */
  readonly compression: SharedCompression | undefined;
  readonly messageBytesMax: number;
  readonly peer: string;
  readonly takesOne: boolean;
  readonly errorDetail: ErrorDetailCodec | undefined;
  readonly lossOf: StreamRouterOptions["lossOf"];
}

function acceptStream(stream: ServerHttp2Stream, protocol: StreamProtocol, options: AcceptOptions): Http2MessageStream {
  const { contentType, encoding } = responseOf[protocol];
  const link = new Http2MessageStream(
    stream,
    options.messageBytesMax,
    (link) => (protocol === "grpc" ? grpcSide(stream, link, options) : framedSide(stream, link, protocol, options)),
    options.compression,
  );
  // At once, before there is anything to send: a client that waits for headers would otherwise wait for a change.
  stream.respond(
    { ":status": 200, "content-type": contentType, ...(options.compression && { [encoding]: GZIP }) },
    { waitForTrailers: protocol === "grpc" },
  );
  return link;
}

function hand(link: Http2MessageStream, handler: StreamHandler, path: string, peer: string, log: Log): void {
  try {
    handler(link, { address: peer });
    if (!link.isListened) throw new Error("the handler did not listen to its stream");
  } catch (thrown) {
    const error = RegistryError.fromUnknown(thrown);
    if (error.reason === "internal") log.error("a stream could not be accepted", { path, peer, error: thrown });
    link.finish(error);
  }
}

function limitInTime(link: Http2MessageStream, headers: IncomingHttpHeaders, stream: ServerHttp2Stream): void {
  const deadlineMs = deadlineFromHeaders(headers);
  if (deadlineMs === undefined) return;
  const passed = new RegistryError("deadline_exceeded", `the deadline of ${deadlineMs} ms has passed`);
  const timer = setTimeout(() => link.finish(passed), deadlineMs).unref();
  stream.once("close", () => clearTimeout(timer));
}

/** Where the end is one more frame. */
function framedSide(
  stream: ServerHttp2Stream,
  link: Http2MessageStream,
  protocol: "connect" | "grpc-web",
  options: AcceptOptions,
): StreamSide {
  const endFrame = protocol === "connect" ? connectEndFrame : grpcWebEndFrame;
  return {
    ...acceptingSide(stream, link, options),
    conclude(error) {
      stream.once("finish", () => letGo(stream));
      limitFarewell(stream);
      link.writer.end(endFrame(error, options.errorDetail));
    },
  };
}

function grpcSide(stream: ServerHttp2Stream, link: Http2MessageStream, options: AcceptOptions): StreamSide {
  return {
    ...acceptingSide(stream, link, options),
    conclude(error) {
      stream.once("wantTrailers", () => {
        stream.sendTrailers(grpcTrailers(error, options.errorDetail));
        setImmediate(() => letGo(stream));
      });
      limitFarewell(stream);
      link.writer.end();
    },
  };
}

function acceptingSide(
  { session }: ServerHttp2Stream,
  link: Http2MessageStream,
  { peer, takesOne, lossOf }: AcceptOptions,
): Omit<StreamSide, "conclude"> {
  return {
    peer,
    loss: () => (session === undefined ? undefined : lossOf?.(session)),
    flagged(flags) {
      throw strangeFrame(flags);
    },
    inputEnded() {
      if (!takesOne) link.finish(undefined);
    },
  };
}

/** Everything is said. A client that still talks is asked to stop, as HTTP/2 wants it: a reset without an error. */
function letGo(stream: ServerHttp2Stream): void {
  if (!stream.closed) stream.close(constants.NGHTTP2_NO_ERROR);
}

function limitFarewell(stream: ServerHttp2Stream): void {
  const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), FAREWELL_MS).unref();
  stream.once("close", () => clearTimeout(timer));
}

/** Anything else is left to the typed API: it refuses compression politely, and goes on for clients that ask to. */
function isPlainPost(headers: IncomingHttpHeaders): boolean {
  const encoding = headers["connect-content-encoding"] ?? headers["grpc-encoding"] ?? "identity";
  return headers[":method"] === "POST" && encoding === "identity" && headers.expect === undefined;
}

function pathFromHeaders({ ":path": url = "" }: IncomingHttpHeaders): string {
  const query = url.indexOf("?");
  return query === -1 ? url : url.slice(0, query);
}

function peerOfStream({ session }: ServerHttp2Stream): string {
  return `${session?.socket.remoteAddress ?? "unknown"}:${session?.socket.remotePort ?? 0}`;
}
