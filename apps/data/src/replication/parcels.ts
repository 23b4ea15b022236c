/**
 * How content is cut so that nothing large stands in the way of what is urgent: a service into ranges of instance ids,
 * many small things into frames. Sizes are estimates, for what matters is their order of magnitude.
 */

import type { ClaimRecord, IdRange, ServiceClaims, ServiceContent, ServiceKey } from "@rollcall/core";

import type { LedSlot } from "./slot-roles.ts";

/** Bytes gathered into one frame before another is begun. */
export const FRAME_BYTES_AIM = 256 * 1_024;

/** Claims of one range, and so the longest time for which one service keeps others from their turn. */
export const RANGE_CLAIMS_MAX = 500;

/** What a claim takes besides its instance: ids, session, version. */
const CLAIM_BYTES = 128;

/** What a service takes besides its claims: its key, and what its message needs. */
export const SERVICE_BYTES = 64;

export interface Range extends IdRange {
  readonly claims: readonly ClaimRecord[];
}

export function bytesOfClaims(claims: readonly ClaimRecord[]): number {
  return claims.reduce((bytes, { instance }) => bytes + CLAIM_BYTES + instance.length, 0);
}

export function bytesOfServices(services: readonly ServiceClaims[]): number {
  return services.reduce((bytes, { claims }) => bytes + SERVICE_BYTES + bytesOfClaims(claims), 0);
}

/**
 * The content of services, range by range. Each service is read when its turn comes; what changes after that is newer
 * than the inventory the content was asked for by, and comes with the update that follows.
 */
export function* contentsOf(led: LedSlot, keys: readonly ServiceKey[]): IterableIterator<ServiceContent> {
  const { slot, leaderEpoch } = led;
  for (const key of keys)
    for (const { after, upTo, claims } of rangesOf(led.claimsOf(key)))
      yield { slot, leaderEpoch, after, upTo, content: { key, claims } };
}

/**
 * Cuts claims, sorted by instance id, into ranges that cover all ids between them. Claims on one instance stay together.
 * A service without claims is one empty range.
 */
export function* rangesOf(claims: readonly ClaimRecord[]): IterableIterator<Range> {
  let after = "";
  let start = 0;
  let bytes = 0;
  for (const [index, claim] of claims.entries()) {
    const previous = claims[index - 1]?.instanceId;
    const isFull = index - start >= RANGE_CLAIMS_MAX || bytes >= FRAME_BYTES_AIM;
    if (isFull && previous !== undefined && previous !== claim.instanceId) {
      yield { after, upTo: previous, claims: claims.slice(start, index) };
      after = previous;
      start = index;
      bytes = 0;
    }
    bytes += CLAIM_BYTES + claim.instance.length;
  }
  yield { after, upTo: "", claims: claims.slice(start) };
}
