/** A node's slots, in whichever state a test needs them, and the states in words. */

import { ALL_SLOTS, epoch, slotId, type SlotRef } from "@rollcall/core";

import { SlotOwnership, type Ownership } from "../src/slots/ownership.ts";
import { US, clusterState, session } from "./cluster-fixture.ts";

export const SLOT = slotId(7);
export const LEASE_MS = 15_000;
export const RETURN_MS = 5_000;
export const LEAVING_MS = 10_000;
export const NOBODY: readonly string[] = [];

/** What surrounds the slots of a node, as the test has it at the moment. */
export interface Surroundings {
  wasComplete: boolean;
  readonly linked: Set<string>;
  /** Sessions through which something is registered in every slot, as far as is known here. */
  readonly holders: Set<string>;
}

export function ownershipAmong(surroundings: Surroundings): SlotOwnership {
  return new SlotOwnership(
    { nodeId: US, registrationLeaseMs: LEASE_MS },
    {
      wasComplete: () => surroundings.wasComplete,
      isLinked: (key) => surroundings.linked.has(key),
      holdsAnything: (key) => surroundings.holders.has(key),
    },
  );
}

export const ref = (leaderEpoch: number, slot = SLOT): SlotRef => ({ slot, leaderEpoch: epoch(leaderEpoch) });

const A_AND_B = [session("a"), session("b")];

/** The states that a slot can be in, by what leads to them; all at epoch 2 or before, at time 0. */
const STORIES = {
  "not ours": () => {},
  following: (ownership: SlotOwnership) => {
    ownership.adopt(clusterState({ leader: "other", followers: [US], leaderEpoch: 2, sessions: A_AND_B }), NOBODY, 0);
  },
  "following, synced": (ownership: SlotOwnership) => {
    STORIES.following(ownership);
    ownership.syncChanged(ref(2), true);
  },
  "taking over": (ownership: SlotOwnership) => {
    ownership.adopt(clusterState({ leaderEpoch: 2, sessions: A_AND_B }), NOBODY, 0);
  },
  "taking over a complete copy": (ownership: SlotOwnership) => {
    ownership.adopt(clusterState({ leader: "other", followers: [US], leaderEpoch: 1 }), NOBODY, 0);
    for (const slot of ALL_SLOTS) ownership.syncChanged(ref(1, slot), true);
    ownership.adopt(clusterState({ version: 2, leaderEpoch: 2, sessions: A_AND_B }), ["away#3"], 0);
  },
  leading: (ownership: SlotOwnership) => {
    ownership.adopt(clusterState({ leaderEpoch: 2 }), NOBODY, 0);
  },
  leaving: (ownership: SlotOwnership) => {
    STORIES.leading(ownership);
    ownership.adopt(clusterState({ version: 2, leader: "other", leaderEpoch: 3 }), NOBODY, 0);
  },
} as const;

export type Beginning = keyof typeof STORIES;

export function begin(as: Beginning, wasComplete = false) {
  const surroundings: Surroundings = { wasComplete, linked: new Set(), holders: new Set() };
  const ownership = ownershipAmong(surroundings);
  STORIES[as](ownership);
  return { ownership, surroundings, state: () => inWords(ownership.of(SLOT)) };
}

export function inWords(ownership: Ownership): string {
  switch (ownership.kind) {
    case "not ours":
      return "not ours";
    case "following":
      return `following ${ownership.leader} at ${ownership.leaderEpoch}${ownership.synced ? ", synced" : ""}`;
    case "taking over": {
      const { leaderEpoch, basis, awaiting, isBehind } = ownership;
      return `taking over at ${leaderEpoch} (${basis}), awaiting ${[...awaiting].join(" ")}${isBehind ? ", behind" : ""}`;
    }
    case "leading":
      return `leading at ${ownership.leaderEpoch}`;
    case "leaving":
      return `leaving ${ownership.leaderEpoch} until ${ownership.until}`;
  }
}
