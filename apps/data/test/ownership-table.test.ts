/** What each state of a slot becomes by what the slot table says. */

import { ALL_SLOTS } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import type { Ownership } from "../src/slots/ownership.ts";
import { US, clusterState, session, type ClusterPicture } from "./cluster-fixture.ts";
import { NOBODY, SLOT, begin, type Beginning } from "./ownership-fixture.ts";

const NOW = 1_000;
const A_AND_B = [session("a"), session("b")];
const epochOf = (state: Ownership) => (state.kind === "not ours" ? 0 : state.leaderEpoch);

describe("a newer state of the cluster", () => {
  const table: readonly {
    from: Beginning;
    told: string;
    picture: ClusterPicture;
    absent?: readonly string[];
    wasComplete?: boolean;
    to: string;
  }[] = [
    { from: "not ours", told: "another leads", picture: { leader: "other" }, to: "not ours" },
    { from: "not ours", told: "nobody leads", picture: { leader: undefined }, to: "not ours" },
    {
      from: "not ours",
      told: "we would follow, and nobody leads",
      picture: { leader: undefined, followers: [US] },
      to: "not ours",
    },
    {
      from: "not ours",
      told: "we follow",
      picture: { leader: "other", followers: [US], leaderEpoch: 4 },
      to: "following other at 4",
    },
    { from: "not ours", told: "we lead, no sessions", picture: { leaderEpoch: 2 }, to: "leading at 2" },
    {
      from: "not ours",
      told: "we lead, two sessions",
      picture: { leaderEpoch: 2, sessions: A_AND_B },
      to: "taking over at 2 (nothing), awaiting a#1 b#1",
    },
    {
      from: "not ours",
      told: "we lead, with a disk",
      picture: { leaderEpoch: 2, sessions: A_AND_B },
      wasComplete: true,
      to: "taking over at 2 (partial), awaiting a#1 b#1",
    },
    {
      from: "not ours",
      told: "we lead, a session is away",
      picture: { leaderEpoch: 2 },
      absent: ["away#3"],
      to: "taking over at 2 (nothing), awaiting away#3",
    },

    {
      from: "following",
      told: "the same again",
      picture: { leader: "other", followers: [US], leaderEpoch: 2 },
      to: "following other at 2",
    },
    {
      from: "following, synced",
      told: "the same again",
      picture: { leader: "other", followers: [US], leaderEpoch: 2 },
      to: "following other at 2, synced",
    },
    {
      from: "following, synced",
      told: "a third one leads: we have not had all that it has",
      picture: { leader: "third", followers: [US], leaderEpoch: 3 },
      to: "following third at 3",
    },
    {
      from: "following, synced",
      told: "another follows",
      picture: { leader: "other", followers: ["third"], leaderEpoch: 2 },
      to: "leaving 2 until 11000",
    },
    {
      from: "following, synced",
      told: "the leader is gone and nobody is named",
      picture: { leader: undefined, leaderEpoch: 2 },
      to: "leaving 2 until 11000",
    },
    {
      from: "following",
      told: "we lead, without having had everything",
      picture: { leaderEpoch: 3, sessions: A_AND_B },
      wasComplete: true,
      to: "taking over at 3 (partial), awaiting a#1 b#1",
    },
    {
      from: "following, synced",
      told: "we lead",
      picture: { leaderEpoch: 3, sessions: A_AND_B },
      wasComplete: true,
      to: "taking over at 3 (complete), awaiting a#1 b#1",
    },
    {
      from: "following, synced",
      told: "we lead, and all sessions are away",
      picture: { leaderEpoch: 3 },
      absent: ["a#1", "b#1"],
      wasComplete: true,
      to: "leading at 3",
    },
    {
      from: "following, synced",
      told: "we lead, and another has in between",
      picture: { leaderEpoch: 4, sessions: A_AND_B },
      wasComplete: true,
      to: "taking over at 4 (partial), awaiting a#1 b#1",
    },

    {
      from: "taking over",
      told: "another leads",
      picture: { leader: "other", leaderEpoch: 3 },
      to: "leaving 2 until 11000",
    },
    {
      from: "taking over",
      told: "another leads, and we follow",
      picture: { leader: "other", followers: [US], leaderEpoch: 3 },
      to: "following other at 3",
    },
    {
      from: "taking over",
      told: "the same again",
      picture: { leaderEpoch: 2, sessions: A_AND_B },
      to: "taking over at 2 (nothing), awaiting a#1 b#1",
    },
    {
      from: "taking over",
      told: "a session is gone",
      picture: { leaderEpoch: 2, sessions: [session("b")] },
      to: "taking over at 2 (nothing), awaiting b#1",
    },
    {
      from: "taking over",
      told: "a session is away and may come back",
      picture: { leaderEpoch: 2, sessions: [session("b")] },
      absent: ["a#1"],
      to: "taking over at 2 (nothing), awaiting a#1 b#1",
    },
    {
      from: "taking over",
      told: "a session has restarted",
      picture: { leaderEpoch: 2, sessions: [session("a", 5), session("b")] },
      to: "taking over at 2 (nothing), awaiting b#1",
    },
    {
      from: "taking over",
      told: "a session is new, and has nothing of the time before",
      picture: { leaderEpoch: 2, sessions: [...A_AND_B, session("c")] },
      to: "taking over at 2 (nothing), awaiting a#1 b#1",
    },
    { from: "taking over", told: "all sessions are gone", picture: { leaderEpoch: 2 }, to: "leading at 2" },
    {
      from: "taking over",
      told: "we lead at a higher epoch, and have not had all of the one before",
      picture: { leaderEpoch: 3, sessions: [session("c")] },
      wasComplete: true,
      to: "taking over at 3 (partial), awaiting c#1",
    },
    {
      from: "taking over a complete copy",
      told: "the sessions that are there go away",
      picture: { leaderEpoch: 2 },
      absent: ["a#1", "b#1", "away#3"],
      to: "leading at 2",
    },

    {
      from: "leading",
      told: "another leads",
      picture: { leader: "other", leaderEpoch: 3 },
      to: "leaving 2 until 11000",
    },
    {
      from: "leading",
      told: "another leads, and we follow",
      picture: { leader: "other", followers: [US], leaderEpoch: 3 },
      to: "following other at 3",
    },
    {
      from: "leading",
      told: "a session is new",
      picture: { leaderEpoch: 2, sessions: [session("c")] },
      to: "leading at 2",
    },
    {
      from: "leading",
      told: "we lead at the next epoch",
      picture: { leaderEpoch: 3, sessions: [session("c")] },
      wasComplete: true,
      to: "taking over at 3 (complete), awaiting c#1",
    },
    {
      from: "leading",
      told: "we lead again, and another has in between",
      picture: { leaderEpoch: 4, sessions: [session("c")] },
      wasComplete: true,
      to: "taking over at 4 (partial), awaiting c#1",
    },
    { from: "leading", told: "we lead at a higher epoch, alone", picture: { leaderEpoch: 3 }, to: "leading at 3" },

    {
      from: "leaving",
      told: "the same again, which gives it no more time",
      picture: { leader: "other", leaderEpoch: 3 },
      to: "leaving 2 until 10000",
    },
    {
      from: "leaving",
      told: "we follow",
      picture: { leader: "other", followers: [US], leaderEpoch: 3 },
      to: "following other at 3",
    },
    {
      from: "leaving",
      told: "it comes back",
      picture: { leaderEpoch: 4, sessions: A_AND_B },
      wasComplete: true,
      to: "taking over at 4 (partial), awaiting a#1 b#1",
    },
    {
      from: "leaving",
      told: "it comes back at the next epoch: who let go of it has no complete copy",
      picture: { leaderEpoch: 3, sessions: A_AND_B },
      wasComplete: true,
      to: "taking over at 3 (partial), awaiting a#1 b#1",
    },
    { from: "leaving", told: "it comes back, no sessions", picture: { leaderEpoch: 4 }, to: "leading at 4" },
  ];

  test.each(table)("$from, $told: $to", ({ from, picture, absent = [], wasComplete = false, to }) => {
    const { ownership, state } = begin(from, wasComplete);
    const before = ownership.of(SLOT);
    const changes = ownership.adopt(clusterState({ version: 9, ...picture }), absent, NOW);
    const after = ownership.of(SLOT);
    expect(state()).toBe(to);
    const isChanged = before.kind !== after.kind || epochOf(before) !== epochOf(after);
    expect(changes.filter(({ slot }) => slot === SLOT)).toEqual(isChanged ? [{ slot: SLOT, before, after }] : []);
    expect(changes).toHaveLength(isChanged ? ALL_SLOTS.length : 0);
    expect([ownership.tableEpoch, ownership.leads(SLOT)]).toEqual([9, /^(leading|taking over)/.test(to)]);
  });

  test.each(["following", "taking over", "leading"] as const)(
    "that lowers the epoch of a slot we are %s stops the node",
    (from) => {
      const picture = { version: 9, leader: from === "following" ? "other" : US, followers: [US], leaderEpoch: 1 };
      expect(() => begin(from).ownership.adopt(clusterState(picture), NOBODY, NOW)).toThrow("only grows");
    },
  );
});
