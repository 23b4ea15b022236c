/**
 * One port for everything a node serves. A connection is looked at before anybody owns it: if it begins with the
 * preface of HTTP/2 it goes to an HTTP/2 server, else to an HTTP/1.1 server, and both hand their requests to the same
 * places in the same order.
 *
 *     connection -> peek -> HTTP/1.1 ----------------------> CORS -> pages -> typed RPCs -> 404
 *                       \-> HTTP/2 ----> streams as bytes -> CORS -> pages -> typed RPCs -> 404
 *
 * Whoever can reach the port can send anything, so no input may end the process: every entry is guarded.
 */

import { constants, type Http2Session } from "node:http2";
import type { Socket } from "node:net";

import type { DescMethodStreaming } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { RegistryError, silentLog, type Log, type StreamRoutes } from "@rollcall/core";
import { connectErrorFromRegistryError } from "../errors.ts";
import { createPingSweep } from "../stream/ping-sweep.ts";
import { silenceOf } from "../stream/http2-message-stream.ts";
import type { ErrorDetailCodec } from "../stream/status.ts";
import { createStreamRouter } from "../stream/stream-router.ts";
import { openAcceptor } from "./acceptor.ts";
import { createCors } from "./cors.ts";
import { completeLimits, type CompleteLimits, type ListenLimits } from "./limits.ts";
import { createPages, type PageHandler, type Readiness } from "./pages.ts";
import { peekProtocol } from "./peek.ts";
import { answer, peerOf, type RequestHandler } from "./request.ts";
import { createHttp1Server, createHttp2Server } from "./servers.ts";
import { createTypedRoutes, pathFromMethod } from "./typed-routes.ts";

export interface ListenOptions {
  /** Interface to listen on, for example `127.0.0.1`. */
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Streaming RPCs by path, served as bytes. */
  readonly streams?: StreamRoutes | undefined;
  /** Descriptors of methods in `streams` that clients may also call in other forms: JSON, gRPC-web, HTTP/1.1. */
  readonly streamMethods?: readonly DescMethodStreaming[] | undefined;
  /** Adds every other RPC. Handlers may throw `RegistryError`s. */
  readonly routes?: ((router: ConnectRouter) => void) | undefined;
  /** Pages for GET, by path. */
  readonly http?: ReadonlyMap<string, PageHandler> | undefined;
  /** What `/readyz` answers. Without it the node is ready once it listens. */
  readonly readiness?: (() => Readiness) | undefined;
  /** What `/metrics` answers, as Prometheus text. Without it there is no such page. */
  readonly metrics?: (() => string | Promise<string>) | undefined;
  /** Origins whose scripts may call, such as `https://console.example.com`, or `*` for all. Default none. */
  readonly corsOrigins?: readonly string[] | undefined;
  readonly errorDetail?: ErrorDetailCodec | undefined;
  readonly limits?: ListenLimits | undefined;
  readonly log?: Log | undefined;
}

export interface Listener {
  /** `host:port` that is really listened on. */
  readonly address: string;
  /** Open connections, for metrics. */
  readonly connections: number;
  /** Open streams served as bytes, for metrics. */
  readonly openStreams: number;
  /**
   * Accepts nothing more, sends clients elsewhere (GOAWAY; streams end with `shutting_down`), waits for what is under
   * way and after `graceMs` cuts what is left. Called again, it waits for the same end.
   */
  close(graceMs: number): Promise<void>;
}

/** Rejects with `unavailable` when the port cannot be had. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { log = silentLog } = options;
  const limits = completeLimits(options.limits);
  const singleRequest = (options.streamMethods ?? []).filter(({ methodKind }) => methodKind === "server_streaming");
  const losses = new WeakMap<Http2Session, RegistryError>();
  const streams = createStreamRouter(options.streams ?? new Map(), {
    errorDetail: options.errorDetail,
    messageBytesMax: limits.messageBytesMax,
    messageBytesMaxOf: limits.messageBytesMaxOf,
    singleRequest: new Set(singleRequest.map(pathFromMethod)),
    lossOf: (session) => losses.get(session),
    log,
  });
  const stopping = new AbortController();
  const pings = createPingSweep(limits);
  const sessions = new Set<Http2Session>();
  const handle = createRequestHandler(options, limits, stopping.signal, log);
  const http1Server = createHttp1Server(limits, handle, log);
  const http2Server = createHttp2Server(limits, streams, handle, log);
  http2Server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    const peer = `${session.socket.remoteAddress}:${session.socket.remotePort}`;
    pings.watch(session, () => {
      losses.set(session, silenceOf(peer));
      log.debug("a client does not answer PINGs", { peer });
    });
    // Only a process that is alive says that it leaves, so it may be on its way to another node.
    session.once("goaway", (code) => {
      if (code !== constants.NGHTTP2_NO_ERROR)
        losses.set(session, new RegistryError("closed", `${peer} gave the link up`));
    });
  });
  // Its timeouts are checked from then on. It has no port of its own, so nothing else would tell it.
  http1Server.emit("listening");

  const sockets = new Set<Socket>();
  const undecided = new Set<Socket>();
  const acceptor = await openAcceptor({
    host: options.host,
    port: options.port,
    keepAliveInitialDelayMs: limits.pingAfterMs,
    accepted: accept,
    failed: (error) => log.error("accepting connections failed", { error }),
  });

  function accept(socket: Socket): void {
    if (sockets.size >= limits.connectionsMax) {
      log.warn("a connection was refused, there are too many", {
        peer: socket.remoteAddress,
        max: limits.connectionsMax,
      });
      socket.destroy();
      return;
    }
    sockets.add(socket);
    undecided.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      undecided.delete(socket);
    });
    socket.on("error", (error) =>
      log.debug("a connection broke", { peer: socket.remoteAddress, error: error.message }),
    );
    peekProtocol(socket, limits.firstBytesWithinMs, (protocol) => {
      undecided.delete(socket);
      (protocol === "http2" ? http2Server : http1Server).emit("connection", socket);
    });
  }

  async function stop(graceMs: number): Promise<void> {
    const closed = acceptor.close();
    const error = new RegistryError("shutting_down", "the server is shutting down");
    stopping.abort(connectErrorFromRegistryError(error, options.errorDetail));
    streams.closeAll(error);
    for (const session of sessions) session.close();
    for (const socket of undecided) socket.destroy();
    http1Server.closeIdleConnections();
    const grace = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, graceMs);
    await closed;
    clearTimeout(grace);
    pings.stop();
    http1Server.close();
  }

  let stopped: Promise<void> | undefined;
  return {
    address: acceptor.address,
    get connections() {
      return sockets.size;
    },
    get openStreams() {
      return streams.openStreams;
    },
    close: (graceMs) => (stopped ??= stop(graceMs)),
  };
}

function createRequestHandler(
  options: ListenOptions,
  limits: CompleteLimits,
  stopping: AbortSignal,
  log: Log,
): RequestHandler {
  const isPreflight = createCors(options.corsOrigins ?? []);
  const showPage = createPages(options, log);
  const call = createTypedRoutes(options, limits, stopping, log);
  return (request, response) => {
    // An HTTP/1.1 connection is kept for another request, but not while the server stops.
    if (request.httpVersionMajor === 1) response.once("close", () => stopping.aborted && request.socket.end());
    try {
      const taken = isPreflight(request, response) || showPage(request, response) || call(request, response);
      if (!taken) answer(response, 404, "text/plain", "not found\n");
    } catch (error) {
      // An authority or a path that is no URL makes Connect throw right here; uncaught, one packet would end the process.
      log.debug("a request that cannot be read", { peer: peerOf(request), error });
      answer(response, 400, "text/plain", "bad request\n");
    }
  };
}
