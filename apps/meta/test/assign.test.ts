import { EMPTY_SLOT_TABLE, SLOT_COUNT, mayFollow, nextEpoch, type SlotTable } from "@rollcall/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assignSlots } from "../src/slots/assign.ts";

const NOBODY: ReadonlySet<string> = new Set();

const names = (count: number) => Array.from({ length: count }, (_, index) => `data-${index + 1}`);

function slotsOf(table: SlotTable): Map<string | undefined, number> {
  const slots = new Map<string | undefined, number>();
  for (const { leader } of table.owners) slots.set(leader, (slots.get(leader) ?? 0) + 1);
  return slots;
}

/** Moves that no balanced assignment can do without: slots of the dead, and what the living hold beyond their share. */
function movesNeeded(table: SlotTable, live: readonly string[]): number {
  if (live.length === 0) return 0;
  const share = Math.floor(SLOT_COUNT / live.length);
  const before = slotsOf(table);
  const held = live.map((nodeId) => before.get(nodeId) ?? 0);
  const oneMore = Math.min(SLOT_COUNT - share * live.length, held.filter((slots) => slots > share).length);
  const kept = held.reduce((sum, slots) => sum + Math.min(slots, share), oneMore);
  return SLOT_COUNT - kept;
}

function expectRightAssignment(before: SlotTable, after: SlotTable, live: readonly string[], restarted = NOBODY): void {
  expect(after.owners).toHaveLength(SLOT_COUNT);
  const slots = slotsOf(after);
  const nobody = live.length === 0;
  const mayLead = new Set<string | undefined>(nobody ? [undefined] : live);
  expect([...slots.keys()].filter((leader) => !mayLead.has(leader))).toEqual([]);
  const counts = live.map((nodeId) => slots.get(nodeId) ?? 0);
  expect(Math.max(0, ...counts) - Math.min(SLOT_COUNT, ...counts)).toBeLessThanOrEqual(1);
  const moves = after.owners.filter(
    ({ leader }, slot) => leader !== undefined && leader !== before.owners[slot]!.leader,
  ).length;
  expect(moves).toBe(movesNeeded(before, live));
  for (const [slot, owner] of after.owners.entries()) {
    const known = before.owners[slot]!;
    const begun = owner.leader !== undefined && (owner.leader !== known.leader || restarted.has(owner.leader));
    expect(owner.leaderEpoch, `slot ${slot}`).toBe(begun ? nextEpoch(known.leaderEpoch) : known.leaderEpoch);
  }
  const same = after.owners.every((owner, slot) => owner === before.owners[slot]);
  expect(after === before).toBe(same);
  expect(after.epoch).toBe(same ? before.epoch : nextEpoch(before.epoch));
  expect(same || mayFollow(before, after)).toBe(true);
}

type Step =
  | { readonly kind: "join" | "leave" | "restart"; readonly node: number }
  | { readonly kind: "all restart" | "all leave" | "nothing" };

const nodeSteps = fc.record({
  kind: fc.constantFrom("join" as const, "join" as const, "leave" as const, "restart" as const),
  node: fc.nat(49),
});
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: nodeSteps },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("all restart", "all leave", "nothing") }) },
);

function after(live: ReadonlySet<string>, step: Step): { live: Set<string>; restarted: Set<string> } {
  const next = new Set(live);
  switch (step.kind) {
    case "join":
      next.add(`data-${step.node}`);
      return { live: next, restarted: new Set() };
    case "leave":
      next.delete(`data-${step.node}`);
      return { live: next, restarted: new Set() };
    case "restart":
      return { live: next, restarted: new Set(next.has(`data-${step.node}`) ? [`data-${step.node}`] : []) };
    case "all restart":
      return { live: next, restarted: next };
    case "all leave":
      return { live: new Set(), restarted: new Set() };
    case "nothing":
      return { live: next, restarted: new Set() };
  }
}

test("through any joins, leaves and restarts every slot is led evenly, moved no more than needed and fenced", () => {
  fc.assert(
    fc.property(fc.nat(50), fc.array(steps, { maxLength: 25 }), (count, story) => {
      let live: ReadonlySet<string> = new Set(names(count));
      let table = assignSlots(EMPTY_SLOT_TABLE, { live: [...live], restarted: NOBODY });
      expectRightAssignment(EMPTY_SLOT_TABLE, table, [...live]);
      for (const step of story) {
        const next = after(live, step);
        const assigned = assignSlots(table, { live: [...next.live], restarted: next.restarted });
        expectRightAssignment(table, assigned, [...next.live], next.restarted);
        live = next.live;
        table = assigned;
      }
    }),
    { numRuns: 60 },
  );
}, 30_000);

test.each(Array.from({ length: 51 }, (_, count) => count))("%i nodes from nothing", (count) => {
  const table = assignSlots(EMPTY_SLOT_TABLE, { live: names(count), restarted: NOBODY });
  expectRightAssignment(EMPTY_SLOT_TABLE, table, names(count));
});

test("more nodes than slots leave some without any", () => {
  const live = names(SLOT_COUNT + 10);
  const table = assignSlots(EMPTY_SLOT_TABLE, { live, restarted: NOBODY });
  expectRightAssignment(EMPTY_SLOT_TABLE, table, live);
  expect(slotsOf(table).size).toBe(SLOT_COUNT);
});

test("the order in which the nodes are named makes no difference", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(names(12)), fc.shuffledSubarray(names(12)), (first, second) => {
      const before = assignSlots(EMPTY_SLOT_TABLE, { live: first, restarted: NOBODY });
      const one = assignSlots(before, { live: second, restarted: NOBODY });
      expect(assignSlots(before, { live: second.toReversed(), restarted: NOBODY })).toEqual(one);
    }),
  );
});

describe("epochs outlive leaders", () => {
  const of = (table: SlotTable) => new Set(table.owners.map(({ leaderEpoch }) => leaderEpoch as number));

  test("a slot that loses its last leader keeps its epoch, and the next one starts above it", () => {
    const led = assignSlots(EMPTY_SLOT_TABLE, { live: ["a"], restarted: NOBODY });
    const orphaned = assignSlots(led, { live: [], restarted: NOBODY });
    expect([of(led), of(orphaned), orphaned.epoch]).toEqual([new Set([1]), new Set([1]), 2]);
    const again = assignSlots(orphaned, { live: ["a"], restarted: NOBODY });
    expect([of(again), again.epoch]).toEqual([new Set([2]), 3]);
  });

  test("a restarted leader keeps its slots at a higher epoch, and nobody else's are touched", () => {
    const before = assignSlots(EMPTY_SLOT_TABLE, { live: ["a", "b"], restarted: NOBODY });
    const table = assignSlots(before, { live: ["a", "b"], restarted: new Set(["a"]) });
    expect(table.owners.map(({ leader }) => leader)).toEqual(before.owners.map(({ leader }) => leader));
    for (const { leader, leaderEpoch } of table.owners) expect(leaderEpoch).toBe(leader === "a" ? 2 : 1);
  });

  test("a restart of a node that leads nothing changes nothing", () => {
    const before = assignSlots(EMPTY_SLOT_TABLE, { live: ["a"], restarted: NOBODY });
    expect(assignSlots(before, { live: ["a"], restarted: new Set(["b"]) })).toBe(before);
  });
});
