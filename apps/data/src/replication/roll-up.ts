/** One digest over many slots: how a leader and a follower find out with a few bytes that they still agree on all. */

import { EMPTY_DIGEST, mixDigests, toggleDigest, type Digest, type SlotDigest } from "@rollcall/core";

/** Does not depend on the order of the slots. */
export function digestOfSlots(slots: Iterable<SlotDigest>): Digest {
  let sum = EMPTY_DIGEST;
  for (const { slot, leaderEpoch, digest } of slots)
    sum = toggleDigest(sum, mixDigests({ high: slot, low: leaderEpoch }, digest));
  return sum;
}
