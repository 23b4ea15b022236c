/** What replication asks of a slot's content: on the node that leads the slot, and on one that follows it. */

import type {
  ClaimRecord,
  Digest,
  Epoch,
  Held,
  IdRange,
  ServiceClaims,
  ServiceDigest,
  ServiceKey,
  SlotId,
  Version,
} from "@rollcall/core";

/** One slot's content as its leader streams it. */
export interface LedSlot {
  readonly slot: SlotId;
  readonly leaderEpoch: Epoch;
  /** Of the newest change. */
  readonly version: Version;
  /** Of all live claims. */
  readonly digest: Digest;
  /**
   * Claims changed after `base`, oldest change first, each once and as it is now, at most `max`, with the version they
   * lead to; undefined when the log does not reach back to `base`.
   */
  changedSince(
    base: Version,
    max: number,
  ): { readonly services: readonly ServiceClaims[]; readonly version: Version } | undefined;
  /** Of services that something lives of. */
  serviceDigests(): readonly ServiceDigest[];
  /** All claims of a service, removed ones too, in the order of instance ids. */
  claimsOf(key: ServiceKey): readonly ClaimRecord[];
}

/** One slot's content as a follower keeps it. */
export interface FollowedSlot {
  /** What the content is at: nothing that its leaders changed up to here is missing. */
  readonly version: Version;
  readonly digest: Digest;
  /** Takes the leader's word on these claims, whatever was there, and counts the slot as being at `version`. */
  take(services: readonly ServiceClaims[], version: Version): void;
  /** Replaces all claims of the service within the range. */
  replace(content: ServiceClaims, range: IdRange): void;
  serviceDigests(): readonly ServiceDigest[];
}

export function heldOf({ version, digest }: { readonly version: Version; readonly digest: Digest }): Held {
  return { version, digest };
}
