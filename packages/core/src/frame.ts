/**
 * A message with the five-byte header that Connect, gRPC and gRPC-web streams share: one byte of flags (0: plain) and
 * the length as four bytes, big-endian. Framing once lets the same bytes go to any number of streams.
 */

declare const frameBrand: unique symbol;

/** Bytes that begin with a frame header. Made only here. */
export type Frame = Uint8Array & { readonly [frameBrand]: true };

export const FRAME_HEADER_BYTES = 5;

/**
 * Largest message that our own programs accept from a server or another node, in bytes: a snapshot of a very large
 * service, with room. From clients servers accept less, `LIMITS.clientMessageBytes`. Clients of other makes have limits
 * of their own, gRPC's is 4 MiB unless set otherwise.
 */
export const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

export function frameFromMessage(message: Uint8Array): Frame {
  return frameWithin(new Uint8Array(FRAME_HEADER_BYTES + message.length), message);
}

/** The same in bytes that are there already, empty and of the frame's length. */
export function frameWithin(bytes: Uint8Array, message: Uint8Array): Frame {
  const { length } = message;
  bytes[1] = length >>> 24;
  bytes[2] = length >>> 16;
  bytes[3] = length >>> 8;
  bytes[4] = length;
  bytes.set(message, FRAME_HEADER_BYTES);
  return bytes as Frame;
}

export function messageFromFrame(frame: Frame): Uint8Array {
  return frame.subarray(FRAME_HEADER_BYTES);
}
