/** The two HTTP servers behind the port. Neither listens itself: they are handed connections. */

import * as http from "node:http";
import * as http2 from "node:http2";

import type { Log } from "@rollcall/core";
import type { StreamRouter } from "../stream/stream-router.ts";
import type { CompleteLimits } from "./limits.ts";
import type { RequestHandler } from "./request.ts";

/** How much of a call may be on its way to us unread, in bytes: enough for a busy link, little enough a thousand times. */
const WINDOW_BYTES = 256 * 1024;

/** Calls beyond the limit that a connection may try, before it has read what the limit is. */
const REJECTED_STREAMS_MAX = 10_000;

export function createHttp1Server(limits: CompleteLimits, handle: RequestHandler, log: Log): http.Server {
  const server = http.createServer(
    {
      headersTimeout: limits.headersWithinMs,
      requestTimeout: limits.requestWithinMs,
      connectionsCheckingInterval: Math.min(1_000, limits.headersWithinMs),
      maxHeaderSize: limits.headerBytesMax,
    },
    handle,
  );
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    log.debug("a malformed request", { error: error.message });
    if (socket.writable) socket.end(`HTTP/1.1 ${statusOfClientError(error.code)}\r\nConnection: close\r\n\r\n`);
    else socket.destroy();
  });
  return server;
}

/**
 * Streams as bytes are taken as they come. Node's request and response objects, which cost a connection 6 KB for as
 * long as its stream lives, are made only for what is left: by a server that has no connections of its own.
 */
export function createHttp2Server(
  limits: CompleteLimits,
  streams: StreamRouter,
  handle: RequestHandler,
  log: Log,
): http2.Http2Server {
  const requests = http2.createServer(handle);
  const server = http2.createServer({
    maxSessionMemory: limits.sessionMemoryMb,
    maxSessionRejectedStreams: REJECTED_STREAMS_MAX,
    streamResetBurst: limits.cancelBurst,
    streamResetRate: limits.cancelsPerSecond,
    settings: {
      initialWindowSize: WINDOW_BYTES,
      maxConcurrentStreams: limits.streamsPerConnectionMax,
      maxHeaderListSize: limits.headerBytesMax,
    },
  });
  server.on("stream", (stream, headers, flags, rawHeaders) => {
    // Scripts are left to the typed API, which minds the headers that CORS wants.
    const isTaken = headers["origin"] === undefined && streams.handle(stream, headers);
    if (!isTaken) requests.emit("stream", stream, headers, flags, rawHeaders);
  });
  server.on("sessionError", (error: Error) => log.debug("a session broke", { error: error.message }));
  return server;
}

function statusOfClientError(code: string | undefined): string {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return "408 Request Timeout";
  return code === "HPE_HEADER_OVERFLOW" ? "431 Request Header Fields Too Large" : "400 Bad Request";
}
