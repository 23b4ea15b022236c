import * as fc from "fast-check";
import { expect, test } from "vitest";
import { CLAIM_LOG_MAX, ChangeLog } from "../src/datums/change-log.ts";
import type { Claim } from "../src/datums/claim.ts";
import { ledSlot, word, writeFrom, KEYS } from "./slot-fixture.ts";

const CLAIMS = ["i-1", "i-2", "i-3", "i-4", "i-5"].map((instanceId): Claim => {
  const outcome = ledSlot()
    .obtain(KEYS[0]!)
    .merge(writeFrom(word("register", 1, { instanceId })), "s#1");
  if (outcome.kind !== "merged") throw new Error("a first word is merged");
  return outcome.claim;
});

const changes = fc.array(fc.record({ gap: fc.integer({ min: 1, max: 3 }), which: fc.nat(CLAIMS.length - 1) }), {
  maxLength: 30,
});

test("gives what changed after a point, each claim once, in the order of first change, up to a number of claims", () => {
  fc.assert(
    fc.property(fc.nat(20), changes, fc.nat(60), fc.integer({ min: 1, max: 6 }), (start, story, base, max) => {
      const log = new ChangeLog();
      log.clear(start);
      const all: { counter: number; claim: Claim }[] = [];
      let counter = start;
      for (const { gap, which } of story) {
        counter += gap;
        all.push({ counter, claim: CLAIMS[which]! });
        log.add(counter, CLAIMS[which]!);
      }
      const found = log.since(base, max);
      const later = all.filter((change) => change.counter > base);
      const taken = later.slice(0, fillsAt(later, max));
      const claims = new Set(taken.map(({ claim }) => claim));
      expect(found).toEqual(base < start ? undefined : { claims, counter: taken.at(-1)?.counter ?? base });
      expect([...(found?.claims ?? claims)]).toEqual([...claims]);
    }),
    { numRuns: 500 },
  );
});

/** How many changes it takes to have `max` claims. */
function fillsAt(later: readonly { readonly claim: Claim }[], max: number): number {
  const claims = new Set<Claim>();
  for (const [index, { claim }] of later.entries()) if (claims.add(claim).size === max) return index + 1;
  return later.length;
}

test("pieces of any size, one after the other, give everything", () => {
  fc.assert(
    fc.property(changes, fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1 }), (story, sizes) => {
      const log = new ChangeLog();
      for (const [index, { which }] of story.entries()) log.add(index + 1, CLAIMS[which]!);
      const found: Claim[] = [];
      let base = 0;
      for (let turn = 0; base < story.length; turn++) {
        const piece = log.since(base, sizes[turn % sizes.length]!)!;
        expect(piece.counter).toBeGreaterThan(base);
        found.push(...piece.claims);
        base = piece.counter;
      }
      expect(new Set(found)).toEqual(new Set(story.map(({ which }) => CLAIMS[which]!)));
      expect([...log.since(base, 9)!.claims]).toEqual([]);
    }),
  );
});

test("is bounded, reaches back at least as far as it says, and leaves nothing out as far as it does reach", () => {
  const service = ledSlot().obtain(KEYS[0]!);
  const log = new ChangeLog();
  for (let counter = 1; counter <= 5 * CLAIM_LOG_MAX; counter++) {
    const instanceId = `i-${counter}`;
    service.merge(writeFrom(word("register", 1, { instanceId })), "s#1");
    log.add(counter, service.find(instanceId, "c1")!);
    expect(log.since(Math.max(0, counter - CLAIM_LOG_MAX), 2)).toBeDefined();
    // Before the beginning nothing is known either.
    expect(log.since(counter - 2 * CLAIM_LOG_MAX - 1, 2)).toBeUndefined();
  }
  for (let base = 0; base <= 5 * CLAIM_LOG_MAX; base++) {
    const size = log.since(base, Infinity)?.claims.size ?? 0;
    expect([0, 5 * CLAIM_LOG_MAX - base]).toContain(size);
  }
});

test("that was cleared knows nothing of before", () => {
  const log = new ChangeLog();
  log.add(1, CLAIMS[0]!);
  log.clear(7);
  expect([log.since(6, 9), log.since(7, 9)]).toEqual([undefined, { claims: new Set(), counter: 7 }]);
});
