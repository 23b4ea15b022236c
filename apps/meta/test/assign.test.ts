/** The rules of the assignment one by one. What holds over all of them is in assign-properties.test.ts. */

import { ALL_SLOTS, EMPTY_SLOT_TABLE, SLOT_COUNT, epoch, type SlotOwner, type SlotTable } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { assignSlots, type DataNode } from "../src/slots/assign.ts";
import { SlotWorld, names } from "./slot-world.ts";

const OPTIONS = { replicas: 2, dataNodesMin: 1, movesMax: 64 };

/** A table in which every slot has the same owner. */
const everySlot = (owner: Omit<SlotOwner, "leaderEpoch">): SlotTable => ({
  epoch: epoch(7),
  owners: EMPTY_SLOT_TABLE.owners.map(() => ({ ...owner, leaderEpoch: epoch(5) })),
});

interface NodeState {
  readonly restarted?: boolean;
  readonly steady?: boolean;
  readonly draining?: boolean;
  readonly synced?: boolean;
}

const node = (
  nodeId: string,
  { restarted = false, steady = true, draining = false, synced = false }: NodeState = {},
): DataNode => ({
  nodeId,
  restarted,
  steady,
  draining,
  synced: new Set(synced ? ALL_SLOTS : []),
});

const assigned = (table: SlotTable, nodes: readonly DataNode[], options = OPTIONS): SlotTable =>
  assignSlots({ table, balancing: false }, nodes, options).table;

const leadersOf = (table: SlotTable) => new Set(table.owners.map(({ leader }) => leader));
const leaderEpochs = (table: SlotTable) => new Set(table.owners.map(({ leaderEpoch }) => leaderEpoch as number));

describe("a slot whose leader is gone or has restarted goes to", () => {
  const restarted: NodeState = { restarted: true };
  test.each<{ what: string; nodes: Record<string, NodeState>; leader: string }>([
    { what: "the follower that is synced", nodes: { b: {}, c: { synced: true }, d: {} }, leader: "c" },
    { what: "that one also if the leader is back", nodes: { a: restarted, b: {}, c: { synced: true } }, leader: "c" },
    {
      what: "a follower that is not steady, if it is synced",
      nodes: { b: {}, c: { synced: true, steady: false } },
      leader: "c",
    },
    { what: "else a follower that has its memory", nodes: { a: restarted, b: {}, c: restarted, d: {} }, leader: "b" },
    {
      what: "not to a follower that said so before it restarted",
      nodes: { b: { ...restarted, synced: true }, c: {} },
      leader: "c",
    },
    {
      what: "else the restarted leader itself",
      nodes: { a: restarted, b: restarted, c: restarted, d: {} },
      leader: "a",
    },
    { what: "else a restarted follower, which may have a copy", nodes: { c: restarted, d: {}, e: {} }, leader: "c" },
    { what: "else to anybody", nodes: { d: restarted }, leader: "d" },
  ])("$what", ({ nodes, leader }) => {
    const before = everySlot({ leader: "a", followers: ["b", "c"] });
    const live = Object.entries(nodes).map(([nodeId, state]) => node(nodeId, state));
    const table = assigned(before, live, { ...OPTIONS, replicas: 3 });
    expect([leadersOf(table), leaderEpochs(table), table.epoch]).toEqual([new Set([leader]), new Set([6]), 8]);
  });

  test("those who lead least, where several are equally good", () => {
    const before = everySlot({ leader: "a", followers: ["b", "c", "d"] });
    const live = ["b", "c", "d"].map((nodeId) => node(nodeId, { synced: true }));
    const table = assigned(before, live, { ...OPTIONS, replicas: 4 });
    const leads = live.map(({ nodeId }) => table.owners.filter(({ leader }) => leader === nodeId).length);
    expect(leads).toEqual([86, 85, 85]);
  });

  test("and the restarted leader follows in the place of the one that was promoted", () => {
    const before = everySlot({ leader: "a", followers: ["b"] });
    const table = assigned(before, [node("a", restarted), node("b", { synced: true }), node("c")]);
    expect(table.owners[0]).toEqual({ leader: "b", followers: ["a"], leaderEpoch: 6 });
  });
});

describe("followers", () => {
  test("that are gone are replaced, at the same leader epoch", () => {
    const before = everySlot({ leader: "a", followers: ["b"] });
    const table = assigned(before, [node("a"), node("c")]);
    expect([table.owners[0], table.epoch]).toEqual([{ leader: "a", followers: ["c"], leaderEpoch: 5 }, 8]);
  });

  test("that restart stay and sync anew: the table is the very same", () => {
    const before = everySlot({ leader: "a", followers: ["b"] });
    expect(assigned(before, [node("a"), node("b", { restarted: true })])).toBe(before);
  });

  test("are as many as there are nodes for", () => {
    const before = everySlot({ leader: "a", followers: [] });
    for (const [live, followers] of [
      [["a"], 0],
      [["a", "b"], 1],
      [["a", "b", "c"], 2],
      [["a", "b", "c", "d"], 2],
    ] as const) {
      const nodes = live.map((nodeId) => node(nodeId));
      const table = assigned(before, nodes, { ...OPTIONS, replicas: 3, movesMax: 0 });
      expect(new Set(table.owners.map((owner) => owner.followers.length))).toEqual(new Set([followers]));
    }
  });
});

describe("with fewer live data nodes than there should be", () => {
  const options = { ...OPTIONS, dataNodesMin: 3 };
  const before = everySlot({ leader: "a", followers: ["b"] });

  test("nobody is given what the others had", () => {
    expect(assigned(before, [node("b", { synced: true }), node("c")], options)).toBe(before);
    expect(assigned(before, [], OPTIONS)).toBe(before);
    expect(assigned(EMPTY_SLOT_TABLE, [node("a"), node("b")], options)).toBe(EMPTY_SLOT_TABLE);
  });

  test("a leader that restarts goes on at a higher epoch", () => {
    const table = assigned(before, [node("a", { restarted: true }), node("b", { synced: true })], options);
    expect(table.owners[0]).toEqual({ leader: "a", followers: ["b"], leaderEpoch: 6 });
  });

  test("and with enough of them all is as usual", () => {
    const table = assigned(before, [node("b", { synced: true }), node("c"), node("d")], options);
    expect(leadersOf(table)).toEqual(new Set(["b"]));
  });
});

describe("a node that is not steady", () => {
  const unsteady: NodeState = { steady: false };

  test("follows nothing that others could follow", () => {
    const before = everySlot({ leader: "a", followers: ["b"] });
    const followers = (nodes: readonly DataNode[]) =>
      new Set(assigned(before, nodes).owners.flatMap((owner) => owner.followers));
    expect(followers([node("a"), node("c", unsteady), node("d")])).toEqual(new Set(["d"]));
    expect(followers([node("a"), node("c", unsteady)])).toEqual(new Set(["c"]));
  });

  test("that joins is given nothing until it is steady", () => {
    const world = new SlotWorld().join("a", "b").settle();
    world.join("c").nodes.get("c")!.steady = false;
    world.settle();
    expect(world.owns("c")).toBe(false);
    world.nodes.get("c")!.steady = true;
    world.settle();
    expect(world.leads()).toContain(85);
  });
});

describe("a draining node", () => {
  const synced: NodeState = { synced: true };
  const draining: NodeState = { draining: true, synced: true };

  test("gives its leads to followers that have all of it, so many at a time, and follows until it has a successor", () => {
    const world = new SlotWorld().join("a", "b", "c").settle();
    const led = world.leads()[0]!;
    world.nodes.get("a")!.draining = true;
    world.round();
    expect(world.leads()[0]).toBe(led - 64);
    for (let round = 0; round < 8 && world.owns("a"); round++) world.sync().round();
    expect(world.owns("a")).toBe(false);
    expect(world.table.owners.every(({ followers }) => followers.length === 1)).toBe(true);
  });

  test("leads on until a follower has all of it", () => {
    const before = everySlot({ leader: "a", followers: ["b"] });
    expect(assigned(before, [node("a", draining), node("b")])).toBe(before);
    expect(
      leadersOf(assigned(before, [node("a", draining), node("b", synced)], { ...OPTIONS, movesMax: 256 })),
    ).toEqual(new Set(["b"]));
  });

  test("keeps what it has when everybody is draining, or fewer are live than there should be", () => {
    const before = everySlot({ leader: "a", followers: ["b"] });
    expect(assigned(before, [node("a", draining), node("b", draining)])).toEqual(
      assigned(before, [node("a", synced), node("b", synced)]),
    );
    const protectedBy = { ...OPTIONS, dataNodesMin: 3 };
    expect(assigned(before, [node("a", draining), node("b", synced)], protectedBy)).toBe(before);
  });

  test("takes over what its leader loses only when no other follower has it", () => {
    const before = everySlot({ leader: "a", followers: ["b", "c"] });
    const three = { ...OPTIONS, replicas: 3 };
    expect(leadersOf(assigned(before, [node("b", draining), node("c", synced)], three))).toEqual(new Set(["c"]));
    expect(leadersOf(assigned(before, [node("b", draining), node("c")], three))).toEqual(new Set(["b"]));
  });

  test("that joins is given nothing", () => {
    const world = new SlotWorld().join("a", "b").settle();
    world.join("c").nodes.get("c")!.draining = true;
    expect([world.round(), world.owns("c")]).toEqual([false, false]);
  });

  test("goes to nodes that are not steady when there are no others", () => {
    const before = everySlot({ leader: "a", followers: ["b"] });
    const nodes = [node("a", draining), node("b", { synced: true, steady: false })];
    expect(leadersOf(assigned(before, nodes, { ...OPTIONS, movesMax: 256 }))).toEqual(new Set(["b"]));
  });
});

describe("leads are made even", () => {
  test("in a new cluster within a few rounds: the second node follows everything and is given half of it", () => {
    const world = new SlotWorld().join("a");
    world.round();
    expect(world.leads()).toEqual([256]);
    world.join("b").round();
    expect([world.leads(), world.follows()]).toEqual([
      [256, 0],
      [0, 256],
    ]);
    expect(world.round()).toBe(false);
    world.sync().round();
    expect(world.leads()).toEqual([192, 64]);
    expect(world.round(), "no more before these are synced").toBe(false);
    world.sync().round();
    expect(world.leads()).toEqual([128, 128]);
    expect(leaderEpochs(world.table)).toEqual(new Set([1, 2]));
    expect(world.sync().round()).toBe(false);
  });

  test("by a follower in addition, which is promoted when it is synced; then the one too many is dropped", () => {
    const world = new SlotWorld({ movesMax: 1 }).join("a", "b").settle();
    world.join("c").round();
    const slot = ALL_SLOTS.find((each) => world.table.owners[each]!.followers.length > 1)!;
    const { leader, leaderEpoch } = world.table.owners[slot]!;
    const other = leader === "a" ? "b" : "a";
    const owner = () => world.table.owners[slot];
    expect(owner()).toEqual({ leader, followers: [other, "c"], leaderEpoch });
    expect(world.round(), "nothing before it is synced").toBe(false);
    world.sync((_, nodeId) => nodeId === "c").round();
    expect(owner()).toEqual({ leader: "c", followers: [other, leader], leaderEpoch: leaderEpoch + 1 });
    expect(world.round(), "nobody is dropped before the others have it all").toBe(false);
    world.sync().round();
    expect(owner()?.followers).toHaveLength(1);
  });

  test("also where a slot has no followers at rest", () => {
    const world = new SlotWorld({ replicas: 1 }).join("a", "b").settle();
    expect([world.leads(), world.follows()]).toEqual([
      [128, 128],
      [0, 0],
    ]);
    expect(world.moves).toBe(0);
    world.join("c").settle();
    expect([world.leads().toSorted((one, other) => one - other), world.follows(), world.moves]).toEqual([
      [85, 85, 86],
      [0, 0, 0],
      85,
    ]);
  });

  test("not for a difference that is not worth it, but to the end once it has begun", () => {
    const uneven = (leads: number): SlotTable => ({
      epoch: epoch(7),
      owners: ALL_SLOTS.map((slot) => ({
        leader: slot < leads ? "a" : "b",
        followers: [slot < leads ? "b" : "a"],
        leaderEpoch: epoch(5),
      })),
    });
    const nodes = [node("a", { synced: true }), node("b", { synced: true })];
    const half = (table: SlotTable) => table.owners.filter(({ leader }) => leader === "a").length;
    expect(assignSlots({ table: uneven(134), balancing: false }, nodes, OPTIONS).table).toEqual(uneven(134));
    expect(half(assigned(uneven(135), nodes))).toBe(128);
    expect(half(assignSlots({ table: uneven(134), balancing: true }, nodes, OPTIONS).table)).toBe(128);
  });

  test("not for a node that is not steady, though it follows", () => {
    const world = new SlotWorld().join("a").settle().join("b");
    world.nodes.get("b")!.steady = false;
    world.settle();
    expect([world.leads(), world.follows()]).toEqual([
      [256, 0],
      [0, 256],
    ]);
    world.nodes.get("b")!.steady = true;
    world.settle();
    expect(world.leads()).toEqual([128, 128]);
  });

  test("also when it is the one with too many that is not steady", () => {
    const world = new SlotWorld().join("a").settle().join("b");
    world.nodes.get("a")!.steady = false;
    world.settle();
    expect(world.leads()).toEqual([128, 128]);
  });
});

test("more nodes than slots leave some without any", () => {
  const world = new SlotWorld().join(...names(SLOT_COUNT + 10));
  world.settle();
  expect(Math.max(...world.leads())).toBe(1);
});

test("a cluster that restarts as a whole keeps its leaders, at higher epochs", () => {
  const world = new SlotWorld().join("a", "b", "c").settle();
  const before = world.table;
  for (const nodeId of world.live) world.restart(nodeId);
  world.round();
  for (const [slot, { leader, followers, leaderEpoch }] of before.owners.entries())
    expect(world.table.owners[slot]).toEqual({ leader, followers, leaderEpoch: leaderEpoch + 1 });
});
