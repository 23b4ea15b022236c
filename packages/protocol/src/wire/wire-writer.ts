/**
 * Writes protobuf's wire format by hand, for the few messages that go by the ten thousand: into one buffer that is used
 * again and again. What is written here is byte for byte what the generated code writes of the same fields in the same
 * order; defaults are not written.
 */

import { FRAME_HEADER_BYTES, frameFromMessage, frameWithin, type Digest, type Frame } from "@rollcall/core";

import { fixed64Tag, lengthTag, numberTag } from "./wire-reader.ts";

const FIRST_BYTES = 64 * 1_024;
/** A buffer that has grown larger than this for one message is not kept for the next. */
const KEPT_BYTES_MAX = 1_024 * 1_024;

/** Of a buffer for frames that pass. It stays until the last of them has left, so it is no larger than Node's own. */
const PASSING_BYTES = 8 * 1_024;
const PASSING_BYTES_MAX = 512;

/** Most that a number takes. */
const NUMBER_BYTES_MAX = 8;

const utf8 = new TextEncoder();

export class WireWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #at = 0;
  #passing = new Uint8Array(0);
  #passingAt = 0;

  /** Begins a message, and forgets what there was. */
  begin(): this {
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#bytes = new Uint8Array(FIRST_BYTES);
    this.#at = 0;
    return this;
  }

  /** What has been written since the beginning, to keep. */
  written(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  frame(): Frame {
    return frameFromMessage(this.#bytes.subarray(0, this.#at));
  }

  /**
   * The same for one that is sent at once and not kept: small ones lie in one buffer with those before and after, for a
   * buffer of its own costs more than all that is in it.
   */
  passingFrame(): Frame {
    const length = FRAME_HEADER_BYTES + this.#at;
    if (length > PASSING_BYTES_MAX) return this.frame();
    if (this.#passingAt + length > this.#passing.length) {
      this.#passing = new Uint8Array(PASSING_BYTES);
      this.#passingAt = 0;
    }
    const from = this.#passingAt;
    this.#passingAt += length;
    return frameWithin(this.#passing.subarray(from, this.#passingAt), this.#bytes.subarray(0, this.#at));
  }

  number(field: number, value: number): void {
    if (value === 0) return;
    this.#reserve(2 * NUMBER_BYTES_MAX);
    this.#number(numberTag(field));
    this.#number(value);
  }

  truth(field: number, value: boolean): void {
    this.number(field, Number(value));
  }

  /** Eight bytes. Two words that are 0 are the default. */
  fixed64(field: number, { high, low }: Digest): void {
    if (high !== 0 || low !== 0) this.fixed64Given(field, { high, low });
  }

  /** The same of a field for which the default is not the same as nothing. */
  fixed64Given(field: number, { high, low }: Digest): void {
    this.#reserve(2 * NUMBER_BYTES_MAX);
    this.#number(fixed64Tag(field));
    this.#word(low);
    this.#word(high);
  }

  text(field: number, value: string): void {
    if (value !== "") this.textGiven(field, value);
  }

  /** The same where an empty text is not the same as none. */
  textGiven(field: number, value: string): void {
    // Three bytes are the most that a character takes.
    this.#reserve(2 * NUMBER_BYTES_MAX + 3 * value.length);
    this.#number(lengthTag(field));
    const lengthAt = this.#at;
    this.#at += sizeOf(value.length);
    if (!this.#ascii(value)) {
      const { written } = utf8.encodeInto(value, this.#bytes.subarray(this.#at));
      this.#at += written;
    }
    this.#closeAt(lengthAt, sizeOf(value.length));
  }

  view(field: number, value: Uint8Array): void {
    if (value.length > 0) this.message(field, value);
  }

  /** A message that is encoded already. Unlike bytes, an empty one is there. */
  message(field: number, value: Uint8Array): void {
    this.#reserve(2 * NUMBER_BYTES_MAX + value.length);
    this.#number(lengthTag(field));
    this.#number(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  /** Bytes that are encoded fields already. */
  fields(encoded: Uint8Array): void {
    this.#reserve(encoded.length);
    this.#bytes.set(encoded, this.#at);
    this.#at += encoded.length;
  }

  /** Begins a message that is a field; gives what {@link close} is told when it is written. */
  open(field: number): number {
    this.#reserve(2 * NUMBER_BYTES_MAX);
    this.#number(lengthTag(field));
    this.#at++;
    return this.#at - 1;
  }

  close(opened: number): void {
    this.#closeAt(opened, 1);
  }

  /** Writes the length of all that is behind it, for which `room` bytes were left. */
  #closeAt(lengthAt: number, room: number): void {
    const length = this.#at - lengthAt - room;
    const size = sizeOf(length);
    if (size !== room) {
      this.#reserve(size);
      this.#bytes.copyWithin(lengthAt + size, lengthAt + room, this.#at);
    }
    const end = this.#at + size - room;
    this.#at = lengthAt;
    this.#number(length);
    this.#at = end;
  }

  /** False, with nothing written, when there are other characters. */
  #ascii(value: string): boolean {
    const bytes = this.#bytes;
    const at = this.#at;
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index);
      if (code >= 0x80) return false;
      bytes[at + index] = code;
    }
    this.#at = at + value.length;
    return true;
  }

  #number(value: number): void {
    const bytes = this.#bytes;
    let rest = value;
    for (; rest > 0x7fff_ffff; rest = Math.floor(rest / 0x80)) bytes[this.#at++] = (rest % 0x80) | 0x80;
    for (; rest > 0x7f; rest >>>= 7) bytes[this.#at++] = (rest & 0x7f) | 0x80;
    bytes[this.#at++] = rest;
  }

  #word(value: number): void {
    const bytes = this.#bytes;
    for (let shift = 0; shift < 32; shift += 8) bytes[this.#at++] = value >>> shift;
  }

  #reserve(more: number): void {
    const needed = this.#at + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }
}

function sizeOf(length: number): number {
  let size = 1;
  for (let rest = length; rest > 0x7f; rest >>>= 7) size++;
  return size;
}
