/**
 * Digests: compared for equality and for nothing else. The digest of a set of instances is the exclusive or of its
 * members' digests, so it does not depend on order and a change costs the same however large the set is. Members of
 * a set have distinct ids, which are part of their bytes, so no two of them cancel out.
 */

import { hash64, type Hash64 } from "./hash.ts";

/** 64 bits as two unsigned 32-bit words: no BigInt on hot paths. */
export type Digest = Hash64;

/** The digest of the empty set. */
export const EMPTY_DIGEST: Digest = { high: 0, low: 0 };

export function digestOfBytes(bytes: Uint8Array): Digest {
  return hash64(bytes);
}

/** Adds a member to a set's digest, or takes it out: the operation is its own inverse. */
export function toggleDigest(set: Digest, member: Digest): Digest {
  return { high: (set.high ^ member.high) >>> 0, low: (set.low ^ member.low) >>> 0 };
}

export function sameDigest(a: Digest, b: Digest): boolean {
  return a.high === b.high && a.low === b.low;
}

/** 16 hexadecimal digits. */
export function formatDigest(digest: Digest): string {
  return digest.high.toString(16).padStart(8, "0") + digest.low.toString(16).padStart(8, "0");
}
