/**
 * All deliveries to one receiver: which datums it follows, what it is known to hold of each, and which of them may have
 * news for it. Whoever owns the link to the receiver takes what is due when the link can carry it; until then changes
 * of a datum coalesce, so what waits here is bounded by what the receiver follows, however slow it is.
 */

import type { Datum, Held } from "./datum.ts";
import {
  afterReceipt,
  afterSending,
  afterSilence,
  deliveryTo,
  hasBeenTold,
  wantsUpdate,
  type Delivery,
  type Receipt,
} from "./delivery.ts";
import { sameDigest } from "./digest.ts";
import type { Version } from "./version.ts";

/** An update without a receipt for so long, in milliseconds, is taken for lost and followed by a snapshot. */
export const RECEIPT_TIMEOUT_MS = 2_000;

/** A datum as it may be shown, and whether the slot's leader vouches for it. */
export interface Shown {
  readonly datum: Datum;
  readonly confirmed: boolean;
}

/** One datum that the receiver follows. */
export interface Followed<Source> {
  readonly source: Source;
  delivery: Delivery;
  /** What the receiver has: nothing, a list nobody vouched for, or one that somebody did, which only such may replace. */
  has: "nothing" | "unconfirmed" | "confirmed";
  /** What it had before what is on its way, and keeps if it does not take that. */
  had: Followed<Source>["has"];
  /** There may be news for the receiver. */
  isDirty: boolean;
}

export interface Due<Source> extends Shown {
  readonly source: Source;
  /** What the receiver holds, to cut the update from. */
  readonly held: Held | undefined;
}

export class Deliveries<Source> {
  readonly #shownOf: (source: Source) => Shown | undefined;
  readonly #wake: () => void;
  readonly #mayGo: (source: Source) => boolean;
  readonly #followed = new Map<string, Followed<Source>>();
  /** In the order in which they became so. */
  #dirty: Followed<Source>[] = [];
  /** How many are on their way. */
  #sending = 0;

  /**
   * @param shownOf the datum as it may be shown now, or undefined while it may not
   * @param wake called when something may be due
   * @param mayGo whether anything may be sent of a datum now; who changes that says {@link allChanged}
   */
  constructor(
    shownOf: (source: Source) => Shown | undefined,
    wake: () => void,
    mayGo: (source: Source) => boolean = () => true,
  ) {
    this.#shownOf = shownOf;
    this.#wake = wake;
    this.#mayGo = mayGo;
  }

  get size(): number {
    return this.#followed.size;
  }

  get(id: string): Followed<Source> | undefined {
    return this.#followed.get(id);
  }

  ids(): IterableIterator<string> {
    return this.#followed.keys();
  }

  sources(): Source[] {
    return [...this.#followed.values()].map(({ source }) => source);
  }

  /**
   * The receiver asks for a datum, or asks again. It will be answered once in any case.
   * @param held what it holds of it that was confirmed; what was not counts as nothing
   */
  follow(id: string, source: Source, held: Held | undefined): Followed<Source> {
    const known = this.#followed.get(id);
    // What is on its way is the answer, unless it is a doubtful list for one that has a better one. Should it be lost,
    // its silence will show.
    if (known?.delivery.state === "sending" && (held === undefined || known.has === "confirmed")) return known;
    this.unfollow(id);
    const has = held === undefined ? "nothing" : "confirmed";
    const followed: Followed<Source> = { source, delivery: deliveryTo(held), has, had: has, isDirty: false };
    this.#followed.set(id, followed);
    this.changed(followed);
    return followed;
  }

  unfollow(id: string): Followed<Source> | undefined {
    const followed = this.#followed.get(id);
    if (followed === undefined) return undefined;
    this.#followed.delete(id);
    if (followed.delivery.state === "sending") this.#sending--;
    if (followed.isDirty) this.#dirty = this.#dirty.filter((other) => other !== followed);
    followed.isDirty = false;
    return followed;
  }

  /** The datum may have changed, or may be shown at last. */
  changed(followed: Followed<Source>): void {
    this.#mark(followed);
    this.#wake();
  }

  /** Whether the receiver holds the datum as of `version` or later, or has no interest in it. */
  hasBeenTold(id: string, version: Version): boolean {
    const followed = this.#followed.get(id);
    if (followed === undefined) return true;
    const shown = this.#shownOf(followed.source);
    return shown !== undefined && hasBeenTold(followed.delivery, shown.datum, version);
  }

  allChanged(): void {
    for (const followed of this.#followed.values()) this.#mark(followed);
    this.#wake();
  }

  /** Gives when the update was sent that this is the receipt of (clock milliseconds); undefined when it is of none. */
  receipt(id: string, receipt: Receipt): number | undefined {
    const followed = this.#followed.get(id);
    return followed && this.receiptOf(followed, receipt);
  }

  /** The same for one that is followed. */
  receiptOf(followed: Followed<Source>, receipt: Receipt): number | undefined {
    const { delivery } = followed;
    const next = afterReceipt(delivery, receipt);
    // A receiver that is ahead of us, or found what it got to be wrong, has kept what it had.
    const isTaken = delivery.state !== "sending" || sameDigest(receipt.held.digest, delivery.sent.digest);
    if (next !== delivery && !isTaken) followed.has = followed.had;
    this.#settle(followed, next);
    return delivery.state === "sending" && next !== delivery ? delivery.sentAt : undefined;
  }

  /** Whether anything is on its way, for {@link sweep} to look at. */
  get awaitsReceipts(): boolean {
    return this.#sending > 0;
  }

  /** Gives up on receipts that are overdue. Not to be called while the link is congested, which is slow and not lossy. */
  sweep(now: number): void {
    for (const followed of this.#followed.values())
      this.#settle(followed, afterSilence(followed.delivery, now, RECEIPT_TIMEOUT_MS));
  }

  /** Whether anything may be due. */
  get hasChanged(): boolean {
    return this.#dirty.length > 0;
  }

  /** Takes what is due, counting each as sent at `now`. Whoever stops in between finds the rest due next time. */
  *due(now: number): IterableIterator<Due<Source>> {
    const dirty = this.#dirty;
    this.#dirty = [];
    let taken = 0;
    try {
      while (taken < dirty.length) {
        const followed = dirty[taken++]!;
        // It may have been unfollowed by whoever got the one before.
        const due = followed.isDirty ? this.#take(followed, now) : undefined;
        followed.isDirty = false;
        if (due !== undefined) yield due;
      }
    } finally {
      if (taken < dirty.length) this.#dirty = [...dirty.slice(taken).filter(({ isDirty }) => isDirty), ...this.#dirty];
    }
  }

  #take(followed: Followed<Source>, now: number): Due<Source> | undefined {
    const { source, delivery } = followed;
    if (delivery.state === "sending" || !this.#mayGo(source)) return undefined;
    const shown = this.#shownOf(source);
    if (shown === undefined || !isOwed(followed, shown)) return undefined;
    const { datum, confirmed } = shown;
    followed.delivery = afterSending(datum, delivery.held, now);
    followed.had = followed.has;
    followed.has = confirmed ? "confirmed" : "unconfirmed";
    this.#sending++;
    return { source, datum, confirmed, held: delivery.held };
  }

  /** True when every receiver has what there is to show, as far as is known. */
  get isSettled(): boolean {
    return this.#sending === 0 && this.#dirty.length === 0;
  }

  /** Of those of which nothing may be sent now: how many the receiver is owed. */
  get held(): number {
    let held = 0;
    for (const followed of this.#followed.values()) {
      if (followed.delivery.state === "sending" || this.#mayGo(followed.source)) continue;
      const shown = this.#shownOf(followed.source);
      if (shown !== undefined && isOwed(followed, shown)) held++;
    }
    return held;
  }

  /** What the receiver is known to hold that was confirmed, for a comparison with what it holds in truth. */
  *holdings(): IterableIterator<{ readonly source: Source; readonly held: Held }> {
    for (const { source, delivery, has } of this.#followed.values())
      if (delivery.state === "idle" && delivery.held !== undefined && has === "confirmed")
        yield { source, held: delivery.held };
  }

  #mark(followed: Followed<Source>): void {
    if (followed.isDirty) return;
    followed.isDirty = true;
    this.#dirty.push(followed);
  }

  /** @param delivery not on its way, unless it is as before */
  #settle(followed: Followed<Source>, delivery: Delivery): void {
    if (delivery === followed.delivery) return;
    if (followed.delivery.state === "sending") this.#sending--;
    followed.delivery = delivery;
    const shown = this.#shownOf(followed.source);
    // Most receipts leave nothing to be sent, and the link is not woken for them.
    if (shown !== undefined && isOwed(followed, shown)) this.changed(followed);
  }
}

/** A confirmed list is replaced by nothing less; one that was not confirmed is followed by the word that it is. */
function isOwed({ has, delivery }: Followed<unknown>, { datum, confirmed }: Shown): boolean {
  if (wantsUpdate(delivery, datum)) return confirmed || has !== "confirmed";
  // To a receiver that is ahead of us with another list the word would be about ours, which it does not take.
  return confirmed && has !== "confirmed" && delivery.state !== "sending" && hasContentOf(delivery, datum);
}

function hasContentOf({ held }: { readonly held: Held | undefined }, datum: Datum): boolean {
  return held !== undefined && sameDigest(held.digest, datum.digest);
}
