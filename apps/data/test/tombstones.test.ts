import { expect, test } from "vitest";
import type { Claim } from "../src/datums/claim.ts";
import { TOMBSTONE_MS, Tombstones } from "../src/datums/tombstones.ts";
import { KEYS, ledSlot, word, writeFrom } from "./slot-fixture.ts";

/** A service, and what its clients say of it: the claim that comes of it. */
function saying() {
  const service = ledSlot().obtain(KEYS[0]!);
  return (kind: "register" | "unregister", counter = 1, instanceId = "i-1"): Claim => {
    service.merge(writeFrom(word(kind, counter, { instanceId })), "s#1");
    return service.find(instanceId, "c1")!;
  };
}

test("a removal is remembered for its time and then let go, in the order of removals", () => {
  const tombstones = new Tombstones();
  const say = saying();
  const [first, second] = [say("unregister"), say("unregister", 1, "i-2")];
  tombstones.add(first, 0);
  tombstones.add(second, 100);
  expect(tombstones.expire(TOMBSTONE_MS - 1)).toEqual([]);
  expect(tombstones.expire(TOMBSTONE_MS)).toEqual([first]);
  expect(tombstones.expire(TOMBSTONE_MS + 100)).toEqual([second]);
  expect(tombstones.expire(10 * TOMBSTONE_MS)).toEqual([]);
});

test("a claim that has come back is no tombstone", () => {
  const tombstones = new Tombstones();
  const say = saying();
  tombstones.add(say("unregister"), 0);
  say("register", 2);
  expect(tombstones.expire(TOMBSTONE_MS)).toEqual([]);
});

test("a claim that came back and was removed again is remembered from then on", () => {
  const tombstones = new Tombstones();
  const say = saying();
  tombstones.add(say("unregister"), 0);
  say("register", 2);
  const again = say("unregister", 3);
  tombstones.add(again, 170_000);
  expect(tombstones.expire(TOMBSTONE_MS)).toEqual([]);
  expect(tombstones.expire(170_000 + TOMBSTONE_MS)).toEqual([again]);
});

test("also when it was only presumed to be gone, came back with the same word, and was then removed", () => {
  const tombstones = new Tombstones();
  const say = saying();
  const claim = say("register");
  claim.service.end(claim, true);
  tombstones.add(claim, 0);
  say("register");
  expect(claim.removed).toBe(false);
  tombstones.add(say("unregister"), 170_000);
  expect(tombstones.expire(TOMBSTONE_MS)).toEqual([]);
  expect(tombstones.expire(170_000 + TOMBSTONE_MS)).toEqual([claim]);
});

test("a claim that comes and goes without end takes the room of few, and ends in its turn", () => {
  const tombstones = new Tombstones();
  const say = saying();
  const [other, flapping] = [say("unregister", 1, "i-2"), say("unregister")];
  tombstones.add(other, 0);
  for (let now = 0; now < 20_000; now++) {
    tombstones.add(flapping, now);
    expect(tombstones.size).toBeLessThan(3_000);
  }
  expect(tombstones.expire(TOMBSTONE_MS + 10_000)).toEqual([other]);
  expect(tombstones.expire(TOMBSTONE_MS + 19_999)).toEqual([flapping]);
  expect(tombstones.size).toBe(0);
});

test("many of them end each in its turn", () => {
  const tombstones = new Tombstones();
  const say = saying();
  const claims = Array.from({ length: 5_000 }, (_, index) => say("unregister", 1, `i-${index}`));
  for (const [index, claim] of claims.entries()) tombstones.add(claim, index);
  const ended: Claim[] = [];
  for (let now = TOMBSTONE_MS; now < TOMBSTONE_MS + 5_000; now += 100) ended.push(...tombstones.expire(now));
  expect(ended).toHaveLength(4_901);
  expect(ended.every((claim, index) => claim === claims[index])).toBe(true);
});
