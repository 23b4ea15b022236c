/**
 * Reads protobuf's wire format by hand, for the few messages that come by the ten thousand. It knows the form in which
 * they nearly always come and throws {@link Unusual} at anything else: whoever reads leaves that to the generated code,
 * which knows all forms, and has the last word on what is no message at all. So bytes have one meaning, and what is read
 * here is only read faster.
 */

import type { Digest } from "@rollcall/core";

/** Bytes that may be perfectly right, and are not in the form that is read by hand. */
export class Unusual extends Error {
  override readonly name = "Unusual";
}

/** The tag of a field that is a number or a truth. */
export const numberTag = (field: number): number => field << 3;

/** The tag of a field that is a text, bytes, or a message. */
export const lengthTag = (field: number): number => (field << 3) | 2;

/** The tag of a field of eight bytes. */
export const fixed64Tag = (field: number): number => (field << 3) | 1;

const FIXED64_BYTES = 8;

/** Weight of the eighth and last byte that a number of 53 bits can have. */
const LAST_SCALE = 2 ** 49;

const UINT32_MAX = 0xffff_ffff;

const char = String.fromCharCode;

export class WireReader {
  readonly bytes: Uint8Array;
  /** Where it is. */
  at = 0;
  /** Where the message that is being read ends. */
  end: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.end = bytes.length;
  }

  get isAtEnd(): boolean {
    return this.at >= this.end;
  }

  /** A tag, a length, or a number of up to 53 bits. */
  number(): number {
    const { bytes } = this;
    let byte = bytes[this.at++]!;
    let value = byte & 0x7f;
    // What is beyond the bytes is not less than anything.
    for (let scale = 0x80; !(byte < 0x80); scale *= 0x80) {
      if (scale > LAST_SCALE) throw new Unusual("a number of more than 53 bits");
      byte = bytes[this.at++]!;
      value += (byte & 0x7f) * scale;
    }
    if (this.at > this.end || value > Number.MAX_SAFE_INTEGER) throw new Unusual("a number that goes too far");
    return value;
  }

  uint32(): number {
    const value = this.number();
    if (value > UINT32_MAX) throw new Unusual("a number of more than 32 bits");
    return value;
  }

  truth(): boolean {
    return this.number() !== 0;
  }

  /** Eight bytes, as two words: the one of less weight comes first. */
  fixed64(): Digest {
    const { bytes, at } = this;
    this.at = at + FIXED64_BYTES;
    if (this.at > this.end) throw new Unusual("a number that goes too far");
    return { high: word(bytes, at + FIXED64_BYTES / 2), low: word(bytes, at) };
  }

  /** Reads the length of what comes next, and gives where that ends. */
  limit(): number {
    const limit = this.number() + this.at;
    if (limit > this.end) throw new Unusual("a length that goes too far");
    return limit;
  }

  /** Bytes, as a view of what is read. */
  view(): Uint8Array {
    const limit = this.limit();
    const view = this.bytes.subarray(this.at, limit);
    this.at = limit;
    return view;
  }

  /** A text of ASCII characters, as all names are. */
  ascii(): string {
    const limit = this.limit();
    const text = asciiFromBytes(this.bytes, this.at, limit);
    if (text === undefined) throw new Unusual("a text that is not ASCII");
    this.at = limit;
    return text;
  }

  /** Reads a message that is a field, by `read`, which reads on until it {@link isAtEnd}. */
  within<Message>(read: (reader: WireReader) => Message): Message {
    const { end } = this;
    const limit = this.limit();
    this.end = limit;
    const message = read(this);
    // Fields end where their message does, or they are not in it.
    if (this.at !== limit) throw new Unusual("a field that goes beyond its message");
    this.end = end;
    return message;
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

type TextOfBytes = (this: Uint8Array, from: number, to: number) => string;

/** How Node makes a text of bytes in one go. */
const platform = globalThis as {
  readonly Buffer?: { readonly prototype: { readonly latin1Slice: TextOfBytes } };
};
const latin1Slice = platform.Buffer?.prototype.latin1Slice;

/**
 * What is longer is made in one go: put together of characters, an engine would keep it as a tree of pieces, and take longer
 * with it ever after, most of all when it is looked for in a map. A decoder takes longer to begin than Node's own way.
 */
const PIECED_MAX = latin1Slice === undefined ? 24 : 12;

const utf8 = new TextDecoder();

/** The text of these bytes; undefined when it is not ASCII. */
export function asciiFromBytes(bytes: Uint8Array, from: number, to: number): string | undefined {
  let all = 0;
  for (let at = from; at < to; at++) all |= bytes[at]!;
  if (all >= 0x80) return undefined;
  if (to - from <= PIECED_MAX) return piecedFromBytes(bytes, from, to);
  return latin1Slice === undefined ? utf8.decode(bytes.subarray(from, to)) : latin1Slice.call(bytes, from, to);
}

function piecedFromBytes(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  let at = from;
  // An engine makes eight characters into a text as fast as one.
  for (; at + 8 <= to; at += 8)
    text += char(
      bytes[at]!,
      bytes[at + 1]!,
      bytes[at + 2]!,
      bytes[at + 3]!,
      bytes[at + 4]!,
      bytes[at + 5]!,
      bytes[at + 6]!,
      bytes[at + 7]!,
    );
  for (; at < to; at++) text += char(bytes[at]!);
  return text;
}

/** Reads by hand, or, what is unusual, otherwise. */
export function readOr<Value>(byHand: () => Value, otherwise: () => Value): Value {
  try {
    return byHand();
  } catch (thrown) {
    if (thrown instanceof Unusual) return otherwise();
    throw thrown;
  }
}
