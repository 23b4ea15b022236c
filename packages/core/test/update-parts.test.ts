import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { NO_FILTER } from "../src/filter.ts";
import { PART_BYTES_MAX, UpdateParts, partsOfUpdate, type UpdatePart } from "../src/update-parts.ts";
import type { Update } from "../src/datum.ts";
import { change, changes, contentOf, datumOf, instance, version } from "./datum-fixture.ts";

const snapshotOf = (...ids: string[]): Update => datumOf(...ids).snapshot(NO_FILTER, true);

test("an update that fits into one part is its only part", () => {
  const update = snapshotOf("a", "b");
  expect(partsOfUpdate(update)).toEqual([update]);
});

test("a snapshot of 5,000 instances of 1 KiB comes in parts that are all below the limit", () => {
  const datum = datumOf();
  for (let index = 0; index < 5_000; index++) datum.put(instance(`i-${index}`, "x".repeat(1_024)), version(index + 1));
  const parts = partsOfUpdate(datum.snapshot(NO_FILTER, true));
  expect(parts.map(({ more }) => more)).toEqual([true, true, false]);
  for (const { instances } of parts)
    expect(instances.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThan(PART_BYTES_MAX);
});

test("an instance that is larger than a part has one to itself", () => {
  const parts = partsOfUpdate(snapshotOf("a", "much-longer-than-a-part", "b"), 10);
  expect(parts.map(({ instances }) => instances.map(({ id }) => id))).toEqual([
    ["a"],
    ["much-longer-than-a-part"],
    ["b"],
  ]);
});

test("whatever is cut into parts and put together again leads to the same content, snapshot or delta", () => {
  const story = fc.array(changes, { maxLength: 12 });
  fc.assert(
    fc.property(story, story, fc.integer({ min: 1, max: 40 }), fc.boolean(), (before, since, bytesMax, asDelta) => {
      const datum = datumOf("a", "b", "c", "d", "e", "f", "g", "h");
      let counter = datum.version.counter;
      for (const item of before) change(datum, item, version(++counter));
      const receiver = datumOf();
      receiver.apply(datum.snapshot(NO_FILTER, true));
      for (const item of since) change(datum, item, version(++counter));
      const delta = asDelta ? datum.delta(receiver.held, NO_FILTER, true) : undefined;
      const parts = new UpdateParts();
      const wholes = partsOfUpdate(delta ?? datum.snapshot(NO_FILTER, true), bytesMax).map((part) => parts.take(part));
      expect(wholes.slice(0, -1).every((whole) => whole === undefined)).toBe(true);
      receiver.apply(wholes.at(-1)!);
      expect(contentOf(receiver)).toEqual(contentOf(datum));
      expect(receiver.held).toEqual(datum.held);
    }),
  );
});

describe("parts that come in", () => {
  test("are forgotten when another update begins before the last has come", () => {
    const parts = new UpdateParts();
    const [first] = partsOfUpdate(snapshotOf("a", "b", "c"), 1);
    expect(parts.take(first!)).toBeUndefined();
    const next = snapshotOf("a", "b", "c", "d");
    expect(parts.take(next)).toBe(next);
    const again = partsOfUpdate(next, 1).map((part) => parts.take(part));
    expect(again.at(-1)?.instances).toHaveLength(4);
  });

  test("may repeat themselves: the content is the same", () => {
    const datum = datumOf("a", "b");
    const [first, last] = partsOfUpdate(datum.snapshot(NO_FILTER, true), 1) as [UpdatePart, UpdatePart];
    const parts = new UpdateParts();
    parts.take(first);
    parts.take(first);
    const receiver = datumOf();
    expect(receiver.apply(parts.take(last)!)).toBe("applied");
    expect(contentOf(receiver)).toEqual(contentOf(datum));
  });

  test("are kept up to a limit, which the refusal names, and forgotten then", () => {
    const update = snapshotOf("a", "b", "c");
    const parts = new UpdateParts(20);
    const take = () => partsOfUpdate(update, 1).map((part) => parts.take(part));
    expect(take).toThrow("an update in parts may be at most 20 bytes, got 21");
    expect(parts.take(update)).toBe(update);
  });
});
