/** What holds whatever happens to the data nodes, and how many slots move for it. */

import { SLOT_COUNT } from "@rollcall/core";
import { SeededRandom } from "@rollcall/testing";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { SlotWorld, names, spread, tolerance } from "./slot-world.ts";

type Step =
  | { readonly kind: "join" | "lose" | "restart" | "shake" | "calm" | "drain" | "undrain"; readonly node: number }
  | { readonly kind: "restart all" | "lose all" | "round" };

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "join" as const,
        "join" as const,
        "lose" as const,
        "restart" as const,
        "shake" as const,
        "calm" as const,
        "drain" as const,
        "undrain" as const,
      ),
      node: fc.nat(49),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("restart all" as const, "lose all" as const) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("round" as const) }) },
);

function take(world: SlotWorld, step: Step): void {
  switch (step.kind) {
    case "join":
      return void world.join(`data-${step.node + 1}`);
    case "lose":
      return void world.lose(`data-${step.node + 1}`);
    case "restart":
      return void world.restart(`data-${step.node + 1}`);
    case "shake":
    case "calm": {
      const node = world.nodes.get(`data-${step.node + 1}`);
      if (node !== undefined) node.steady = step.kind === "calm";
      return;
    }
    case "drain":
    case "undrain": {
      const node = world.nodes.get(`data-${step.node + 1}`);
      if (node !== undefined) node.draining = step.kind === "drain";
      return;
    }
    case "restart all":
      for (const nodeId of world.live) world.restart(nodeId);
      return;
    case "lose all":
      for (const nodeId of world.live) world.lose(nodeId);
      return;
    case "round":
      return;
  }
}

test("through any joins, losses and restarts every round is sound, and in the end leads and follows are even", () => {
  fc.assert(
    fc.property(
      fc.nat(50),
      fc.constantFrom(1, 2, 2, 2, 3, 5),
      fc.constantFrom(1, 1, 3),
      fc.array(fc.tuple(steps, fc.double({ min: 0, max: 1, noNaN: true })), { maxLength: 25 }),
      fc.integer(),
      (count, replicas, dataNodesMin, story, seed) => {
        const random = new SeededRandom(seed);
        const world = new SlotWorld({ replicas, dataNodesMin }).join(...names(count));
        world.round();
        for (const [step, share] of story) {
          take(world, step);
          world.round();
          world.sync(() => random.next() < share);
        }
        for (const node of world.nodes.values()) node.steady = true;
        world.settle();
        if (world.nodes.size < Math.max(1, dataNodesMin)) return;
        const drained = world.live.filter((nodeId) => !world.staying.includes(nodeId));
        expect(drained.filter((nodeId) => world.owns(nodeId))).toEqual([]);
        for (const nodeId of drained) world.lose(nodeId);
        expect(spread(world.leads()), `leads ${world.leads().join(" ")}`).toBeLessThanOrEqual(tolerance(world.leads()));
        expect(spread(world.follows()), `follows ${world.follows().join(" ")}`).toBeLessThanOrEqual(
          tolerance(world.follows()),
        );
        for (const { followers } of world.table.owners) expect(followers).toHaveLength(world.followers);
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);

test("nodes that are not steady get no leads to make them even, and the others are even among themselves", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 12 }), (shaky, steady) => {
      const world = new SlotWorld().join(...names(shaky + steady)).settle();
      const back = names(shaky);
      for (const nodeId of back) world.lose(nodeId);
      world.settle();
      for (const nodeId of back) world.join(nodeId).nodes.get(nodeId)!.steady = false;
      world.settle();
      const leads = world.live.map((nodeId, index) => ({
        count: world.leads()[index]!,
        steady: !back.includes(nodeId),
      }));
      expect(leads.filter((node) => !node.steady).every(({ count }) => count === 0)).toBe(true);
      const even = leads.filter((node) => node.steady).map(({ count }) => count);
      expect(spread(even)).toBeLessThanOrEqual(tolerance(even));
      for (const node of world.nodes.values()) node.steady = true;
      world.settle();
      expect(spread(world.leads())).toBeLessThanOrEqual(1);
    }),
    { numRuns: 30 },
  );
}, 30_000);

test("draining nodes are rid of every slot, and of each lead in one move, also while nothing is made even", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 6 }),
      fc.constantFrom(1, 2, 2, 3),
      fc.boolean(),
      (staying, draining, replicas, evens) => {
        const world = new SlotWorld({ replicas }).join(...names(staying + draining)).settle();
        const drained = names(draining);
        const led = world.table.owners.filter(({ leader }) => drained.includes(leader!)).length;
        const { moves } = world;
        world.options.evens = evens;
        for (const nodeId of drained) world.nodes.get(nodeId)!.draining = true;
        world.settle();
        expect(drained.filter((nodeId) => world.owns(nodeId))).toEqual([]);
        expect(evens || world.moves - moves === led).toBe(true);
        for (const nodeId of drained) world.lose(nodeId);
        const { table } = world;
        world.round();
        expect(world.table, "nobody misses them").toBe(table);
        expect(spread(world.leads())).toBeLessThanOrEqual(tolerance(world.leads()) + 1);
      },
    ),
    { numRuns: 40 },
  );
}, 60_000);

test("a node that joins gets its share, and nothing else moves", () => {
  const world = new SlotWorld();
  for (const [index, nodeId] of names(50).entries()) {
    const { moves } = world;
    world.join(nodeId).settle();
    expect(world.moves - moves, `moves when ${nodeId} joins`).toBeLessThanOrEqual(
      index === 0 ? 0 : Math.ceil(SLOT_COUNT / (index + 1)),
    );
    expect(spread(world.leads())).toBeLessThanOrEqual(1);
  }
}, 30_000);

test.each([2, 3, 4, 7, 16, 50])(
  "of %i nodes, the loss of any one leaves to the others the leads they have",
  (count) => {
    const settled = new SlotWorld().join(...names(count)).settle();
    for (const lost of settled.live.slice(0, 8)) {
      const world = new SlotWorld().join(...names(count)).settle();
      const before = world.table;
      world.lose(lost).round();
      for (const [slot, { leader, followers }] of before.owners.entries())
        expect(leader === lost ? followers : [leader]).toContain(world.table.owners[slot]!.leader);
      // They were spread over all others, so that those are nearly even at once and few have to move afterwards.
      expect(spread(world.leads())).toBeLessThanOrEqual(Math.max(2, tolerance(world.leads())));
      const { moves } = world;
      world.settle();
      expect(world.moves - moves).toBeLessThanOrEqual(Math.ceil(SLOT_COUNT / count));
    }
  },
  60_000,
);

test("the order in which the nodes are named makes no difference", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(names(12)), fc.shuffledSubarray(names(12)), (first, second) => {
      const before = new SlotWorld().join(...first).settle();
      const tables = [second, second.toReversed()].map((order) => {
        const world = new SlotWorld();
        world.assignment = before.assignment;
        world.join(...order).round();
        return world.table;
      });
      expect(tables[1]).toEqual(tables[0]);
    }),
    { numRuns: 30 },
  );
}, 30_000);
