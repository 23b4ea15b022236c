import { RegistryError, type Update } from "@rollcall/core";
import { describe, expect, test } from "vitest";

import { FakeDatum, eventsOf, ids, world } from "./fake-session.ts";

const unconfirmed = (update: Update): Update => ({ ...update, confirmed: false });

/** A client that shows a confirmed list of one. */
async function showing(heldBackMaxMs = 10_000) {
  const { client, session, run } = world();
  const own = client({ heldBackMaxMs });
  const [began, overdue] = [eventsOf(own, "heldBack"), eventsOf(own, "heldTooLong")];
  const subscription = own.subscribe("orders");
  await run();
  const orders = new FakeDatum().put("a");
  session.push(orders.snapshot());
  await run();
  return { own, session, run, began, overdue, subscription, orders };
}

describe("a list that the registry does not vouch for any more", () => {
  test.each([
    { because: "empty", says: (orders: FakeDatum) => orders.remove("a") },
    { because: "unconfirmed", says: (orders: FakeDatum) => orders.put("b") },
  ])("stays confirmed for a while when what comes is $because, and says so afterwards", async ({ because, says }) => {
    const { own, session, run, began, overdue, subscription, orders } = await showing();
    says(orders);
    session.push(unconfirmed(orders.snapshot()));
    await run(9_000);
    session.push(unconfirmed(orders.snapshot()));
    await run();
    expect([ids(subscription.current()), subscription.current()?.confirmed]).toEqual([["a"], true]);
    expect(began).toMatchObject([{ because, service: { service: "orders" } }]);
    expect(own.heldBack).toEqual({ now: 1, begun: 1, overdue: 0 });
    await run(1_000);
    expect([ids(subscription.current()), subscription.current()?.confirmed]).toEqual([["a"], false]);
    expect(overdue).toMatchObject([{ because, service: { service: "orders" } }]);
    expect(own.heldBack).toEqual({ now: 1, begun: 1, overdue: 1 });
  });

  test("is replaced by the next one that is confirmed, and then by an empty one, too", async () => {
    const { own, session, run, subscription, orders } = await showing();
    orders.remove("a");
    session.push(unconfirmed(orders.snapshot()));
    await run(20_000);
    session.push(orders.snapshot());
    await run();
    expect(subscription.current()).toMatchObject({ instances: [], confirmed: true });
    expect(own.heldBack).toMatchObject({ now: 0, overdue: 1 });
  });

  test("is confirmed again by the word that nothing has changed", async () => {
    const { session, run, subscription, orders } = await showing();
    session.push(unconfirmed(orders.put("b").snapshot()));
    await run(20_000);
    expect(subscription.current()?.confirmed).toBe(false);
    session.push(orders.remove("b").snapshot());
    await run();
    expect([ids(subscription.current()), subscription.current()?.confirmed]).toEqual([["a"], true]);
  });

  test("counts as confirmed for as long when there is no connection", async () => {
    const { session, run, began, overdue, subscription, orders } = await showing();
    session.greets = false;
    session.close(new RegistryError("unavailable", "gone"));
    await run(9_000);
    expect([began.length, subscription.current()?.confirmed]).toEqual([1, true]);
    await run(1_500);
    expect([ids(subscription.current()), subscription.current()?.confirmed]).toEqual([["a"], false]);
    expect(overdue).toMatchObject([{ because: "disconnected" }]);
    session.greets = true;
    await run(30_000);
    session.push(orders.advance().snapshot());
    await run();
    expect(subscription.current()?.confirmed).toBe(true);
  });

  test("is nobody's business any more once the subscription is closed", async () => {
    const { own, session, run, overdue, subscription, orders } = await showing();
    session.push(unconfirmed(orders.remove("a").snapshot()));
    await run();
    subscription.close();
    await run(60_000);
    expect([overdue, own.heldBack.now]).toEqual([[], 0]);
  });
});
