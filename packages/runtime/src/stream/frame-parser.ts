/**
 * Cuts the bytes of a stream into frames, however they were torn or merged on the way. A message that lies whole in
 * one chunk is handed on as a view of that chunk, without a copy. Of a torn one, only what has arrived is held, in a
 * buffer that grows with it: a header may announce a megabyte, but it does not get one before it has sent one.
 */

import { FRAME_HEADER_BYTES, limitExceeded, RegistryError } from "@rollcall/core";

/** Takes one frame. Flags are 0 for a message; what others mean is for the protocol to say. */
export type FrameTaker = (flags: number, message: Uint8Array) => void;

/** First size of the buffer for a torn message, in bytes: the largest HTTP/2 DATA frame by default. */
const TORN_BYTES_MIN = 16 * 1024;

/** A message of which the first part has arrived. */
interface Torn {
  readonly flags: number;
  readonly length: number;
  bytes: Uint8Array;
  filled: number;
}

export class FrameParser {
  readonly #messageBytesMax: number;
  /** A header of which fewer than five bytes have arrived. */
  #header: Uint8Array | undefined;
  #torn: Torn | undefined;

  constructor(messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax;
  }

  /** False while a frame is half here: a stream must not end then. */
  get isBetweenFrames(): boolean {
    return this.#header === undefined && this.#torn === undefined;
  }

  /** Throws a `protocol_violation` when a header announces more than is allowed; the stream is then beyond repair. */
  push(chunk: Uint8Array, take: FrameTaker): void {
    let at = 0;
    if (this.#torn !== undefined) at = this.#fill(this.#torn, chunk, 0, take);
    while (at < chunk.length) {
      if (this.#header !== undefined || chunk.length - at < FRAME_HEADER_BYTES)
        at = this.#gatherHeader(chunk, at, take);
      else at = this.#body(chunk, at, chunk, at + FRAME_HEADER_BYTES, take);
    }
  }

  /** The header lies at `headerAt` of `header`; its message begins at `at` of `chunk`. Returns where to go on. */
  #body(header: Uint8Array, headerAt: number, chunk: Uint8Array, at: number, take: FrameTaker): number {
    const flags = header[headerAt] ?? 0;
    const length = lengthFromHeader(header, headerAt);
    if (length > this.#messageBytesMax) throw tooLarge(length, this.#messageBytesMax);
    const end = at + length;
    if (end <= chunk.length) {
      take(flags, chunk.subarray(at, end));
      return end;
    }
    this.#torn = { flags, length, bytes: new Uint8Array(Math.min(length, TORN_BYTES_MIN)), filled: 0 };
    return this.#fill(this.#torn, chunk, at, take);
  }

  #fill(torn: Torn, chunk: Uint8Array, at: number, take: FrameTaker): number {
    const end = Math.min(chunk.length, at + torn.length - torn.filled);
    const filled = torn.filled + end - at;
    if (filled > torn.bytes.length) {
      const grown = new Uint8Array(Math.min(torn.length, Math.max(filled, torn.bytes.length * 2)));
      grown.set(torn.bytes);
      torn.bytes = grown;
    }
    torn.bytes.set(chunk.subarray(at, end), torn.filled);
    torn.filled = filled;
    if (filled === torn.length) {
      this.#torn = undefined;
      take(torn.flags, torn.bytes);
    }
    return end;
  }

  #gatherHeader(chunk: Uint8Array, at: number, take: FrameTaker): number {
    const held = this.#header ?? new Uint8Array(0);
    const end = Math.min(chunk.length, at + FRAME_HEADER_BYTES - held.length);
    const header = new Uint8Array(held.length + end - at);
    header.set(held);
    header.set(chunk.subarray(at, end), held.length);
    if (header.length < FRAME_HEADER_BYTES) {
      this.#header = header;
      return end;
    }
    this.#header = undefined;
    return this.#body(header, 0, chunk, end, take);
  }
}

function lengthFromHeader(header: Uint8Array, at: number): number {
  const [high = 0, upper = 0, lower = 0, low = 0] = [header[at + 1], header[at + 2], header[at + 3], header[at + 4]];
  return high * 0x1_00_00_00 + (upper << 16) + (lower << 8) + low;
}

function tooLarge(length: number, messageBytesMax: number): RegistryError {
  const { message, subject } = limitExceeded("message", `${messageBytesMax} bytes`, length);
  return new RegistryError("protocol_violation", message, { subject });
}
