import { expect, test } from "vitest";
import type { Claim } from "../src/datums/registered-service.ts";
import { TOMBSTONE_MS, Tombstones } from "../src/datums/tombstones.ts";

const removed = (counter = 1): Claim => ({
  service: undefined as never,
  instanceId: "i-1",
  clientId: "c",
  version: { incarnation: 1, counter },
  removed: true,
  presumed: false,
  bytes: new Uint8Array(0),
  session: "s#1",
  leaseMs: 0,
});

test("a removal is remembered for its time and then let go, in the order of removals", () => {
  const tombstones = new Tombstones();
  const [first, second] = [removed(), removed()];
  tombstones.add(first, 0);
  tombstones.add(second, 100);
  expect(tombstones.expire(TOMBSTONE_MS - 1)).toEqual([]);
  expect(tombstones.expire(TOMBSTONE_MS)).toEqual([first]);
  expect(tombstones.expire(TOMBSTONE_MS + 100)).toEqual([second]);
  expect(tombstones.expire(10 * TOMBSTONE_MS)).toEqual([]);
});

test("a claim that has come back is no tombstone", () => {
  const tombstones = new Tombstones();
  const claim = removed();
  tombstones.add(claim, 0);
  claim.removed = false;
  expect(tombstones.expire(TOMBSTONE_MS)).toEqual([]);
});

test("a claim that came back and was removed again is remembered from then on", () => {
  const tombstones = new Tombstones();
  const claim = removed(1);
  tombstones.add(claim, 0);
  claim.removed = false;
  claim.version = { incarnation: 1, counter: 2 };
  claim.removed = true;
  tombstones.add(claim, 170_000);
  expect(tombstones.expire(TOMBSTONE_MS)).toEqual([]);
  expect(tombstones.expire(170_000 + TOMBSTONE_MS)).toEqual([claim]);
});

test("many of them end each in its turn", () => {
  const tombstones = new Tombstones();
  const claims = Array.from({ length: 5_000 }, () => removed());
  for (const [index, claim] of claims.entries()) tombstones.add(claim, index);
  const ended: Claim[] = [];
  for (let now = TOMBSTONE_MS; now < TOMBSTONE_MS + 5_000; now += 100) ended.push(...tombstones.expire(now));
  expect(ended).toHaveLength(4_901);
  expect(ended.every((claim, index) => claim === claims[index])).toBe(true);
});
