import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  digestOfBytes,
  digestOfText,
  EMPTY_DIGEST,
  formatDigest,
  mixDigests,
  sameDigest,
  toggleDigest,
  type Digest,
} from "../src/digest.ts";

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

test("the digest of a text is that of its UTF-8 bytes", () => {
  expect(digestOfText("")).toEqual(EMPTY_DIGEST);
  expect(formatDigest(digestOfText("a"))).toBe("a794933c5556b01b");
  expect(formatDigest(digestOfText("grüße/日本/😀"))).toBe("42cee27e951b49cf");
});

describe("two digests together", () => {
  const bitOf = (index: number): Digest =>
    index < 32 ? { high: 0, low: (1 << index) >>> 0 } : { high: (1 << (index - 32)) >>> 0, low: 0 };
  /** Digests of every kind: any, those with one bit, and small numbers, which slots and epochs are. */
  const inputs = fc.oneof(
    digests,
    fc.nat(63).map(bitOf),
    fc.record({ high: fc.nat(255), low: fc.nat(3) }),
    fc.constant(EMPTY_DIGEST),
  );
  const pairs = (values: fc.Arbitrary<Digest>) => fc.tuple(values, values).filter(([a, b]) => !sameDigest(a, b));

  test("come to what they always have come to: nodes of different releases compare them", () => {
    const mixed = (identity: Digest, content: Digest) => formatDigest(mixDigests(identity, content));
    expect([
      mixed(EMPTY_DIGEST, EMPTY_DIGEST),
      mixed({ high: 0, low: 1 }, EMPTY_DIGEST),
      mixed(EMPTY_DIGEST, { high: 0, low: 1 }),
      mixed({ high: 255, low: 7 }, digestOfText("content")),
      mixed({ high: 0xffff_ffff, low: 0xffff_ffff }, { high: 0xffff_ffff, low: 0xffff_ffff }),
      mixed(digestOfText("default/default/orders"), digestOfText("content")),
    ]).toEqual([
      "3a2d00cce4b56a59",
      "c82a900a60cf745f",
      "375cd63effb82bcb",
      "363718265b5cc639",
      "eab7ee5807b16f7f",
      "0de8aa77f762fc26",
    ]);
  });

  test("are unsigned words again", () => {
    fc.assert(
      fc.property(inputs, inputs, (identity, content) => {
        const { high, low } = mixDigests(identity, content);
        expect([high >>> 0, low >>> 0]).toEqual([high, low]);
      }),
    );
  });

  test("come to something else when either of them changes", () => {
    fc.assert(
      fc.property(pairs(inputs), inputs, ([a, b], other) => {
        expect(mixDigests(a, other)).not.toEqual(mixDigests(b, other));
        expect(mixDigests(other, a)).not.toEqual(mixDigests(other, b));
        expect(mixDigests(a, b)).not.toEqual(mixDigests(b, a));
      }),
      { numRuns: 2_000 },
    );
  });

  test("leave another sum when two identities exchange their contents", () => {
    fc.assert(
      fc.property(pairs(inputs), pairs(inputs), ([a, b], [content, other]) => {
        const sum = toggleDigest(mixDigests(a, content), mixDigests(b, other));
        expect(toggleDigest(mixDigests(a, other), mixDigests(b, content))).not.toEqual(sum);
      }),
      { numRuns: 2_000 },
    );
  });

  test("do not cancel out where their parts do", () => {
    fc.assert(
      fc.property(pairs(inputs), pairs(inputs), ([a, b], [content, other]) => {
        const together = mixDigests(a, content);
        // The same content under two identities, and the same change of both, are not the same as nothing.
        expect(toggleDigest(together, mixDigests(b, content))).not.toEqual(toggleDigest(a, b));
        expect(toggleDigest(together, mixDigests(a, other))).not.toEqual(toggleDigest(content, other));
        expect(mixDigests(toggleDigest(a, b), content)).not.toEqual(toggleDigest(together, mixDigests(b, content)));
        expect(mixDigests(a, toggleDigest(content, other))).not.toEqual(toggleDigest(together, mixDigests(a, other)));
      }),
      { numRuns: 2_000 },
    );
  });

  test("let every bit of either turn about half of the bits", () => {
    const turned = (a: Digest, b: Digest) =>
      [a.high ^ b.high, a.low ^ b.low].reduce((sum, word) => sum + bitsOf(word), 0);
    for (let bit = 0; bit < 64; bit++) {
      const samples = Array.from({ length: 64 }, (_, index) => [
        digestOfText(`i ${index}`),
        digestOfText(`c ${index}`),
      ]);
      for (const place of [0, 1]) {
        const mean = samples.reduce((sum, [identity, content]) => {
          const flipped = [identity!, content!] as [Digest, Digest];
          flipped[place] = toggleDigest(flipped[place]!, bitOf(bit));
          return sum + turned(mixDigests(identity!, content!), mixDigests(...flipped)) / samples.length;
        }, 0);
        expect(Math.abs(mean - 32), `bit ${bit} of ${place === 0 ? "the identity" : "the content"}`).toBeLessThan(3);
      }
    }
  });
});

function bitsOf(word: number): number {
  return (word >>> 0).toString(2).replaceAll("0", "").length;
}
