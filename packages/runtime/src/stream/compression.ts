/**
 * Compression of what goes to many: a frame is compressed once, when the first stream that accepts gzip is to send it,
 * and the result is kept for as long as the frame itself. It is made outside the event loop; streams that wait for it
 * hold their later frames back, so the order stays. Frames that are small, or that hardly shrink, go out as they are,
 * which every protocol allows in a compressed stream.
 */

import { gunzipSync, gzip } from "node:zlib";

import { FRAME_HEADER_BYTES, limitExceeded, RegistryError } from "@rollcall/core";

/** Flag of a frame whose message is compressed. */
export const COMPRESSED_FLAG = 0x01;

/** The only encoding we speak: every client that compresses at all knows it. */
export const GZIP = "gzip";

/**
 * Frames below this size are not worth it, in bytes: what fits into the first flight of a new TCP connection arrives no
 * sooner when it is smaller. A change of a few instances never gets here, a list of a hundred does.
 */
export const COMPRESSED_FROM_BYTES = 16 * 1024;

/** Only what shrinks below this share of its size is worth the time of its readers. */
const PAYS_BELOW = 0.7;

/** The fastest: on lists of instances it comes within a tenth of what the others save, at a third of the time. */
const LEVEL = 1;

/** A frame on its way to be compressed, or already there. */
export class CompressedFrame {
  /** What to send. The frame as it was until it is known better, and for good when compressing does not pay. */
  bytes: Uint8Array;
  #waiting: (() => void)[] | undefined = [];

  constructor(frame: Uint8Array) {
    this.bytes = frame;
    gzip(frame.subarray(FRAME_HEADER_BYTES), { level: LEVEL }, (error, message) => {
      if (error === null && message.length < frame.length * PAYS_BELOW) this.bytes = compressedFrame(message);
      const waiting = this.#waiting ?? [];
      this.#waiting = undefined;
      for (const ready of waiting) ready();
    });
  }

  /** Of what is to be sent, as far as is known. */
  get length(): number {
    return this.bytes.length;
  }

  get isReady(): boolean {
    return this.#waiting === undefined;
  }

  /** Calls `ready` once, when it is. Not to be called when it is already. */
  whenReady(ready: () => void): void {
    this.#waiting?.push(ready);
  }
}

/** The compressed frames of one listener. */
export class SharedCompression {
  readonly #known = new WeakMap<Uint8Array, CompressedFrame>();

  /** `undefined` when the frame goes out as it is. */
  of(frame: Uint8Array): CompressedFrame | undefined {
    if (frame.length < COMPRESSED_FROM_BYTES) return undefined;
    let compressed = this.#known.get(frame);
    if (compressed === undefined) {
      compressed = new CompressedFrame(frame);
      this.#known.set(frame, compressed);
    }
    return compressed;
  }
}

/** Whether a list of encodings, as `connect-accept-encoding` and `grpc-accept-encoding` have it, names gzip. */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  return typeof header === "string" && header.split(",").some((encoding) => encoding.trim() === GZIP);
}

/** @throws RegistryError `protocol_violation` when the message is no gzip, or larger than allowed once it is unpacked. */
export function messageFromGzip(compressed: Uint8Array, messageBytesMax: number): Uint8Array {
  try {
    return gunzipSync(compressed, { maxOutputLength: messageBytesMax });
  } catch (cause) {
    if (!(cause instanceof RangeError))
      throw new RegistryError("protocol_violation", "a compressed message that cannot be read", { cause });
    const { message, subject } = limitExceeded("message, unpacked,", `${messageBytesMax} bytes`, "more");
    throw new RegistryError("protocol_violation", message, { subject });
  }
}

function compressedFrame(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + message.length);
  frame[0] = COMPRESSED_FLAG;
  new DataView(frame.buffer).setUint32(1, message.length);
  frame.set(message, FRAME_HEADER_BYTES);
  return frame;
}
