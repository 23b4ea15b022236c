/**
 * Dials links to other nodes with `node:http2`, in cleartext. Each link has an HTTP/2 session of its own: that costs a
 * socket and keeps failures apart, for a session that breaks then takes exactly one link with it.
 */

import { connect, constants, type ClientHttp2Session } from "node:http2";
import type { LookupFunction } from "node:net";

import {
  invalidField,
  MESSAGE_BYTES_MAX,
  RegistryError,
  setPatientTimer,
  type Dialer,
  type MessageStream,
} from "@rollcall/core";
import { systemClock } from "../clock.ts";
import { COMPRESSED_FLAG, GZIP, messageFromGzip } from "./compression.ts";
import {
  Http2MessageStream,
  lossOf,
  silenceOf,
  strangeFrame,
  violation,
  type StreamSide,
} from "./http2-message-stream.ts";
import { createPingSweep, type PingSweep } from "./ping-sweep.ts";
import { createRotatingLookup, type ResolveName } from "./rotating-lookup.ts";
import type { ErrorDetailCodec } from "./status.ts";
import { CONNECT_STREAM_TYPE, END_FLAG, errorFromConnectEnd } from "./stream-protocol.ts";

export interface Http2DialerOptions {
  /** Reads the detail of an error, so that its reason and subject survive the way. Without it only the code does. */
  readonly errorDetail?: ErrorDetailCodec | undefined;
  /** Until the other side has answered at all, in milliseconds: a busy node answers far sooner. Default 3,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Silence after which the other side is sent a PING, in milliseconds. Default 2,000: cheap, and soon enough. */
  readonly pingAfterMs?: number | undefined;
  /** Further silence after which the link is lost, in milliseconds. Default 3,000: longer than any pause of a node. */
  readonly answerWithinMs?: number | undefined;
  /** Largest message accepted, in bytes, also once it is unpacked. Default 64 MiB, far more than any node sends. */
  readonly messageBytesMax?: number | undefined;
  /** Whether to be sent large messages compressed. Default no: nodes are near each other, and share no bodies. */
  readonly acceptsCompressed?: boolean | undefined;
  /** How names become addresses, which are tried in turn. Default: as the system does it. */
  readonly resolve?: ResolveName | undefined;
}

export interface Http2Dialer extends Dialer {
  /** Drops every link at once, without a goodbye. Links that want to say one are closed first. */
  close(): void;
}

/** How much may be on its way to us unread, in bytes: at 64 KiB, the default, a distant node would wait for receipts. */
const WINDOW_BYTES = 1024 * 1024;

/** How long the other side may take to agree to the end of a link, in milliseconds. */
const FAREWELL_MS = 2_000;

export function createHttp2Dialer(options: Http2DialerOptions = {}): Http2Dialer {
  const { pingAfterMs = 2_000, answerWithinMs = 3_000 } = options;
  const pings = createPingSweep({ pingAfterMs, answerWithinMs });
  const sessions = new Set<ClientHttp2Session>();
  const lookup = createRotatingLookup(options.resolve);
  return {
    dial(address, method) {
      const session = openSession(address, lookup);
      if (session === undefined) return refusedStream(invalidField("address", "host:port", address));
      sessions.add(session);
      session.once("close", () => sessions.delete(session));
      return openLink(session, address, method, pings, options);
    },
    close() {
      for (const session of sessions) session.destroy(undefined, constants.NGHTTP2_CANCEL);
      pings.stop();
    },
  };
}

function openSession(address: string, lookup: LookupFunction): ClientHttp2Session | undefined {
  const origin = `http://${address}`;
  // Only host and port: anything more in an address would otherwise be dropped silently.
  if (!URL.canParse(origin) || new URL(origin).pathname !== "/" || address.includes("@")) return undefined;
  return connect(origin, { settings: { initialWindowSize: WINDOW_BYTES, enablePush: false }, lookup });
}

function openLink(
  session: ClientHttp2Session,
  address: string,
  method: string,
  pings: PingSweep,
  {
    errorDetail,
    connectTimeoutMs = 3_000,
    messageBytesMax = MESSAGE_BYTES_MAX,
    acceptsCompressed = false,
  }: Http2DialerOptions,
): MessageStream {
  let loss: RegistryError | undefined;
  const timer = setPatientTimer(systemClock, connectTimeoutMs, () => {
    loss = lossOf(address, `no answer within ${connectTimeoutMs} ms`);
    session.destroy();
  });
  session.once("remoteSettings", () => {
    timer.cancel();
    // Not before: until it is accepted nobody is there to answer, and how long that may take is the timer's business.
    pings.watch(session, () => {
      loss = silenceOf(address);
    });
  });
  session.once("close", () => timer.cancel());
  // A connection that comes about just when it was given up is connected and destroyed at once.
  session.once("connect", () => {
    if (!session.destroyed) session.setLocalWindowSize(WINDOW_BYTES);
  });
  session.on("error", (error: Error) => {
    loss ??= lossOf(address, error.message);
  });

  const request = session.request({
    ":method": "POST",
    ":path": method,
    "content-type": CONNECT_STREAM_TYPE,
    "connect-protocol-version": "1",
    te: "trailers",
    ...(acceptsCompressed && { "connect-accept-encoding": GZIP }),
  });
  request.once("close", () => session.close());
  return new Http2MessageStream(request, messageBytesMax, (link) => {
    let isGzip = false;
    session.once("remoteSettings", () => link.taken());
    request.once("response", (headers) => {
      const refusal = refusalFromResponse(Number(headers[":status"]), headers["content-type"], address, method);
      if (refusal !== undefined) link.finish(refusal);
      isGzip = acceptsCompressed && headers["connect-content-encoding"] === GZIP;
    });
    return dialingSide(address, session, link, () => loss, {
      errorDetail,
      unpack: (message) => (isGzip ? messageFromGzip(message, messageBytesMax) : undefined),
    });
  });
}

interface DialingOptions {
  readonly errorDetail: ErrorDetailCodec | undefined;
  /** `undefined` when no compression was agreed on. */
  readonly unpack: (message: Uint8Array) => Uint8Array | undefined;
}

function dialingSide(
  address: string,
  session: ClientHttp2Session,
  link: Http2MessageStream,
  loss: () => RegistryError | undefined,
  { errorDetail, unpack }: DialingOptions,
): StreamSide {
  return {
    peer: address,
    loss,
    /**
     * A client has no words for an error on a stream, where Node would put an orderly end before the reset. So it drops
     * the session, with a GOAWAY that tells a process which gives up a link from one that is gone.
     */
    conclude(error) {
      if (error !== undefined) {
        link.writer.flush();
        if (!session.destroyed && !session.connecting) session.goaway(constants.NGHTTP2_CANCEL);
        setImmediate(() => session.destroy(undefined, constants.NGHTTP2_CANCEL));
        return;
      }
      link.writer.end();
      const farewell = setTimeout(() => session.destroy(), FAREWELL_MS);
      session.once("close", () => clearTimeout(farewell));
    },
    flagged(flags, message) {
      const plain = (flags & COMPRESSED_FLAG) === 0 ? message : unpack(message);
      if (plain === undefined) throw strangeFrame(flags);
      if (flags === COMPRESSED_FLAG) link.deliver(plain);
      else if ((flags & ~COMPRESSED_FLAG) === END_FLAG) link.finish(errorFromConnectEnd(plain, errorDetail));
      else throw strangeFrame(flags);
    },
    inputEnded() {
      link.finish(loss() ?? lossOf(address, "ended without its last frame"));
    },
  };
}

/** Why a response is not the beginning of a stream; `undefined` when it is. */
function refusalFromResponse(
  status: number,
  contentType: string | undefined,
  address: string,
  method: string,
): RegistryError | undefined {
  if (status === 429 || status >= 500) return new RegistryError("unavailable", `${address} answered HTTP ${status}`);
  if (status !== 200) return violation(`${address} answered HTTP ${status} to ${method}`);
  if (contentType === CONNECT_STREAM_TYPE) return undefined;
  return violation(`${address} answered ${method} with ${contentType ?? "no content-type"}`);
}

/** A link that never was: its listener hears why in a moment. */
function refusedStream(error: RegistryError): MessageStream {
  return {
    congested: false,
    send: () => {},
    close: () => {},
    listen: (listener) => void setImmediate(() => listener.closed(error)),
  };
}
