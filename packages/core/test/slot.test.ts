import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { serviceKeyFromText, textFromServiceKey } from "../src/service-key.ts";
import { ALL_SLOTS, SLOT_COUNT, slotId, slotOfServiceKey, slotOfText } from "../src/slot.ts";
import { EMPTY_SLOT_TABLE, mayFollow, ownerOf, type SlotOwner, type SlotTable } from "../src/slot-table.ts";
import { epoch } from "../src/version.ts";
import vectors from "./slot-vectors.json" with { type: "json" };

describe("the slot function", () => {
  test.each(vectors)("puts $key into slot $slot, as published", ({ key, slot }) => {
    expect(slotOfText(key)).toBe(slot);
    expect(slotOfServiceKey(serviceKeyFromText(key))).toBe(slot);
    expect(textFromServiceKey(serviceKeyFromText(key))).toBe(key);
  });

  test("gives every text a slot", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => ALL_SLOTS.includes(slotOfText(text))));
  });

  test("spreads names that differ only in a number", () => {
    const counts = ALL_SLOTS.map(() => 0);
    for (let index = 0; index < 256 * 100; index++) counts[slotOfText(`default/default/service-${index}`)]!++;
    expect(Math.min(...counts)).toBeGreaterThan(60);
    expect(Math.max(...counts)).toBeLessThan(145);
  });

  test("knows only whole numbers below the count as slots", () => {
    expect([slotId(0), slotId(SLOT_COUNT - 1)]).toEqual([0, 255]);
    for (const wrong of [-1, SLOT_COUNT, 1.5, NaN]) expect(() => slotId(wrong)).toThrow("a slot is 0 to 255");
  });
});

describe("the slot table", () => {
  const table = (tableEpoch: number, ...leaderEpochs: number[]): SlotTable => ({
    epoch: epoch(tableEpoch),
    owners: EMPTY_SLOT_TABLE.owners.map((owner, slot): SlotOwner => ({
      ...owner,
      leader: "data-1",
      leaderEpoch: epoch(leaderEpochs[slot] ?? 1),
    })),
  });

  test("has an owner for every slot, at first with no leader", () => {
    for (const slot of ALL_SLOTS) {
      expect(ownerOf(EMPTY_SLOT_TABLE, slot)).toEqual({ leader: undefined, followers: [], leaderEpoch: 0 });
    }
    expect(() => ownerOf({ epoch: epoch(1), owners: [] }, slotId(0))).toThrow("256 owners");
  });

  test("may be followed by a newer one only", () => {
    expect(mayFollow(EMPTY_SLOT_TABLE, table(1))).toBe(true);
    expect(mayFollow(table(2), table(3))).toBe(true);
    expect(mayFollow(table(2), table(2))).toBe(false);
    expect(mayFollow(table(2), table(1))).toBe(false);
  });

  test("stops whoever issues a newer one in which a leader epoch goes back", () => {
    expect(() => mayFollow(table(2, 5, 5), table(3, 5, 4))).toThrow("leader epoch of slot 1 went back");
    // An older table lowers leader epochs too, but it is only late.
    expect(mayFollow(table(3, 5, 5), table(2, 5, 4))).toBe(false);
  });
});
