import { expect, test } from "vitest";
import type { Datum } from "../src/datum.ts";
import { Deliveries, RECEIPT_TIMEOUT_MS } from "../src/deliveries.ts";
import { datumOf, instance, version } from "./datum-fixture.ts";

/** A receiver that follows datums by name; those not in the map may not be shown. */
function receiver(datums: Record<string, Datum>) {
  const shown = new Map(Object.entries(datums));
  let wakes = 0;
  const deliveries = new Deliveries<string>(
    (name) => shown.get(name),
    () => void wakes++,
  );
  return {
    shown,
    deliveries,
    wakes: () => wakes,
    due: (now = 0) => [...deliveries.due(now)].map(({ source, held }) => [source, held?.version.counter]),
    received: (name: string) => deliveries.receipt(name, { held: shown.get(name)!.held, resync: false }),
  };
}

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
  const { shown, deliveries, due } = receiver({});
  deliveries.follow("orders", "orders", undefined);
  expect(due()).toEqual([]);
  shown.set("orders", datumOf("a"));
  deliveries.allChanged();
  expect(due()).toEqual([["orders", undefined]]);
});

test("an overdue receipt is followed by a snapshot, not earlier", () => {
  const orders = datumOf("a");
  const { deliveries, due } = receiver({ orders });
  deliveries.follow("orders", "orders", orders.held);
  expect(due(100)).toHaveLength(1);
  deliveries.sweep(100 + RECEIPT_TIMEOUT_MS - 1);
  expect(due(100 + RECEIPT_TIMEOUT_MS - 1)).toEqual([]);
  deliveries.sweep(100 + RECEIPT_TIMEOUT_MS);
  expect(due(100 + RECEIPT_TIMEOUT_MS)).toEqual([["orders", undefined]]);
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

test("asking again begins anew, whatever was on its way", () => {
  const orders = datumOf("a");
  const { deliveries, due } = receiver({ orders });
  deliveries.follow("orders", "orders", undefined);
  expect(due()).toHaveLength(1);
  deliveries.follow("orders", "orders", undefined);
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
