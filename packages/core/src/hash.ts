/**
 * MurmurHash3, the x86 128-bit variant (Austin Appleby, public domain), seed 0: the one hash function of Rollcall.
 * It needs 32-bit arithmetic only, so a browser, a server and any other language compute the same value cheaply.
 */

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

/** The first 64 of the 128 bits, as two unsigned 32-bit words in the order the algorithm emits them. */
export interface Hash64 {
  readonly high: number;
  readonly low: number;
}

export function hash64(bytes: Uint8Array): Hash64 {
  const length = bytes.length;
  let h1 = 0;
  let h2 = 0;
  let h3 = 0;
  let h4 = 0;

  let at = 0;
  for (const end = length - (length % 16); at < end; at += 16) {
    h1 ^= scramble(word(bytes, at), C1, 15, C2);
    h1 = (Math.imul(rotate(h1, 19) + h2, 5) + 0x561ccd1b) | 0;
    h2 ^= scramble(word(bytes, at + 4), C2, 16, C3);
    h2 = (Math.imul(rotate(h2, 17) + h3, 5) + 0x0bcaa747) | 0;
    h3 ^= scramble(word(bytes, at + 8), C3, 17, C4);
    h3 = (Math.imul(rotate(h3, 15) + h4, 5) + 0x96cd1c35) | 0;
    h4 ^= scramble(word(bytes, at + 12), C4, 18, C1);
    h4 = (Math.imul(rotate(h4, 13) + h1, 5) + 0x32ac3b17) | 0;
  }

  // The words of the tail are mixed without the running chain; missing bytes count as zero, and scramble(0) is 0.
  h4 ^= scramble(partialWord(bytes, at + 12), C4, 18, C1);
  h3 ^= scramble(partialWord(bytes, at + 8), C3, 17, C4);
  h2 ^= scramble(partialWord(bytes, at + 4), C2, 16, C3);
  h1 ^= scramble(partialWord(bytes, at), C1, 15, C2);

  h1 ^= length;
  h2 ^= length;
  h3 ^= length;
  h4 ^= length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = (h2 + h1) | 0;
  h3 = (h3 + h1) | 0;
  h4 = (h4 + h1) | 0;
  h1 = finish(h1);
  h2 = finish(h2);
  h3 = finish(h3);
  h4 = finish(h4);
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = (h2 + h1) | 0;
  return { high: h1 >>> 0, low: h2 >>> 0 };
}

const utf8 = new TextEncoder();

/** Longer than nearly every text that is hashed, at three bytes a letter. */
const SCRATCH_BYTES = 3 * 512;
const scratch = new Uint8Array(SCRATCH_BYTES);

/** Of the text in UTF-8. It is hashed with every write, so short texts are not encoded into a buffer of their own. */
export function hash64OfText(text: string): Hash64 {
  if (3 * text.length > SCRATCH_BYTES) return hash64(utf8.encode(text));
  const { written } = utf8.encodeInto(text, scratch);
  return hash64(scratch.subarray(0, written));
}

/**
 * Of texts one behind the other, which are not made into one for it.
 * @param texts of letters, digits and marks nearly always, which are copied as they are
 */
export function hash64OfTexts(texts: readonly string[]): Hash64 {
  let length = 0;
  for (const text of texts) {
    if (length + 3 * text.length > SCRATCH_BYTES) return hash64OfText(texts.join(""));
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) return hash64OfText(texts.join(""));
      scratch[length++] = code;
    }
  }
  return hash64(scratch.subarray(0, length));
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function partialWord(bytes: Uint8Array, at: number): number {
  // Reading past the end gives undefined, which `|` turns into 0.
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}

function scramble(k: number, before: number, bits: number, after: number): number {
  return Math.imul(rotate(Math.imul(k, before), bits), after);
}

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

function finish(h: number): number {
  let x = h ^ (h >>> 16);
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return x ^ (x >>> 16);
}
