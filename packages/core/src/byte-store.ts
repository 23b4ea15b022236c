/**
 * Bytes of many small things in few large buffers: a buffer each would cost more than what is in it. Pieces of like size
 * share slabs and are reused when they are freed, so memory follows what is held, whatever comes and goes.
 */

import { assert } from "./assert.ts";

/** A place in the store. Means nothing to anybody else. */
export type Place = number;

/** The place of no bytes at all. */
export const NOWHERE: Place = -1;

/** So large that the system gives it pages of its own, of which only those count that are written to. */
const SLAB_BYTES = 1_024 * 1_024;

/** Pieces are rounded up to this many bytes, and larger ones to an eighth of their size. */
const STEP_BYTES = 16;

/** Slabs of one size of piece. A place is the number of the piece, counted through all slabs of all classes. */
interface SizeClass {
  readonly pieceBytes: number;
  readonly free: Place[];
}

interface Slab {
  readonly sizeClass: SizeClass;
  readonly buffer: Uint8Array;
  /** How many bytes of each piece are in use. */
  readonly lengths: Uint32Array;
}

/** A place is a slab's number and, in the lower bits, the piece's. */
const PIECE_BITS = 14;
const PIECES_MAX = 1 << PIECE_BITS;

export class ByteStore {
  readonly #classes = new Map<number, SizeClass>();
  readonly #slabs: Slab[] = [];
  readonly #copies = new Copies();

  /** Copies bytes in. */
  put(bytes: Uint8Array): Place {
    if (bytes.length === 0) return NOWHERE;
    const sizeClass = this.#classOf(roundedSize(bytes.length));
    if (sizeClass.free.length === 0) this.#addSlab(sizeClass);
    const place = sizeClass.free.pop()!;
    const { buffer, lengths } = this.#slabOf(place);
    const piece = place & (PIECES_MAX - 1);
    lengths[piece] = bytes.length;
    buffer.set(bytes, piece * sizeClass.pieceBytes);
    return place;
  }

  /** A view of the bytes at a place. It is good until the place is freed. */
  get(place: Place): Uint8Array {
    if (place === NOWHERE) return NO_BYTES;
    const { buffer, lengths, sizeClass } = this.#slabOf(place);
    const start = (place & (PIECES_MAX - 1)) * sizeClass.pieceBytes;
    return buffer.subarray(start, start + lengths[place & (PIECES_MAX - 1)]!);
  }

  lengthAt(place: Place): number {
    return place === NOWHERE ? 0 : this.#slabOf(place).lengths[place & (PIECES_MAX - 1)]!;
  }

  /** The bytes at a place, for whoever keeps them longer. */
  copy(place: Place): Uint8Array {
    return this.#copies.of(this.get(place));
  }

  free(place: Place): void {
    if (place === NOWHERE) return;
    const { sizeClass, lengths } = this.#slabOf(place);
    assert(lengths[place & (PIECES_MAX - 1)]! > 0, "a place is freed once");
    lengths[place & (PIECES_MAX - 1)] = 0;
    sizeClass.free.push(place);
  }

  /** Bytes taken from the system. */
  get size(): number {
    return this.#slabs.reduce((sum, { buffer }) => sum + buffer.length, 0);
  }

  #slabOf(place: Place): Slab {
    const slab = this.#slabs[place >> PIECE_BITS];
    assert(slab !== undefined, "a place lies in a slab");
    return slab;
  }

  #classOf(pieceBytes: number): SizeClass {
    const known = this.#classes.get(pieceBytes);
    if (known !== undefined) return known;
    const sizeClass: SizeClass = { pieceBytes, free: [] };
    this.#classes.set(pieceBytes, sizeClass);
    return sizeClass;
  }

  #addSlab(sizeClass: SizeClass): void {
    const pieces = Math.min(PIECES_MAX, Math.max(1, Math.floor(SLAB_BYTES / sizeClass.pieceBytes)));
    const buffer = new Uint8Array(pieces * sizeClass.pieceBytes);
    const first = this.#slabs.length << PIECE_BITS;
    this.#slabs.push({ sizeClass, buffer, lengths: new Uint32Array(pieces) });
    for (let piece = pieces - 1; piece >= 0; piece--) sizeClass.free.push(first + piece);
  }
}

/**
 * Copies for whoever keeps bytes a while: small ones are cut from one buffer, for a buffer each costs several times what
 * is in it, and under load leaves the process larger than it need be. The buffer lives as long as any copy in it.
 */
export class Copies {
  #buffer = NO_BYTES;
  #used = 0;

  of(bytes: Uint8Array): Uint8Array {
    if (bytes.length > COPIES_BYTES / 8) return bytes.slice();
    if (this.#used + bytes.length > this.#buffer.length) {
      this.#buffer = new Uint8Array(COPIES_BYTES);
      this.#used = 0;
    }
    const copy = this.#buffer.subarray(this.#used, this.#used + bytes.length);
    this.#used += bytes.length;
    copy.set(bytes);
    return copy;
  }
}

const COPIES_BYTES = 32 * 1_024;

const NO_BYTES = new Uint8Array(0);

function roundedSize(bytes: number): number {
  const step = Math.max(STEP_BYTES, 2 ** (Math.floor(Math.log2(bytes)) - 3));
  return Math.ceil(bytes / step) * step;
}
