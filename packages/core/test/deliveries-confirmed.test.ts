/** What the slot's leader does not vouch for: who is shown it, and how they come to know that it is confirmed. */

import { describe, expect, test } from "vitest";
import { Datum, type Held } from "../src/datum.ts";
import { RECEIPT_TIMEOUT_MS } from "../src/deliveries.ts";
import { EMPTY_DIGEST } from "../src/digest.ts";
import { datumOf, KEY, version } from "./datum-fixture.ts";
import { receiver, updateOf } from "./deliveries-fixture.ts";

describe("what nobody vouches for", () => {
  const orders = datumOf("a", "b");

  /** The receiver follows orders, which are not confirmed. */
  function doubtful(held?: Held) {
    const given = receiver({});
    given.show("orders", orders, false);
    given.deliveries.follow("orders", "orders", held);
    return { ...given, confirmed: () => given.take().map((due) => due.confirmed) };
  }

  test("goes to who holds nothing, and is called so", () => {
    expect(doubtful().confirmed()).toEqual([false]);
  });

  test("does not go to who holds something confirmed, whatever it is: the answer waits", () => {
    for (const held of [orders.held, datumOf("a").held, datumOf("a", "b", "c").held]) {
      const { show, confirmed, deliveries } = doubtful(held);
      expect(confirmed()).toEqual([]);
      expect(deliveries.isSettled).toBe(true);
      show("orders", datumOf("a", "b", "c", "d"), false);
      expect(confirmed()).toEqual([]);
      show("orders", datumOf("a", "b", "c", "d"));
      expect(confirmed()).toEqual([true]);
    }
  });

  test("does not follow what was confirmed, even if it changes", () => {
    const { show, take, received, deliveries } = receiver({ orders });
    deliveries.follow("orders", "orders", undefined);
    expect(take()).toHaveLength(1);
    // Not even when the confirmed list may have been lost: it may also have arrived.
    show("orders", datumOf("a", "b", "c"), false);
    deliveries.sweep(RECEIPT_TIMEOUT_MS);
    expect(take()).toEqual([]);
    show("orders", datumOf("a", "b", "c"));
    expect(take()).toHaveLength(1);
    received("orders");
    show("orders", datumOf("a", "b", "c", "d"), false);
    expect(take()).toEqual([]);
  });

  test("is followed by what is newer, still unconfirmed", () => {
    const { show, confirmed, received } = doubtful();
    confirmed();
    received("orders");
    expect(confirmed()).toEqual([]);
    show("orders", datumOf("a", "b", "c"), false);
    expect(confirmed()).toEqual([false]);
  });

  test("is followed once by the word that it is confirmed, which holds no instances", () => {
    const { show, take, received } = doubtful();
    const copy = new Datum(KEY, version(0));
    expect(copy.apply(updateOf(take()[0]!))).toBe("applied");
    received("orders");
    show("orders", orders);
    const told = take();
    expect(told.map(updateOf)).toMatchObject([
      { confirmed: true, ...orders.held, baseDigest: orders.digest, instances: [], removedIds: [] },
    ]);
    // By its version it is no news.
    expect(copy.apply(updateOf(told[0]!))).toBe("older");
    received("orders");
    show("orders", orders);
    expect(take()).toEqual([]);
    show("orders", orders, false);
    expect(take()).toEqual([]);
  });

  test("is followed by that word also when it is confirmed while it is on its way", () => {
    const { show, confirmed, received, deliveries } = doubtful();
    expect(confirmed()).toEqual([false]);
    show("orders", orders);
    expect(confirmed()).toEqual([]);
    expect(deliveries.isSettled).toBe(false);
    received("orders");
    expect(confirmed()).toEqual([true]);
    received("orders");
    expect(confirmed()).toEqual([]);
    expect(deliveries.isSettled).toBe(true);
  });

  test("is followed by one update when it changes as it is confirmed", () => {
    const { show, take, received } = doubtful();
    take();
    received("orders");
    const more = datumOf("a", "b", "c");
    show("orders", more);
    expect(take().map(updateOf)).toMatchObject([{ confirmed: true, digest: more.digest }]);
    received("orders");
    expect(take()).toEqual([]);
  });

  test("and is lost goes out again, with the word if it has been confirmed meanwhile", () => {
    const { show, take, deliveries } = doubtful();
    take(0);
    deliveries.sweep(RECEIPT_TIMEOUT_MS);
    const again = take(RECEIPT_TIMEOUT_MS);
    expect(again.map(updateOf)).toMatchObject([{ confirmed: false, baseDigest: undefined }]);
    show("orders", orders);
    deliveries.sweep(2 * RECEIPT_TIMEOUT_MS);
    expect(take(2 * RECEIPT_TIMEOUT_MS).map(updateOf)).toMatchObject([{ confirmed: true, baseDigest: undefined }]);
  });

  test("is all that a receiver has that is ahead of us, until we catch up with it", () => {
    const behind = datumOf("a");
    const { show, take, deliveries } = receiver({ orders: behind });
    deliveries.follow("orders", "orders", undefined);
    expect(take().map(updateOf)).toMatchObject([{ confirmed: true, digest: behind.digest }]);
    // It has heard a newer source, which was not sure. What we said was no news to it.
    deliveries.receipt("orders", { held: orders.held, resync: false });
    expect(take()).toEqual([]);
    show("orders", orders);
    expect(take().map(updateOf)).toMatchObject([{ confirmed: true, instances: [], ...orders.held }]);
    deliveries.receipt("orders", { held: orders.held, resync: false });
    show("orders", orders);
    expect(take()).toEqual([]);
  });

  test("and was refused leaves the receiver with nothing, so that it goes there again", () => {
    const { confirmed, deliveries } = doubtful();
    expect(confirmed()).toEqual([false]);
    deliveries.receipt("orders", { held: { version: version(0), digest: EMPTY_DIGEST }, resync: true });
    expect(confirmed()).toEqual([false]);
  });
});

test("a confirmed list that was refused is followed by one nobody vouches for: the receiver holds nothing better", () => {
  const { show, take, deliveries } = receiver({ orders: datumOf("a") });
  deliveries.follow("orders", "orders", undefined);
  take();
  deliveries.receipt("orders", { held: { version: version(0), digest: EMPTY_DIGEST }, resync: true });
  show("orders", datumOf("a", "b"), false);
  expect(take().map(({ confirmed }) => confirmed)).toEqual([false]);
});
