/**
 * How Connect streaming, gRPC and gRPC-web look on an HTTP/2 stream. They differ less than one would think:
 *
 *     request    POST /package.Service/Method, content-type as below, then frames, then the end of the stream
 *     response   :status 200 and the same content-type, sent at once, then frames, then the end, which is
 *                  Connect    one more frame with flag 0x02, whose message is JSON: {} or {"error": {...}}
 *                  gRPC       trailers: grpc-status, grpc-message, grpc-status-details-bin
 *                  gRPC-web   the same trailers as lines of text, in one more frame with flag 0x80
 *     frame      one byte of flags, four bytes of length (big-endian), the message; compressed if flag 0x01 is set
 *
 *                content-type                                    may be compressed      is compressed
 *     Connect    application/connect+proto                       connect-accept-        connect-content-encoding
 *     gRPC       application/grpc, application/grpc+proto        grpc-accept-           grpc-encoding
 *     gRPC-web   application/grpc-web, ...grpc-web+proto         grpc-accept-           grpc-encoding
 *
 * This file and its neighbours are the only place that knows this; everything above speaks of frames and streams.
 */

import type { OutgoingHttpHeaders } from "node:http2";

import { frameFromMessage, RegistryError, type ErrorValue } from "@rollcall/core";
import { codeFromReason, reasonFromStatus, statusFromReason, type ErrorDetailCodec } from "./status.ts";

export type StreamProtocol = "connect" | "grpc" | "grpc-web";

export const CONNECT_STREAM_TYPE = "application/connect+proto";

/** Content type of a response, the header that says what it may be compressed with, and the one that says what it is. */
export const responseOf: Readonly<
  Record<StreamProtocol, { readonly contentType: string; readonly accepts: string; readonly encoding: string }>
> = {
  connect: {
    contentType: CONNECT_STREAM_TYPE,
    accepts: "connect-accept-encoding",
    encoding: "connect-content-encoding",
  },
  grpc: { contentType: "application/grpc+proto", accepts: "grpc-accept-encoding", encoding: "grpc-encoding" },
  "grpc-web": { contentType: "application/grpc-web+proto", accepts: "grpc-accept-encoding", encoding: "grpc-encoding" },
};

/** Flag of the frame that ends a Connect response. */
export const END_FLAG = 0x02;
/** Flag of the frame that ends a gRPC-web response. */
const TRAILERS_FLAG = 0x80;

export function protocolFromContentType(contentType: string | undefined): StreamProtocol | undefined {
  switch (contentType?.toLowerCase()) {
    case CONNECT_STREAM_TYPE:
      return "connect";
    case "application/grpc":
    case "application/grpc+proto":
      return "grpc";
    case "application/grpc-web":
    case "application/grpc-web+proto":
      return "grpc-web";
    default:
      return undefined;
  }
}

/** The frame that ends a Connect response. */
export function connectEndFrame(error: ErrorValue | undefined, codec: ErrorDetailCodec | undefined): Uint8Array {
  const end = error === undefined ? {} : { error: connectErrorJson(error, codec) };
  const frame = frameFromMessage(new TextEncoder().encode(JSON.stringify(end)));
  frame[0] = END_FLAG;
  return frame;
}

function connectErrorJson(error: ErrorValue, codec: ErrorDetailCodec | undefined): object {
  const status = { code: statusFromReason(error.reason), message: error.message };
  if (codec === undefined) return status;
  return { ...status, details: [{ type: codec.typeName, value: unpaddedBase64(codec.encode(error)) }] };
}

/** Reads the message of the frame that ends a Connect response: `undefined` when it was a success. */
export function errorFromConnectEnd(
  message: Uint8Array,
  codec: ErrorDetailCodec | undefined,
): RegistryError | undefined {
  const text = new TextDecoder().decode(message);
  try {
    const end = JSON.parse(text) as { error?: ConnectErrorJson | null } | null;
    const error = end?.error;
    return error === undefined || error === null ? undefined : errorFromConnectJson(error, codec);
  } catch (cause) {
    return new RegistryError("protocol_violation", `the stream's end is not JSON: ${text.slice(0, 80)}`, { cause });
  }
}

/** As it comes from outside: nothing is certain about it. */
interface ConnectErrorJson {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly details?: unknown;
}

function errorFromConnectJson(error: ConnectErrorJson, codec: ErrorDetailCodec | undefined): RegistryError {
  const detail = codec === undefined ? undefined : findDetail(error.details, codec);
  const status = typeof error.code === "string" ? error.code : "unknown";
  const message = typeof error.message === "string" && error.message !== "" ? error.message : status;
  const { subject, retryAfterMs } = detail ?? {};
  return new RegistryError(detail?.reason ?? reasonFromStatus(status), message, { subject, retryAfterMs });
}

function findDetail(details: unknown, codec: ErrorDetailCodec): ErrorValue | undefined {
  if (!Array.isArray(details)) return undefined;
  for (const detail of details as ({ readonly type?: unknown; readonly value?: unknown } | null)[]) {
    if (detail?.type === codec.typeName && typeof detail.value === "string")
      return codec.decode(Buffer.from(detail.value, "base64"));
  }
  return undefined;
}

/** The trailers that end a gRPC response. */
export function grpcTrailers(error: ErrorValue | undefined, codec: ErrorDetailCodec | undefined): OutgoingHttpHeaders {
  if (error === undefined) return { "grpc-status": "0" };
  const trailers = {
    "grpc-status": String(codeFromReason(error.reason)),
    "grpc-message": percentEncoded(error.message),
  };
  if (codec === undefined) return trailers;
  return { ...trailers, "grpc-status-details-bin": unpaddedBase64(grpcStatusBytes(error, codec)) };
}

/** The frame that ends a gRPC-web response. */
export function grpcWebEndFrame(error: ErrorValue | undefined, codec: ErrorDetailCodec | undefined): Uint8Array {
  const lines = Object.entries(grpcTrailers(error, codec)).map(([name, value]) => `${name}: ${String(value)}\r\n`);
  const frame = frameFromMessage(new TextEncoder().encode(lines.join("")));
  frame[0] = TRAILERS_FLAG;
  return frame;
}

/** As gRPC wants it: only what is not printable ASCII, and the percent sign. Some clients do not decode more than that. */
function percentEncoded(message: string): string {
  return message.toWellFormed().replace(/[^\x20-\x24\x26-\x7e]+/g, encodeURIComponent);
}

/**
 * A `google.rpc.Status` with one detail, written by hand because three fields do not justify a schema here:
 *
 *     1 code (varint)   2 message (string)   3 details (Any: 1 type_url (string), 2 value (bytes))
 */
function grpcStatusBytes(error: ErrorValue, codec: ErrorDetailCodec): Uint8Array {
  const detail = Buffer.concat([
    lengthDelimited(1, Buffer.from(`type.googleapis.com/${codec.typeName}`)),
    lengthDelimited(2, codec.encode(error)),
  ]);
  const code = Uint8Array.of(0x08, codeFromReason(error.reason));
  return Buffer.concat([code, lengthDelimited(2, Buffer.from(error.message)), lengthDelimited(3, detail)]);
}

function lengthDelimited(field: number, value: Uint8Array): Uint8Array {
  const header = [(field << 3) | 2];
  let rest = value.length;
  for (; rest > 0x7f; rest >>>= 7) header.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Uint8Array.from([...header, rest]), value]);
}

function unpaddedBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replace(/=+$/, "");
}
