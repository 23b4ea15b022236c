import { ALL_SLOTS, epoch, slotId } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { US, clusterState, keyOf, session } from "./cluster-fixture.ts";
import {
  LEASE_MS,
  LEAVING_MS,
  NOBODY,
  RETURN_MS,
  SLOT,
  begin,
  inWords,
  ref,
  type Beginning,
} from "./ownership-fixture.ts";

const NOW = 1_000;
const A_AND_B = [session("a"), session("b")];

test("led and synced name the slots that are, and nothing else", () => {
  const ours = new Set([1, 5].map(slotId));
  const { ownership } = begin("not ours");
  const leader = (slot: number) => (ours.has(slotId(slot)) ? US : "other");
  ownership.adopt(clusterState({ leader, leaderEpoch: 3, followers: [US], sessions: A_AND_B }), NOBODY, 0);
  ownership.syncChanged(ref(3, slotId(9)), true);
  expect(ownership.led()).toEqual([ref(3, slotId(1)), ref(3, slotId(5))]);
  expect([...ownership.synced()]).toEqual([9]);
  expect([ownership.count("taking over"), ownership.count("following")]).toEqual([2, ALL_SLOTS.length - 2]);
});

describe("a session's agreement", () => {
  const agree = (from: Beginning) => {
    const begun = begin(from);
    const agreed = (key: string, leaderEpoch = 2, isBehind = false) =>
      begun.ownership.agreed(key, ref(leaderEpoch), isBehind, NOW).map(({ slot, after }) => [slot, inWords(after)]);
    return { ...begun, agreed };
  };

  test("of the last awaited one makes the slot led, and only that slot", () => {
    const { ownership, agreed } = agree("taking over");
    expect(agreed(keyOf("a"))).toEqual([]);
    expect(agreed(keyOf("b"))).toEqual([[SLOT, "leading at 2"]]);
    expect(inWords(ownership.of(slotId(8)))).toBe("taking over at 2 (nothing), awaiting a#1 b#1");
    expect(ownership.count("leading")).toBe(1);
  });

  test.each([
    { what: "again", from: keyOf("a"), leaderEpoch: 2 },
    { what: "of nobody awaited", from: keyOf("z"), leaderEpoch: 2 },
    { what: "of another life of the session", from: keyOf("b", 9), leaderEpoch: 2 },
    { what: "of an older epoch", from: keyOf("b"), leaderEpoch: 1 },
    { what: "of a newer epoch", from: keyOf("b"), leaderEpoch: 3 },
  ])("$what changes nothing", ({ from, leaderEpoch }) => {
    const { agreed, state } = agree("taking over");
    agreed(keyOf("a"));
    expect(agreed(from, leaderEpoch)).toEqual([]);
    expect(state()).toBe("taking over at 2 (nothing), awaiting b#1");
  });

  test.each(["not ours", "following, synced", "leading", "leaving"] as const)("for a slot %s says nothing", (from) => {
    const { agreed, state } = agree(from);
    const before = state();
    expect([agreed(keyOf("a")), state()]).toEqual([[], before]);
  });

  test("of all that are there is enough for a complete copy", () => {
    const { agreed, state } = agree("taking over a complete copy");
    agreed(keyOf("a"));
    expect(state()).toBe("taking over at 2 (complete), awaiting b#1 away#3");
    expect(agreed(keyOf("b"))).toEqual([[SLOT, "leading at 2"]]);
  });

  test("that shows the copy to be behind makes it wait for those that are away, too", () => {
    const { agreed, state, ownership } = agree("taking over a complete copy");
    agreed(keyOf("a"), 2, true);
    agreed(keyOf("b"), 2, false);
    expect(state()).toBe("taking over at 2 (complete), awaiting away#3, behind");
    expect(ownership.agreed("away#3", ref(2), false, NOW)).toHaveLength(1);
  });

  test.each([
    { what: "for a while, for one that is away", holds: false, isBehind: false, ledAt: RETURN_MS },
    { what: "for one that is away and left something here", holds: true, isBehind: false, ledAt: 2 * LEASE_MS },
    { what: "for one that is away when it is behind", holds: false, isBehind: true, ledAt: LEASE_MS },
    {
      what: "no less for one that left something here when it is behind: it may have been unregistered since",
      holds: true,
      isBehind: true,
      ledAt: 2 * LEASE_MS,
    },
  ])("of all that are there is not enough for a copy: it waits $what", ({ holds, isBehind, ledAt }) => {
    const { ownership, surroundings, state } = begin("not ours", true);
    if (holds) surroundings.holders.add("away#3");
    ownership.adopt(clusterState({ leaderEpoch: 2, sessions: A_AND_B }), ["away#3"], 0);
    for (const key of [keyOf("a"), keyOf("b")]) ownership.agreed(key, ref(2), isBehind, NOW);
    ownership.sweep(ledAt - 1);
    expect(state()).toMatch("taking over at 2 (partial), awaiting away#3");
    ownership.sweep(ledAt);
    expect(state()).toBe("leading at 2");
  });

  test("and a while are not enough for a slot begun with nothing, of which those that are away may have it all", () => {
    const { ownership, state } = begin("not ours");
    ownership.adopt(clusterState({ leaderEpoch: 2, sessions: [session("a")] }), ["away#3"], 0);
    ownership.agreed(keyOf("a"), ref(2), false, NOW);
    ownership.sweep(LEASE_MS - 1);
    expect(state()).toBe("taking over at 2 (nothing), awaiting away#3");
    ownership.sweep(LEASE_MS);
    expect(state()).toBe("leading at 2");
  });

  test("of those that are away lets a copy be led, though they left something here", () => {
    const { ownership, surroundings, state } = begin("not ours", true);
    surroundings.holders.add("away#3");
    ownership.adopt(clusterState({ leaderEpoch: 2 }), ["away#3"], 0);
    ownership.agreed("away#3", ref(2), false, NOW);
    expect(state()).toBe("leading at 2");
  });
});

describe("waiting", () => {
  test.each(["taking over", "taking over a complete copy"] as const)(
    "when %s, for a member that does not answer, ends with the registration lease",
    (from) => {
      const { ownership } = begin(from);
      ownership.agreed(keyOf("a"), ref(2), false, 0);
      expect(ownership.sweep(LEASE_MS - 1)).toEqual([]);
      expect(ownership.sweep(LEASE_MS)).toHaveLength(ALL_SLOTS.length);
      expect(ownership.count("leading")).toBe(ALL_SLOTS.length);
    },
  );

  test("for one that is linked goes on though meta has lost sight of it, until the link is gone", () => {
    const { ownership, surroundings, state } = begin("taking over a complete copy");
    surroundings.linked.add("away#3");
    for (const key of [keyOf("a"), keyOf("b")]) ownership.agreed(key, ref(2), false, NOW);
    ownership.sweep(NOW);
    expect(state()).toBe("taking over at 2 (complete), awaiting away#3");
    surroundings.linked.clear();
    ownership.sweep(NOW);
    expect(state()).toBe("leading at 2");
  });

  test("begins anew when the node itself stood still", () => {
    const { ownership } = begin("taking over");
    ownership.restartWaiting(20_000);
    expect(ownership.sweep(20_000 + LEASE_MS - 1)).toEqual([]);
    expect(ownership.sweep(20_000 + LEASE_MS)).toHaveLength(ALL_SLOTS.length);
  });

  test("begins anew with a new epoch, not with a new state of the cluster", () => {
    const { ownership, state } = begin("taking over");
    ownership.adopt(clusterState({ version: 2, leaderEpoch: 2, sessions: A_AND_B }), NOBODY, 10_000);
    ownership.adopt(clusterState({ version: 3, leaderEpoch: 3, sessions: A_AND_B }), NOBODY, LEASE_MS - 1);
    expect(ownership.sweep(2 * LEASE_MS - 2)).toEqual([]);
    ownership.sweep(2 * LEASE_MS - 1);
    expect(state()).toBe("leading at 3");
    const other = begin("taking over");
    other.ownership.adopt(clusterState({ version: 2, leaderEpoch: 2, sessions: A_AND_B }), NOBODY, 10_000);
    other.ownership.sweep(LEASE_MS);
    expect(other.state()).toBe("leading at 2");
  });

  test("for a session that is gone for good ends", () => {
    const { ownership } = begin("taking over");
    expect(ownership.forget(keyOf("a"), NOW)).toEqual([]);
    expect(ownership.forget(keyOf("b"), NOW)).toHaveLength(ALL_SLOTS.length);
    expect(ownership.count("leading")).toBe(ALL_SLOTS.length);
  });
});

test("what was given to others is kept for a while, and then it is not ours", () => {
  const { ownership, state } = begin("leaving");
  expect(ownership.sweep(LEAVING_MS - 1)).toEqual([]);
  expect(state()).toBe("leaving 2 until 10000");
  expect(ownership.sweep(LEAVING_MS)).toHaveLength(ALL_SLOTS.length);
  expect([state(), ownership.sweep(LEAVING_MS)]).toEqual(["not ours", []]);
});

describe("what a follower says of its being complete", () => {
  test("is news once, and taken back likewise", () => {
    const { ownership, state } = begin("following");
    const said = [true, true, false, false, true].map((synced) => ownership.syncChanged(ref(2), synced));
    expect([said, state()]).toEqual([[true, false, true, false, true], "following other at 2, synced"]);
    expect(ownership.synced()).toEqual(new Set([SLOT]));
  });

  test.each([
    { from: "following", leaderEpoch: 1 },
    { from: "following", leaderEpoch: 3 },
    { from: "not ours", leaderEpoch: 0 },
    { from: "taking over", leaderEpoch: 2 },
    { from: "leading", leaderEpoch: 2 },
    { from: "leaving", leaderEpoch: 2 },
  ] as const)("at epoch $leaderEpoch is nothing when it is $from at another epoch or not at all", (row) => {
    const { ownership, state } = begin(row.from);
    const before = state();
    expect([ownership.syncChanged(ref(row.leaderEpoch), true), state()]).toEqual([false, before]);
    expect(ownership.synced().size).toBe(0);
  });
});

describe("an access", () => {
  const at = (tableEpoch: number, leaderEpoch: number) => ({ tableEpoch, leaderEpoch });
  const table: readonly { from: Beginning; caller: number; read: object; write?: object }[] = [
    { from: "not ours", caller: 0, read: { kind: "moved", ...at(0, 0) } },
    { from: "not ours", caller: 1, read: { kind: "stale", ...at(0, 0) } },
    { from: "following", caller: 1, read: { kind: "moved", ...at(1, 2) } },
    { from: "following, synced", caller: 2, read: { kind: "moved", ...at(1, 2) } },
    { from: "following", caller: 3, read: { kind: "stale", ...at(1, 2) } },
    { from: "taking over", caller: 1, read: { kind: "stale", ...at(1, 2) } },
    { from: "taking over", caller: 2, read: { kind: "migrating", ...at(1, 2) }, write: { kind: "accepted" } },
    { from: "taking over", caller: 3, read: { kind: "stale", ...at(1, 2) } },
    { from: "leading", caller: 1, read: { kind: "stale", ...at(1, 2) } },
    { from: "leading", caller: 2, read: { kind: "accepted" } },
    { from: "leading", caller: 3, read: { kind: "stale", ...at(1, 2) } },
    { from: "leaving", caller: 2, read: { kind: "moved", ...at(2, 3) } },
    { from: "leaving", caller: 3, read: { kind: "moved", ...at(2, 3) } },
    { from: "leaving", caller: 4, read: { kind: "stale", ...at(2, 3) } },
  ];

  test.each(table)("$from, a caller at epoch $caller", ({ from, caller, read, write = read }) => {
    const { ownership } = begin(from);
    expect(ownership.access(SLOT, epoch(caller), "read")).toEqual(read);
    expect(ownership.access(SLOT, epoch(caller), "write")).toEqual(write);
  });
});
