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
  wantsUpdate,
  type Delivery,
  type Receipt,
} from "./delivery.ts";

/** An update without a receipt for so long, in milliseconds, is taken for lost and followed by a snapshot. */
export const RECEIPT_TIMEOUT_MS = 2_000;

/** One datum that the receiver follows. */
export interface Followed<Source> {
  readonly source: Source;
  delivery: Delivery;
}

export interface Due<Source> {
  readonly source: Source;
  readonly datum: Datum;
  /** What the receiver holds, to cut the update from. */
  readonly held: Held | undefined;
}

export class Deliveries<Source> {
  readonly #datumOf: (source: Source) => Datum | undefined;
  readonly #wake: () => void;
  readonly #followed = new Map<string, Followed<Source>>();
  readonly #sending = new Set<Followed<Source>>();
  readonly #dirty = new Set<Followed<Source>>();

  /**
   * @param datumOf the datum as it may be shown now, or undefined while it may not
   * @param wake called when something may be due
   */
  constructor(datumOf: (source: Source) => Datum | undefined, wake: () => void) {
    this.#datumOf = datumOf;
    this.#wake = wake;
  }

  get size(): number {
    return this.#followed.size;
  }

  get(id: string): Followed<Source> | undefined {
    return this.#followed.get(id);
  }

  sources(): Source[] {
    return [...this.#followed.values()].map(({ source }) => source);
  }

  /** The receiver asks for a datum, or asks again, and holds `held` of it. It will be answered once in any case. */
  follow(id: string, source: Source, held: Held | undefined): Followed<Source> {
    this.unfollow(id);
    const followed: Followed<Source> = { source, delivery: deliveryTo(held) };
    this.#followed.set(id, followed);
    this.changed(followed);
    return followed;
  }

  unfollow(id: string): Followed<Source> | undefined {
    const followed = this.#followed.get(id);
    if (followed === undefined) return undefined;
    this.#followed.delete(id);
    this.#sending.delete(followed);
    this.#dirty.delete(followed);
    return followed;
  }

  /** The datum may have changed, or may be shown at last. */
  changed(followed: Followed<Source>): void {
    this.#dirty.add(followed);
    this.#wake();
  }

  allChanged(): void {
    for (const followed of this.#followed.values()) this.#dirty.add(followed);
    this.#wake();
  }

  receipt(id: string, receipt: Receipt): void {
    const followed = this.#followed.get(id);
    if (followed !== undefined) this.#settle(followed, afterReceipt(followed.delivery, receipt));
  }

  /** Gives up on receipts that are overdue. Not to be called while the link is congested, which is slow and not lossy. */
  sweep(now: number): void {
    for (const followed of this.#sending)
      this.#settle(followed, afterSilence(followed.delivery, now, RECEIPT_TIMEOUT_MS));
  }

  /** Takes what is due, counting each as sent at `now`. Whoever stops in between finds the rest due next time. */
  *due(now: number): IterableIterator<Due<Source>> {
    for (const followed of this.#dirty) {
      this.#dirty.delete(followed);
      const datum = this.#datumOf(followed.source);
      if (datum === undefined || followed.delivery.state === "sending" || !wantsUpdate(followed.delivery, datum))
        continue;
      const { held } = followed.delivery;
      followed.delivery = afterSending(datum, now);
      this.#sending.add(followed);
      yield { source: followed.source, datum, held };
    }
  }

  #settle(followed: Followed<Source>, delivery: Delivery): void {
    if (delivery === followed.delivery) return;
    followed.delivery = delivery;
    if (delivery.state === "sending") return;
    this.#sending.delete(followed);
    this.changed(followed);
  }
}
