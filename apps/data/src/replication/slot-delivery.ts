/**
 * How one slot reaches one follower, from the leader's side. One thing is on its way at a time, and what goes next is
 * decided when it can leave, so changes coalesce meanwhile.
 *
 *     asked ----> sending ----> idle        the log reaches back to what the follower holds: an update
 *       |  ^         |            |
 *       |  '---------+------------'         not what it should be; silent; changed
 *       v
 *     comparing ----> asked                 it does not: an inventory, content, and the follower asks again
 *
 * An update leads from its base, or anything between, to its version. So one that is not confirmed is cut again from the
 * same base, whether it was lost or only its receipt.
 */

import { compareVersions, sameDigest, type Held, type SlotUpdate, type Version } from "@rollcall/core";

import { FRAME_BYTES_AIM, bytesOfServices } from "./parcels.ts";
import type { LedSlot } from "./slot-roles.ts";

/** Claims of one update; what is left goes with the next, after the receipt. */
export const UPDATE_CLAIMS_MAX = 1_000;

/** A follower that says nothing for so long, in milliseconds, has lost what it was sent. */
export const FOLLOWER_SILENCE_MS = 2_000;

export type SlotDelivery =
  /** The follower is owed an answer, even if that is no news. What it holds is nothing, or unknown, if undefined. */
  | { readonly state: "asked"; readonly held: Held | undefined }
  | { readonly state: "idle"; readonly held: Held }
  /** `isWhole`: nothing that was there at `sentAt` is left out, so that the follower's digest has to be ours then. */
  | {
      readonly state: "sending";
      readonly base: Held;
      readonly sent: Version;
      readonly isWhole: boolean;
      readonly sentAt: number;
    }
  /** An inventory is on its way, or content after one. It ends when the follower asks again. */
  | { readonly state: "comparing"; readonly activeAt: number };

export type SlotNews =
  | { readonly kind: "none" }
  | { readonly kind: "update"; readonly update: SlotUpdate; readonly base: Held; readonly isWhole: boolean }
  | { readonly kind: "inventory" };

const NO_NEWS: SlotNews = { kind: "none" };
const INVENTORY: SlotNews = { kind: "inventory" };

/** What the follower has to be sent now. */
export function newsFor(delivery: SlotDelivery, led: LedSlot): SlotNews {
  if (delivery.state === "sending" || delivery.state === "comparing") return NO_NEWS;
  const { held } = delivery;
  if (held === undefined) return INVENTORY;
  const order = compareVersions(held.version, led.version);
  if (order < 0) return updateFrom(held, led) ?? INVENTORY;
  if (order === 0 && delivery.state === "idle") return NO_NEWS;
  if (order === 0 && sameDigest(held.digest, led.digest)) return emptyUpdate(held, led);
  return INVENTORY;
}

/** Tells a follower that it is up to date. */
function emptyUpdate(held: Held, { slot, leaderEpoch, version, digest }: LedSlot): SlotNews {
  const update = { slot, leaderEpoch, base: version, version, digest, services: [] };
  return { kind: "update", update, base: held, isWhole: true };
}

function updateFrom(held: Held, led: LedSlot): SlotNews | undefined {
  const { slot, leaderEpoch, digest } = led;
  let max = UPDATE_CLAIMS_MAX;
  for (;;) {
    const changes = led.changedSince(held.version, max);
    if (changes === undefined) return undefined;
    const { services } = changes;
    const claims = services.reduce((count, service) => count + service.claims.length, 0);
    const bytes = bytesOfServices(services);
    if (claims > 1 && bytes > FRAME_BYTES_AIM) {
      max = Math.max(1, Math.floor((claims * FRAME_BYTES_AIM) / bytes));
      continue;
    }
    const isWhole = claims < max || compareVersions(changes.version, led.version) === 0;
    const version = isWhole ? led.version : changes.version;
    const update = { slot, leaderEpoch, base: held.version, version, digest, services };
    return { kind: "update", update, base: held, isWhole };
  }
}

export function afterReceipt(delivery: SlotDelivery, held: Held, resync: boolean): SlotDelivery {
  if (delivery.state === "asked" || delivery.state === "comparing") return delivery;
  const expected = delivery.state === "idle" ? delivery.held.version : delivery.sent;
  // Delayed or repeated: it says nothing about what is on its way now.
  if (compareVersions(held.version, expected) < 0) return delivery;
  // Claims are sent as they are, not as they were: after a part of the changes no digest fits, and that is no fault.
  const isWhole = delivery.state === "idle" || delivery.isWhole;
  return resync && isWhole ? { state: "asked", held: undefined } : { state: "idle", held };
}

export function afterSilence(delivery: SlotDelivery, now: number): SlotDelivery {
  if (delivery.state === "sending" && now - delivery.sentAt >= FOLLOWER_SILENCE_MS)
    return { state: "asked", held: delivery.base };
  if (delivery.state === "comparing" && now - delivery.activeAt >= FOLLOWER_SILENCE_MS)
    return { state: "asked", held: undefined };
  return delivery;
}
