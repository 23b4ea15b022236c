import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compareRegistrationVersions,
  compareVersions,
  epoch,
  formatVersion,
  isNewer,
  isNewerStamp,
  nextEpoch,
  type RegistrationStamp,
  type RegistrationVersion,
  type Version,
} from "../src/version.ts";

// Few numbers, so that equal parts are common.
const small = fc.nat(3);
const versions: fc.Arbitrary<Version> = fc.record({ epoch: small.map(epoch), counter: small });
const registrationVersions: fc.Arbitrary<RegistrationVersion> = fc.record({ incarnation: small, counter: small });
const stamps: fc.Arbitrary<RegistrationStamp> = fc.record({ version: registrationVersions, removed: fc.boolean() });

/** What makes an order out of a comparison. */
function expectOrder<Item>(items: fc.Arbitrary<Item>, compare: (a: Item, b: Item) => number): void {
  fc.assert(
    fc.property(items, items, items, (a, b, c) => {
      expect(compare(a, a)).toBe(0);
      expect(Math.sign(compare(a, b))).toBe(0 - Math.sign(compare(b, a)));
      expect(compare(a, b) === 0).toBe(JSON.stringify(a) === JSON.stringify(b));
      const [least, middle, most] = [a, b, c].toSorted(compare) as [Item, Item, Item];
      expect([compare(least, middle), compare(middle, most), compare(least, most)].every((sign) => sign <= 0)).toBe(
        true,
      );
    }),
    { numRuns: 1_000 },
  );
}

describe("versions of a datum", () => {
  test("are in one order", () => {
    expectOrder(versions, compareVersions);
  });

  test("go by the leader's epoch before its counter, so a new leader is above all the old one issued", () => {
    expect(isNewer({ epoch: epoch(2), counter: 0 }, { epoch: epoch(1), counter: 1_000_000 })).toBe(true);
    expect(isNewer({ epoch: epoch(1), counter: 2 }, { epoch: epoch(1), counter: 1 })).toBe(true);
    expect(isNewer({ epoch: epoch(1), counter: 1 }, { epoch: epoch(1), counter: 1 })).toBe(false);
  });

  test("are written as epoch and counter", () => {
    expect(formatVersion({ epoch: epoch(3), counter: 14 })).toBe("3.14");
  });
});

describe("versions of a registration", () => {
  test("are in one order", () => {
    expectOrder(registrationVersions, compareRegistrationVersions);
  });

  test("of a newer connection win over everything of an older one", () => {
    expect(
      compareRegistrationVersions({ incarnation: 2, counter: 0 }, { incarnation: 1, counter: 99 }),
    ).toBeGreaterThan(0);
  });

  test("stamps are in one order, and at equal version the removal is the newer one", () => {
    expectOrder(stamps, (a, b) => Number(isNewerStamp(a, b)) - Number(isNewerStamp(b, a)));
    const version = { incarnation: 1, counter: 1 };
    expect(isNewerStamp({ version, removed: true }, { version, removed: false })).toBe(true);
    expect(isNewerStamp({ version, removed: false }, { version, removed: true })).toBe(false);
    expect(isNewerStamp({ version, removed: true }, { version, removed: true })).toBe(false);
  });
});

test("an epoch is a whole number from 0 and grows by one", () => {
  expect(nextEpoch(epoch(0))).toBe(1);
  for (const wrong of [-1, 0.5, NaN, 2 ** 53]) expect(() => epoch(wrong)).toThrow("an epoch is a whole number");
});
