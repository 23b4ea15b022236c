import { EMPTY_DIGEST, sameDigest } from "@rollcall/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Claim } from "../src/datums/claim.ts";
import { SessionSums, differ, digestOfClaims } from "../src/datums/session-sums.ts";
import { SESSIONS, happenings, ledSlot, slotAfter, sumBySession, word, writeFrom, type Word } from "./slot-fixture.ts";

/** The claims that come of one word each, by the session that said it. */
function claimsOf(...said: readonly (readonly [string, Word])[]): Claim[] {
  const content = ledSlot();
  for (const [session, each] of said) content.obtain(each.key).merge(writeFrom(each), session);
  return [...content.claims()];
}

const sumsOf = (claims: Iterable<Claim>): SessionSums => {
  const sums = new SessionSums();
  for (const claim of claims) sums.add(claim);
  return sums;
};

const stories = fc.array(happenings, { maxLength: 30 });

test("do not depend on the order, and what is taken out again leaves nothing", () => {
  fc.assert(
    fc.property(
      stories.chain((story) => {
        const claims = [...slotAfter(story).claims()];
        return fc.tuple(
          fc.constant(claims),
          fc.shuffledSubarray(claims, { minLength: claims.length }),
          fc.subarray(claims),
        );
      }),
      ([claims, shuffled, some]) => {
        const [one, other] = [sumsOf(claims), sumsOf(shuffled)];
        expect(other.digest).toEqual(one.digest);
        expect(one.digest).toEqual(sumBySession(claims));
        for (const claim of some) other.remove(claim);
        expect(other.digest).toEqual(sumBySession(claims.filter((claim) => !some.includes(claim))));
        for (const claim of claims) one.remove(claim);
        expect([one.digest, one.isEmpty, [...one.sessions()]]).toEqual([EMPTY_DIGEST, true, []]);
        for (const session of SESSIONS) expect(one.connectionsOf(session)).toEqual(EMPTY_DIGEST);
      },
    ),
  );
});

describe("tell apart", () => {
  const first = word("register", 1);
  const second = word("register", 1, { instanceId: "i-2" });
  type Said = readonly (readonly [string, Word])[];
  const apart: readonly { what: string; a: Said; b: Said }[] = [
    { what: "who holds it", a: [["s#1", first]], b: [["t#1", first]] },
    {
      what: "two that hold each other's",
      a: [
        ["s#1", first],
        ["t#1", second],
      ],
      b: [
        ["s#1", second],
        ["t#1", first],
      ],
    },
    { what: "the version", a: [["s#1", first]], b: [["s#1", { ...first, counter: 2 }]] },
    { what: "the incarnation", a: [["s#1", first]], b: [["s#1", { ...first, incarnation: 2 }]] },
    { what: "the client", a: [["s#1", first]], b: [["s#1", { ...first, client: "c2" }]] },
    {
      what: "one more",
      a: [["s#1", first]],
      b: [
        ["s#1", first],
        ["s#1", second],
      ],
    },
    { what: "that there is something", a: [], b: [["s#1", first]] },
  ];

  test.each(apart)("$what", ({ a, b }) => {
    expect(sameDigest(sumsOf(claimsOf(...a)).digest, sumsOf(claimsOf(...b)).digest)).toBe(false);
  });
});

describe("of what a session holds with connections", () => {
  const held = word("register", 1);
  const leased = word("register", 1, { client: "", leaseMs: 5_000 });
  const gone = word("unregister", 1, { instanceId: "i-2" });

  test("have neither leases nor removals in them, while the sum of everything has the leases", () => {
    const [alone, all] = [
      sumsOf(claimsOf(["s#1", held])),
      sumsOf(claimsOf(["s#1", held], ["s#1", leased], ["s#1", gone])),
    ];
    expect(all.connectionsOf("s#1")).toEqual(alone.connectionsOf("s#1"));
    expect(sameDigest(all.digest, alone.digest)).toBe(false);
  });

  test("are empty for who holds nothing", () => {
    const sums = sumsOf(claimsOf(["s#1", leased], ["t#1", gone]));
    expect([sums.connectionsOf("s#1"), sums.connectionsOf("t#1"), sums.connectionsOf("z#1")]).toEqual(
      Array.from({ length: 3 }, () => EMPTY_DIGEST),
    );
    expect([[...sums.sessions()], sums.isEmpty]).toEqual([[], false]);
  });
});

test("a service of which nothing lives comes to nothing, which is not the same as the empty digest", () => {
  expect(digestOfClaims([])).toBeUndefined();
  expect(digestOfClaims(claimsOf(["s#1", word("unregister", 1)]))).toBeUndefined();
  expect(digestOfClaims(claimsOf(["s#1", word("register", 1)]))).toEqual(
    sumBySession(claimsOf(["s#1", word("register", 1)])),
  );
  const one = { high: 1, low: 2 };
  const rows = [
    differ(undefined, undefined),
    differ(undefined, EMPTY_DIGEST),
    differ(one, undefined),
    differ(one, { ...one }),
  ];
  expect([...rows, differ(one, { high: 2, low: 1 })]).toEqual([false, true, true, false, true]);
});
