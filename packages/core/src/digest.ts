/**
 * Digests: compared for equality and for nothing else. The digest of a set of instances is the exclusive or of its
 * members' digests, so it does not depend on order and a change costs the same however large the set is. Members of
 * a set have distinct ids, which are part of their bytes, so no two of them cancel out.
 */

import { hash64, hash64OfText, hash64OfTexts, type Hash64 } from "./hash.ts";

/** 64 bits as two unsigned 32-bit words: no BigInt on hot paths. */
export type Digest = Hash64;

/** The digest of the empty set. */
export const EMPTY_DIGEST: Digest = { high: 0, low: 0 };

export function digestOfBytes(bytes: Uint8Array): Digest {
  return hash64(bytes);
}

export function digestOfText(text: string): Digest {
  return hash64OfText(text);
}

/** The digest of the text that these come to. */
export function digestOfTexts(...texts: readonly string[]): Digest {
  return hash64OfTexts(texts);
}

/** Adds a member to a set's digest, or takes it out: the operation is its own inverse. */
export function toggleDigest(set: Digest, member: Digest): Digest {
  return { high: (set.high ^ member.high) >>> 0, low: (set.low ^ member.low) >>> 0 };
}

/**
 * A digest of the two together, for sums over things that each have an identity and a content. One bit more or less in
 * either gives another digest, always; and contents that are exchanged between two identities do not leave the sum as
 * it was, because the identity is scattered before the content joins it, and the two are scattered again.
 */
export function mixDigests(identity: Digest, content: Digest): Digest {
  return scatter(toggleDigest(scatter(identity), content));
}

/** Below three rounds single bits of the input still show through. */
const SCATTER_ROUNDS = 3;

/** Spreads every bit over all of them. No two digests come to the same: each step can be undone. */
function scatter(digest: Digest): Digest {
  let { high, low } = digest;
  for (let round = 0; round < SCATTER_ROUNDS; round++) {
    high = (Math.imul(high ^ (high >>> 16) ^ low, 0x85ebca6b) + 0x9e3779b9) | 0;
    low = Math.imul(low ^ (low >>> 15) ^ high, 0xc2b2ae35);
  }
  high ^= low >>> 16;
  return { high: (high ^ (high >>> 13)) >>> 0, low: low >>> 0 };
}

export function sameDigest(a: Digest, b: Digest): boolean {
  return a.high === b.high && a.low === b.low;
}

/** 16 hexadecimal digits. */
export function formatDigest(digest: Digest): string {
  return digest.high.toString(16).padStart(8, "0") + digest.low.toString(16).padStart(8, "0");
}
