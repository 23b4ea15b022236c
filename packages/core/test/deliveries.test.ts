import { describe, expect, test } from "vitest";
import { RECEIPT_TIMEOUT_MS, type Deliveries } from "../src/deliveries.ts";
import { contentOf, datumOf, instance, version } from "./datum-fixture.ts";
import { receiver, updateOf } from "./deliveries-fixture.ts";

test("who asks is answered once, even with nothing new", () => {
  const orders = datumOf("a");
  const { deliveries, due, received, wakes } = receiver({ orders });
  deliveries.follow("orders", "orders", orders.held);
  expect(wakes()).toBe(1);
  expect(due()).toEqual([["orders", 1]]);
  received("orders");
  expect(due()).toEqual([]);
});

test("changes coalesce until the receipt, which wakes whoever owns the link", () => {
  const orders = datumOf("a");
  const { deliveries, due, received, wakes } = receiver({ orders });
  const followed = deliveries.follow("orders", "orders", undefined);
  expect(due()).toEqual([["orders", undefined]]);
  const sent = orders.held;
  for (const counter of [2, 3]) {
    orders.put(instance("b", String(counter)), version(counter));
    deliveries.changed(followed);
  }
  expect(due()).toEqual([]);
  const before = wakes();
  deliveries.receipt("orders", { held: sent, resync: false });
  expect(wakes()).toBe(before + 1);
  expect(due()).toEqual([["orders", 1]]);
  received("orders");
  expect(due()).toEqual([]);
});

test("what may not be shown yet is due when it may", () => {
  const { show, deliveries, due } = receiver({});
  deliveries.follow("orders", "orders", undefined);
  expect(due()).toEqual([]);
  show("orders", datumOf("a"));
  expect(due()).toEqual([["orders", undefined]]);
});

test.each([
  { what: "news", held: undefined },
  { what: "the word that there is no news, which is said again", held: datumOf("a").held },
])("an overdue receipt of $what is followed by what was sent, not earlier", ({ held }) => {
  const orders = datumOf("a");
  const { deliveries, due } = receiver({ orders });
  deliveries.follow("orders", "orders", held);
  expect(due(100)).toHaveLength(1);
  deliveries.sweep(100 + RECEIPT_TIMEOUT_MS - 1);
  expect(due(100 + RECEIPT_TIMEOUT_MS - 1)).toEqual([]);
  deliveries.sweep(100 + RECEIPT_TIMEOUT_MS);
  expect(due(100 + RECEIPT_TIMEOUT_MS)).toEqual([["orders", held?.version.counter]]);
});

test("what is no longer followed is no longer due, and a receipt for it says nothing", () => {
  const { deliveries, due, received } = receiver({ orders: datumOf("a") });
  deliveries.follow("orders", "orders", undefined);
  expect(deliveries.size).toBe(1);
  deliveries.unfollow("orders");
  received("orders");
  expect(due()).toEqual([]);
  expect([deliveries.size, deliveries.sources(), deliveries.get("orders")]).toEqual([0, [], undefined]);
});

test("asking again while the answer is on its way gets no second one, unless the first is lost", () => {
  const orders = datumOf("a");
  const { deliveries, due } = receiver({ orders });
  deliveries.follow("orders", "orders", undefined);
  expect(due()).toHaveLength(1);
  deliveries.follow("orders", "orders", undefined);
  expect(due()).toEqual([]);
  deliveries.sweep(60_000);
  expect(due()).toEqual([["orders", undefined]]);
});

test("one slow datum does not hold up another", () => {
  const [orders, payments] = [datumOf("a"), datumOf("a")];
  const { deliveries, due, received } = receiver({ orders, payments });
  for (const name of ["orders", "payments"]) deliveries.follow(name, name, undefined);
  expect(due()).toEqual([
    ["orders", undefined],
    ["payments", undefined],
  ]);
  received("payments");
  payments.put(instance("b"), version(2));
  deliveries.allChanged();
  expect(due()).toEqual([["payments", 1]]);
});

test("who turns out to hold something else at the present version is sent a snapshot, and then no more", () => {
  const orders = datumOf("a", "b", "c", "d", "e", "f");
  const copy = datumOf("a", "b", "c", "d", "e", "x");
  const { deliveries, take } = receiver({ orders });
  deliveries.follow("orders", "orders", copy.held);
  const repairs = take().map(updateOf);
  expect(repairs).toMatchObject([{ version: copy.version, baseDigest: undefined }]);
  // As the copy was before it came, say because the receipt was for something earlier: it is repaired once more.
  deliveries.receipt("orders", { held: copy.held, resync: false });
  expect(take().map(updateOf)).toEqual(repairs);
  expect(copy.apply(repairs[0]!)).toBe("applied");
  expect(contentOf(copy)).toEqual(contentOf(orders));
  deliveries.receipt("orders", { held: copy.held, resync: false });
  expect(take()).toEqual([]);
});

describe("all is settled", () => {
  const orders = datumOf("a");

  test("by a receipt, for which the link is woken only when there is more to send", () => {
    const { deliveries, take, received, show, wakes } = receiver({ orders });
    deliveries.follow("orders", "orders", undefined);
    take();
    const before = wakes();
    received("orders");
    expect([deliveries.isSettled, wakes() - before]).toEqual([true, 0]);
    const sent = datumOf("a", "b");
    show("orders", sent);
    take();
    const held = { ...sent.held };
    show("orders", datumOf("a", "b", "c"));
    take();
    const woken = wakes();
    deliveries.receipt("orders", { held, resync: false });
    expect([deliveries.isSettled, wakes() - woken]).toEqual([false, 1]);
  });

  test("when nothing is due and nothing on its way", () => {
    const { deliveries, take, received, show } = receiver({ orders });
    expect(deliveries.isSettled).toBe(true);
    const followed = deliveries.follow("orders", "orders", undefined);
    expect(deliveries.isSettled).toBe(false);
    take();
    expect(deliveries.isSettled).toBe(false);
    received("orders");
    expect(deliveries.isSettled).toBe(true);
    expect(take()).toEqual([]);
    deliveries.changed(followed);
    expect(deliveries.isSettled).toBe(false);
    show("orders", datumOf("a", "b"));
    take();
    deliveries.unfollow("orders");
    expect(deliveries.isSettled).toBe(true);
  });

  test("not before the last has been taken, though its owner stopped in between", () => {
    const { deliveries, take } = receiver({ orders, payments: datumOf("a") });
    for (const name of ["orders", "payments"]) deliveries.follow(name, name, undefined);
    for (const { source } of deliveries.due(0)) {
      expect(source).toBe("orders");
      break;
    }
    deliveries.unfollow("orders");
    expect(deliveries.isSettled).toBe(false);
    expect(take().map(({ source }) => source)).toEqual(["payments"]);
  });
});

describe("what the receiver is known to hold", () => {
  const orders = datumOf("a", "b");
  const holdings = (deliveries: Deliveries<string>) =>
    [...deliveries.holdings()].map(({ source, held }) => [source, held]);

  test("is what it has said after the last update", () => {
    const { deliveries, take, received, show } = receiver({ orders });
    deliveries.follow("orders", "orders", datumOf("a").held);
    expect(holdings(deliveries)).toEqual([]);
    take();
    expect(holdings(deliveries)).toEqual([]);
    received("orders");
    expect(holdings(deliveries)).toEqual([["orders", orders.held]]);
    const [more, payments] = [datumOf("a", "b", "c"), datumOf("p")];
    show("orders", more);
    show("payments", payments);
    deliveries.follow("payments", "payments", undefined);
    take();
    received("payments");
    expect(holdings(deliveries)).toEqual([["payments", payments.held]]);
    received("orders");
    expect(holdings(deliveries)).toEqual([
      ["orders", more.held],
      ["payments", payments.held],
    ]);
    deliveries.unfollow("payments");
    expect(holdings(deliveries)).toEqual([["orders", more.held]]);
  });

  test("is nothing of what was lost or could not be used", () => {
    const { deliveries, take } = receiver({ orders });
    deliveries.follow("orders", "orders", undefined);
    take();
    deliveries.sweep(RECEIPT_TIMEOUT_MS);
    expect(holdings(deliveries)).toEqual([]);
    take();
    deliveries.receipt("orders", { held: orders.held, resync: true });
    expect(holdings(deliveries)).toEqual([]);
  });

  test("is nothing that was not confirmed: the receiver does not count that either", () => {
    const { deliveries, take, received, show } = receiver({});
    show("orders", orders, false);
    deliveries.follow("orders", "orders", undefined);
    expect(deliveries.get("orders")?.has).toBe("nothing");
    take();
    received("orders");
    take();
    expect(deliveries.isSettled).toBe(true);
    expect(deliveries.get("orders")?.has).toBe("unconfirmed");
    expect(holdings(deliveries)).toEqual([]);
    show("orders", orders);
    take();
    received("orders");
    expect(deliveries.get("orders")?.has).toBe("confirmed");
    expect(holdings(deliveries)).toEqual([["orders", orders.held]]);
  });
});
