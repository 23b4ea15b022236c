/**
 * Serves the streaming RPCs of a node below Connect's typed API: frames go in and out as bytes, on the core HTTP/2
 * stream. For whoever calls them they are ordinary Connect, gRPC or gRPC-web methods. Requests in any other form (JSON,
 * HTTP/1.1, compressed) are left to the typed API, which is slower and speaks everything.
 */

import {
  constants,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type Http2Session,
  type ServerHttp2Stream,
} from "node:http2";

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
  /** Takes the request over if it is for one of the routes and in a form that is served here. */
  handle(request: Http2ServerRequest, response: Http2ServerResponse): boolean;
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
    handle(request, response) {
      const path = pathFromUrl(request.url);
      const handler = routes.get(path);
      const protocol = protocolFromContentType(request.headers["content-type"]);
      if (handler === undefined || protocol === undefined || request.method !== "POST" || isCompressed(request))
        return false;
      if (response.stream === undefined || response.stream.destroyed) return true;
      const acceptable = acceptsGzip(request.headers[responseOf[protocol].accepts]) ? compression : undefined;
      const link = acceptStream(response, protocol, {
        compression: acceptable,
        messageBytesMax: options.messageBytesMaxOf?.get(path) ?? messageBytesMax,
        peer: peerFromRequest(request),
        takesOne: options.singleRequest?.has(path) ?? false,
        errorDetail: options.errorDetail,
        lossOf: options.lossOf,
      });
      open.add(link);
      response.stream.once("close", () => open.delete(link));
      limitInTime(link, request, response.stream);
      hand(link, handler, path, peerFromRequest(request), log);
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

function acceptStream(
  response: Http2ServerResponse,
  protocol: StreamProtocol,
  options: AcceptOptions,
): Http2MessageStream {
  const { stream } = response;
  const { contentType, encoding } = responseOf[protocol];
  const link = new Http2MessageStream(
    stream,
    options.messageBytesMax,
    (link) => (protocol === "grpc" ? grpcSide(response, link, options) : framedSide(stream, link, protocol, options)),
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

function limitInTime(link: Http2MessageStream, request: Http2ServerRequest, stream: ServerHttp2Stream): void {
  const deadlineMs = deadlineFromHeaders(request.headers);
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

function grpcSide(response: Http2ServerResponse, link: Http2MessageStream, options: AcceptOptions): StreamSide {
  const { stream } = response;
  return {
    ...acceptingSide(stream, link, options),
    conclude(error) {
      // Node's response object sends the trailers once the stream wants them; sending them ourselves would be twice.
      response.addTrailers(grpcTrailers(error, options.errorDetail));
      stream.once("wantTrailers", () => setImmediate(() => letGo(stream)));
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

/** Requests that announce compression: the typed API knows how to refuse them politely. */
function isCompressed({ headers }: Http2ServerRequest): boolean {
  const encoding = headers["connect-content-encoding"] ?? headers["grpc-encoding"];
  return encoding !== undefined && encoding !== "identity";
}

function pathFromUrl(url: string): string {
  const query = url.indexOf("?");
  return query === -1 ? url : url.slice(0, query);
}

function peerFromRequest({ socket }: Http2ServerRequest): string {
  return `${socket.remoteAddress ?? "unknown"}:${socket.remotePort ?? 0}`;
}
