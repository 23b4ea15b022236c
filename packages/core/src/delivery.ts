/**
 * Delivery: how updates of one datum reach one receiver. The first change goes out at once; while it is on its way
 * further changes coalesce, because the next update is cut from the datum only when the receipt has come. So a
 * receiver has one update on its way and at most one pending, the newest wins, and there is no timer on an idle system.
 *
 * What the receiver is known to hold decides what it is sent: nothing when its digest is the present one, a delta from
 * what it holds when that is smaller, a snapshot otherwise. The same rules serve leader to session and session to client.
 */

import type { Datum, Held, Update } from "./datum.ts";
import { sameDigest } from "./digest.ts";
import type { Filter } from "./filter.ts";
import { compareVersions, type Version } from "./version.ts";

export type Delivery =
  /** The receiver has asked for the datum, holding `held` or nothing, and is owed an answer even if that is no news. */
  | { readonly state: "asked"; readonly held: Held | undefined }
  /** The receiver has said it holds `held`, or something that we do not know. */
  | { readonly state: "idle"; readonly held: Held | undefined }
  /**
   * `sent` is on its way since `sentAt` (clock milliseconds), to one that said it held `base`; nothing else goes out until
   * its receipt.
   */
  | { readonly state: "sending"; readonly sent: Held; readonly base: Held | undefined; readonly sentAt: number };

/** A receiver's word on what it holds after an update. */
export interface Receipt {
  readonly held: Held;
  /** True when it could not use what it got and needs a snapshot. */
  readonly resync: boolean;
}

/** The delivery to a receiver that has just asked. */
export function deliveryTo(held: Held | undefined): Delivery {
  return { state: "asked", held };
}

/** Whether something should go out now. */
export function wantsUpdate(delivery: Delivery, datum: Datum): boolean {
  if (delivery.state === "sending") return false;
  const { held } = delivery;
  if (held === undefined) return true;
  if (sameDigest(held.digest, datum.digest)) return delivery.state === "asked";
  // A receiver that is ahead of us has heard a newer source; we will catch up with it.
  return compareVersions(held.version, datum.version) <= 0;
}

/**
 * Whether the receiver is known to hold the datum as it was at `version` or later. One whose content is the present one
 * does, whatever version it heard of last: what happened meanwhile did not concern it.
 */
export function hasBeenTold(delivery: Delivery, datum: Datum, version: Version): boolean {
  if (delivery.state === "sending" || delivery.held === undefined) return false;
  const { held } = delivery;
  return compareVersions(held.version, version) >= 0 || sameDigest(held.digest, datum.digest);
}

/**
 * What brings a receiver that holds `held` to the present content. `filter` names the view that `datum` is,
 * `confirmed` says whether the slot's leader vouches for it.
 */
export function updateFor(datum: Datum, held: Held | undefined, filter: Filter, confirmed: boolean): Update {
  return (held && datum.delta(held, filter, confirmed)) ?? datum.snapshot(filter, confirmed);
}

/** The state once the present content has been handed to the link. */
export function afterSending(datum: Datum, base: Held | undefined, now: number): Delivery {
  return { state: "sending", sent: datum.held, base, sentAt: now };
}

export function afterReceipt(delivery: Delivery, receipt: Receipt): Delivery {
  if (receipt.resync) return { state: "idle", held: undefined };
  // What was asked for is still owed; the receipt is for something that was sent before that.
  if (delivery.state === "asked") return delivery;
  const known = delivery.state === "sending" ? delivery.sent : delivery.held;
  // A receipt older than what is known was delayed or repeated, and says nothing new.
  if (known !== undefined && compareVersions(receipt.held.version, known.version) < 0) return delivery;
  // Of two that say the same ours is kept: all receivers of the datum have it in common.
  const isAsSent = delivery.state === "sending" && sameHeld(delivery.sent, receipt.held);
  return { state: "idle", held: isAsSent ? delivery.sent : receipt.held };
}

function sameHeld(a: Held, b: Held): boolean {
  return sameDigest(a.digest, b.digest) && compareVersions(a.version, b.version) === 0;
}

/**
 * Gives up on a receipt that has not come for `timeoutMs`: what the receiver holds is unknown again. Unless there was no
 * news in the update: then it holds the same content whether it got it or not, and is only told so again.
 */
export function afterSilence(delivery: Delivery, now: number, timeoutMs: number): Delivery {
  if (delivery.state !== "sending" || now - delivery.sentAt < timeoutMs) return delivery;
  const { base, sent } = delivery;
  if (base !== undefined && sameDigest(base.digest, sent.digest)) return { state: "asked", held: base };
  return { state: "idle", held: undefined };
}
