import * as fc from "fast-check";
import { expect, test } from "vitest";
import { digestOfBytes, EMPTY_DIGEST, formatDigest, sameDigest, toggleDigest, type Digest } from "../src/digest.ts";

const words = fc.integer({ min: 0, max: 0xffff_ffff });
const digests: fc.Arbitrary<Digest> = fc.record({ high: words, low: words });

test("the digest of a set does not depend on the order of its members, and each can be taken out again", () => {
  fc.assert(
    fc.property(fc.array(digests), digests, (members, other) => {
      const set = members.reduce(toggleDigest, EMPTY_DIGEST);
      expect(members.toReversed().reduce(toggleDigest, EMPTY_DIGEST)).toEqual(set);
      expect(toggleDigest(toggleDigest(set, other), other)).toEqual(set);
      for (const word of [set.high, set.low]) expect(word >>> 0).toBe(word);
    }),
  );
});

test("digests are the same when both words are", () => {
  expect(sameDigest({ high: 1, low: 2 }, { high: 1, low: 2 })).toBe(true);
  expect(sameDigest({ high: 1, low: 2 }, { high: 1, low: 3 })).toBe(false);
  expect(sameDigest({ high: 1, low: 2 }, { high: 2, low: 2 })).toBe(false);
});

test("a digest is written as 16 hexadecimal digits", () => {
  expect(formatDigest(EMPTY_DIGEST)).toBe("0000000000000000");
  expect(formatDigest({ high: 0xab, low: 0xffff_ffff })).toBe("000000abffffffff");
  expect(formatDigest(digestOfBytes(new TextEncoder().encode("a")))).toBe("a794933c5556b01b");
});
