/**
 * The service keys that were read lately, found again by their bytes: a name that comes again is one object with all that
 * is known of it, and no text has to be made of it. A table of fixed size in which the newest of those that would lie in
 * one place is kept; who is not found is made anew, and nothing else.
 */

import type { KnownServiceKey } from "@rollcall/core";

import type { WireReader } from "./wire-reader.ts";

/** Bytes of an encoded key that are kept. Longer ones are rare, and are made each time. */
const BYTES_MAX = 48;

interface Table {
  readonly keys: (KnownServiceKey | undefined)[];
  readonly bytes: Uint8Array;
  readonly lengths: Uint8Array;
}

export class KnownKeys {
  readonly #places: number;
  /** Made when the first key is read. */
  #table: Table | undefined;

  /** @param places a power of two: more than the keys that commonly come at about the same time */
  constructor(places: number) {
    this.#places = places;
  }

  /** The key whose fields are all that is left of the message being read; `read` makes it when it is not known. */
  find(reader: WireReader, read: (reader: WireReader) => KnownServiceKey): KnownServiceKey {
    const { bytes, at, end } = reader;
    const length = end - at;
    if (length > BYTES_MAX) return read(reader);
    this.#table ??= emptyTable(this.#places);
    const { keys, lengths, bytes: kept } = this.#table;
    const place = hashOf(bytes, at, end) & (this.#places - 1);
    const known = keys[place];
    if (known !== undefined && lengths[place] === length && areSame(kept, place * BYTES_MAX, bytes, at, length)) {
      reader.at = end;
      return known;
    }
    const key = read(reader);
    keys[place] = key;
    lengths[place] = length;
    kept.set(bytes.subarray(at, end), place * BYTES_MAX);
    return key;
  }
}

function emptyTable(places: number): Table {
  return {
    keys: Array.from({ length: places }, () => undefined),
    bytes: new Uint8Array(places * BYTES_MAX),
    lengths: new Uint8Array(places),
  };
}

function areSame(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number, length: number): boolean {
  for (let index = 0; index < length; index++) if (a[aAt + index] !== b[bAt + index]) return false;
  return true;
}

function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return hash ^ (hash >>> 15);
}
