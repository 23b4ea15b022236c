import { EMPTY_DIGEST, epoch, traceparentFromText } from "@rollcall/core";
import { expect, test } from "vitest";
import { session } from "./cluster-fixture.ts";
import { ORDERS, startStorage } from "./storage-fixture.ts";

const context = (span: number) => traceparentFromText(`00-${"1".repeat(32)}-${String(span).repeat(16)}-01`)!;

/** Two sessions, the first of which has confirmed that there are no orders yet. */
async function startFollowed() {
  const { clock, link } = startStorage();
  const [a, b] = [link(session("a")), link(session("b"))];
  await a.confirm(await a.follow());
  return { clock, link, a, b };
}

test("a notification brings the context of the change, and its age, which is none when it leaves at once", async () => {
  const { a, b } = await startFollowed();
  await b.writes(b.write("register", "i-1", 1, { traceparent: context(1) }));
  expect(a.notifications(await a.heard())).toMatchObject([{ origin: { traceparent: context(1), ageUs: 0 } }]);
});

test("what waited for a receipt is as old as its newest change, and half the way there and back is added", async () => {
  const { clock, a, b } = await startFollowed();
  await b.writes(b.write("register", "i-1", 1));
  const first = a.notifications(await a.heard());
  await clock.runFor(10);
  await b.writes(b.write("register", "i-2", 1, { traceparent: context(1) }), b.write("register", "i-3", 1));
  await clock.runFor(10);
  // The answer to its interest was confirmed at once, so the shortest way there and back is none.
  expect(a.notifications(await a.confirm(first))).toMatchObject([
    { origin: { traceparent: context(1), ageUs: 10_000 } },
  ]);
});

test("half of the shortest way there and back counts as the way there", async () => {
  const { clock, link } = startStorage();
  const [a, b] = [link(session("a")), link(session("b"))];
  const first = await a.follow();
  await clock.runFor(8);
  await a.confirm(first);
  await b.writes(b.write("register", "i-1", 1));
  expect(a.notifications(await a.heard())[0]!.origin).toEqual({ traceparent: undefined, ageUs: 4_000 });
});

test("a first answer is no change, however new the service", async () => {
  const { a, b, link } = await startFollowed();
  await b.writes(b.write("register", "i-1", 1, { traceparent: context(1) }));
  expect((await link(session("c")).follow())[0]!.origin).toBeUndefined();
  expect(a.notifications(await a.heard())[0]!.origin).toBeDefined();
});

test("a session that comes back with an older list is told how long it has missed the change", async () => {
  const { clock, b, link } = await startFollowed();
  await b.writes(b.write("register", "i-1", 1));
  await clock.runFor(3_000);
  const before = { version: { epoch: epoch(1), counter: 0 }, digest: EMPTY_DIGEST };
  const [update] = await link(session("c")).follow(ORDERS, before);
  expect(update!.origin?.ageUs).toBe(3_000_000);
});

test("the end of a lease is a change of its own, in no trace", async () => {
  const { clock, a, b } = await startFollowed();
  await b.writes(b.write("register", "i-1", 1, { clientId: "", leaseMs: 1_000, traceparent: context(1) }));
  await a.confirm(a.notifications(await a.heard()));
  await clock.runFor(2_000);
  const ended = a.notifications(await a.heard());
  expect(ended).toMatchObject([{ removedIds: ["i-1"] }]);
  expect(ended[0]!.origin?.traceparent).toBeUndefined();
  expect(ended[0]!.origin?.ageUs).toBe(0);
});
