/** 64-bit integers of the wire as the numbers and word pairs of core. */

import { RegistryError, type Digest } from "@rollcall/core";

/** A count or an epoch. @throws RegistryError `protocol_violation` beyond 2^53 - 1, which no correct peer reaches. */
export function numberFromUint64(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new RegistryError("protocol_violation", `a counter must be below 2^53, got ${value}`);
  }
  return Number(value);
}

export function digestFromFixed64(value: bigint): Digest {
  return { high: Number(value >> 32n), low: Number(value & 0xffff_ffffn) };
}

export function fixed64FromDigest(digest: Digest): bigint {
  return (BigInt(digest.high) << 32n) | BigInt(digest.low);
}
