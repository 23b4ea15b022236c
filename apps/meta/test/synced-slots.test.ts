import { EMPTY_SLOT_TABLE, epoch, slotId, type SlotId, type SlotOwner, type SlotTable } from "@rollcall/core";
import { expect, test } from "vitest";
import { SyncedSlots } from "../src/slots/synced-slots.ts";

const slots = (...numbers: number[]): ReadonlySet<SlotId> => new Set(numbers.map(slotId));

/** A table in which node `f` follows slots 1, 2 and 3, but for what is changed. */
const table = (changes: Record<number, Partial<SlotOwner>> = {}): SlotTable => ({
  epoch: epoch(1),
  owners: EMPTY_SLOT_TABLE.owners.map((_, slot) => ({
    leader: "a",
    followers: [1, 2, 3].includes(slot) ? ["f"] : [],
    leaderEpoch: epoch(4),
    ...changes[slot],
  })),
});
const asTold = (told: SlotTable, present = told) => ({ told, present });

test("a follower is taken at its word about slots that it follows, and only those", () => {
  const synced = new SyncedSlots();
  expect(synced.report("f", slots(1, 2, 9), asTold(table()))).toBe(true);
  expect(synced.of("f", table())).toEqual(slots(1, 2));
  expect(synced.of("g", table())).toEqual(slots());
});

test("saying the same again is nothing new; more, less or another epoch is", () => {
  const synced = new SyncedSlots();
  expect(synced.report("f", slots(), asTold(table()))).toBe(false);
  expect(synced.report("f", slots(1, 2), asTold(table()))).toBe(true);
  expect(synced.report("f", slots(1, 2), asTold(table()))).toBe(false);
  expect(synced.report("f", slots(1, 3), asTold(table()))).toBe(true);
  const later = table({ 1: { leaderEpoch: epoch(5) } });
  expect(synced.report("f", slots(1, 3), asTold(later))).toBe(true);
  expect(synced.report("f", slots(3), asTold(later))).toBe(true);
  expect(synced.of("f", later)).toEqual(slots(3));
});

test("what was synced with one leader is not with the next", () => {
  const synced = new SyncedSlots();
  synced.report("f", slots(1, 2), asTold(table()));
  expect(synced.of("f", table({ 1: { leaderEpoch: epoch(5) } }))).toEqual(slots(2));
});

test("what was told of a slot that has changed since does not count", () => {
  const synced = new SyncedSlots();
  const changed = table({ 1: { leaderEpoch: epoch(5) }, 2: { followers: [] } });
  synced.report("f", slots(1, 2, 3), asTold(table(), changed));
  expect(synced.of("f", changed)).toEqual(slots(3));
  expect(synced.of("f", table()), "nor when it comes back").toEqual(slots(3));
});

test("a follower that was taken off a slot and put back has to sync anew", () => {
  const synced = new SyncedSlots();
  synced.report("f", slots(1, 2), asTold(table()));
  synced.prune(table({ 1: { followers: [] } }));
  expect(synced.of("f", table())).toEqual(slots(2));
});

test("a node that restarted has nothing", () => {
  const synced = new SyncedSlots();
  synced.report("f", slots(1, 2), asTold(table()));
  synced.forget("f");
  expect(synced.of("f", table())).toEqual(slots());
});

test("counts the slots with a follower that does not have them", () => {
  const synced = new SyncedSlots();
  const two = table({ 3: { followers: ["f", "g"] } });
  expect(synced.unsynced(two)).toBe(3);
  synced.report("f", slots(1, 2, 3), asTold(two));
  expect(synced.unsynced(two)).toBe(1);
  synced.report("g", slots(3), asTold(two));
  expect(synced.unsynced(two)).toBe(0);
  expect(synced.unsynced(table({ 2: { leaderEpoch: epoch(5) } }))).toBe(1);
});
