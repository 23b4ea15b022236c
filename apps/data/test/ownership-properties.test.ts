/** Whatever tables, agreements, departures and times come: the slot is what a model of a few lines says it is. */

import { epoch, slotId } from "@rollcall/core";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { SlotOwnership } from "../src/slots/ownership.ts";
import { US, clusterState, keyOf, session } from "./cluster-fixture.ts";
import {
  LEASE_MS,
  LEAVING_MS,
  RETURN_MS,
  SLOT,
  inWords,
  ownershipAmong,
  ref,
  type Surroundings,
} from "./ownership-fixture.ts";

type Role = "leader" | "follower" | "nothing";

type Step =
  | {
      readonly kind: "table";
      readonly role: Role;
      readonly epochs: number;
      readonly there: readonly string[];
      readonly away: readonly string[];
    }
  | { readonly kind: "agree"; readonly session: string; readonly back: number; readonly isBehind: boolean }
  | { readonly kind: "forget"; readonly session: string }
  | { readonly kind: "sync"; readonly synced: boolean; readonly back: number }
  | { readonly kind: "link" | "hold"; readonly session: string; readonly isSo: boolean }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "stall"; readonly ms: number };

const NAMES = ["a", "b", "c", "d"];
const oneName = fc.constantFrom(...NAMES);
const back = fc.constantFrom(0, 0, 0, 1, -1);

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("table" as const),
    role: fc.constantFrom<Role>("leader", "leader", "follower", "follower", "nothing"),
    epochs: fc.constantFrom(0, 1, 1, 2),
    there: fc.subarray(NAMES),
    away: fc.subarray(NAMES),
  }),
  fc.record({
    kind: fc.constant("agree" as const),
    session: oneName,
    back,
    isBehind: fc.constantFrom(false, false, true),
  }),
  fc.record({ kind: fc.constant("forget" as const), session: oneName }),
  fc.record({ kind: fc.constant("sync" as const), synced: fc.constantFrom(true, true, false), back }),
  fc.record({ kind: fc.constantFrom("link" as const, "hold" as const), session: oneName, isSo: fc.boolean() }),
  fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 20_000 }) }),
  fc.record({ kind: fc.constant("stall" as const), ms: fc.integer({ min: 0, max: 60_000 }) }),
);

/** What one node is to one slot, as it follows from what has happened, without thought of how it is kept. */
class Model {
  role: Role = "nothing";
  leaderEpoch = 0;
  now = 0;
  is: "not ours" | "following" | "taking over" | "leading" | "leaving" = "not ours";
  basis: "complete" | "partial" | "nothing" = "nothing";
  synced = false;
  awaiting = new Set<string>();
  members: readonly string[] = [];
  linked = new Set<string>();
  holders = new Set<string>();
  isBehind = false;
  since = 0;
  leftAt = 0;
  /** Of the newest state it was in that was any. */
  highest = 0;

  table(role: Role, leaderEpoch: number, there: readonly string[], away: readonly string[], hasContent: boolean): void {
    const [epochBefore, wasComplete] = [this.leaderEpoch, this.is === "leading" || this.synced];
    const isNewLeader = leaderEpoch !== epochBefore;
    const known = new Set([...there, ...away]);
    this.leaderEpoch = leaderEpoch;
    this.members = there;
    if (role === "leader" && (this.role !== "leader" || isNewLeader)) {
      this.basis = wasComplete && leaderEpoch === epochBefore + 1 ? "complete" : hasContent ? "partial" : "nothing";
      [this.is, this.since, this.isBehind, this.awaiting] = ["taking over", this.now, false, known];
    }
    if (role === "follower" && (this.role !== "follower" || isNewLeader)) [this.is, this.synced] = ["following", false];
    if (role === "nothing" && this.role !== "nothing") [this.is, this.leftAt] = ["leaving", this.now];
    if (role !== "follower") this.synced = false;
    this.awaiting = new Set([...this.awaiting].filter((name) => known.has(name)));
    this.role = role;
    this.settle();
  }

  settle(): void {
    if (this.is !== "taking over") return;
    const waited = this.now - this.since;
    if ([...this.awaiting].every((name) => waited >= this.patienceWith(name))) this.is = "leading";
  }

  patienceWith(name: string): number {
    if (this.members.includes(name) || this.linked.has(name)) return LEASE_MS;
    const mayLack = this.isBehind || this.basis === "partial";
    if (mayLack && this.holders.has(name)) return 2 * LEASE_MS;
    if (this.isBehind) return LEASE_MS;
    return { complete: 0, partial: RETURN_MS, nothing: LEASE_MS }[this.basis];
  }

  sweep(): void {
    this.settle();
    if (this.is === "leaving" && this.now - this.leftAt >= LEAVING_MS) this.is = "not ours";
  }
}

/** The epoch that whoever speaks believes in. */
function epochOf({ back }: { readonly back: number }, model: Model): number {
  return Math.max(0, model.leaderEpoch - back);
}

function take(step: Step, model: Model, ownership: SlotOwnership, surroundings: Surroundings, version: number): void {
  switch (step.kind) {
    case "table": {
      // Only meta gives leads, and each with an epoch of its own.
      const isOtherLead = (step.role === "leader") !== (model.role === "leader");
      const leaderEpoch = model.leaderEpoch + Math.max(step.epochs, isOtherLead ? 1 : 0);
      const away = step.away.filter((name) => !step.there.includes(name));
      surroundings.wasComplete = model.is !== "not ours";
      model.table(step.role, leaderEpoch, step.there, away, surroundings.wasComplete);
      const picture = {
        version,
        leader: step.role === "leader" ? US : "other",
        followers: step.role === "follower" ? [US] : ["third"],
        leaderEpoch,
        sessions: step.there.map((name) => session(name)),
      };
      ownership.adopt(
        clusterState(picture),
        away.map((name) => keyOf(name)),
        model.now,
      );
      return;
    }
    case "agree": {
      const at = epochOf(step, model);
      if (at === model.leaderEpoch && model.is === "taking over") {
        model.awaiting.delete(step.session);
        model.isBehind ||= step.isBehind;
        model.settle();
      }
      ownership.agreed(keyOf(step.session), ref(at), step.isBehind, model.now);
      return;
    }
    case "forget":
      if (model.awaiting.delete(step.session)) model.settle();
      ownership.forget(keyOf(step.session), model.now);
      return;
    case "sync":
      if (model.is === "following" && epochOf(step, model) === model.leaderEpoch) model.synced = step.synced;
      ownership.syncChanged(ref(epochOf(step, model)), step.synced);
      return;
    case "link":
    case "hold": {
      const [modelled, real] =
        step.kind === "link" ? [model.linked, surroundings.linked] : [model.holders, surroundings.holders];
      if (step.isSo) {
        modelled.add(step.session);
        real.add(keyOf(step.session));
      } else {
        modelled.delete(step.session);
        real.delete(keyOf(step.session));
      }
      return;
    }
    case "wait":
      model.now += step.ms;
      break;
    case "stall":
      model.now += step.ms;
      if (model.is === "taking over") model.since = model.now;
      ownership.restartWaiting(model.now);
      break;
  }
  model.sweep();
  ownership.sweep(model.now);
}

/** The model in the words of the fixture. */
function wordsOf({ is, leaderEpoch, synced, basis, awaiting, isBehind }: Model): string {
  const names = [...awaiting].map((name) => keyOf(name)).toSorted();
  const words = {
    "not ours": "",
    following: ` other at ${leaderEpoch}${synced ? ", synced" : ""}`,
    "taking over": ` at ${leaderEpoch} (${basis}), awaiting ${names.join(" ")}${isBehind ? ", behind" : ""}`,
    leading: ` at ${leaderEpoch}`,
    leaving: "",
  };
  return is + words[is];
}

function wordsOfReal(ownership: SlotOwnership): string {
  const now = ownership.of(SLOT);
  if (now.kind === "leaving") return now.kind;
  return inWords(now.kind === "taking over" ? { ...now, awaiting: new Set([...now.awaiting].toSorted()) } : now);
}

const ACCESS = {
  "not ours": ["moved", "moved"],
  following: ["moved", "moved"],
  "taking over": ["migrating", "accepted"],
  leading: ["accepted", "accepted"],
  leaving: ["moved", "moved"],
};

function expectLike(model: Model, ownership: SlotOwnership): void {
  expect(wordsOfReal(ownership)).toBe(wordsOf(model));
  const now = ownership.of(SLOT);
  const at = now.kind === "not ours" ? model.highest : now.leaderEpoch;
  expect(at).toBeGreaterThanOrEqual(model.highest);
  model.highest = at;
  const leaderEpoch = epoch(model.leaderEpoch);
  expect(["read" as const, "write" as const].map((use) => ownership.access(SLOT, leaderEpoch, use).kind)).toEqual(
    ACCESS[model.is],
  );
  const isLed = model.role === "leader";
  expect([ownership.leads(SLOT), ownership.led().some(({ slot }) => slot === SLOT)]).toEqual([isLed, isLed]);
  expect(ownership.synced().has(SLOT)).toBe(model.is === "following" && model.synced);
}

test("a slot is led only when the model says that nothing is left to wait for, and its epoch never goes back", () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 40 }), (story) => {
      const surroundings: Surroundings = { wasComplete: false, linked: new Set(), holders: new Set() };
      const ownership = ownershipAmong(surroundings);
      const model = new Model();
      for (const [index, step] of story.entries()) {
        take(step, model, ownership, surroundings, index + 1);
        expectLike(model, ownership);
      }
    }),
    { numRuns: 300 },
  );
});

test("slots do not touch one another: one that is agreed on does not make its neighbours led", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(255), { maxLength: 40 }), (agreed) => {
      const ownership = ownershipAmong({ wasComplete: false, linked: new Set(), holders: new Set() });
      ownership.adopt(clusterState({ leaderEpoch: 1, sessions: [session("a")] }), [], 0);
      for (const slot of agreed) ownership.agreed(keyOf("a"), ref(1, slotId(slot)), false, 0);
      expect(ownership.count("leading")).toBe(agreed.length);
      for (const slot of agreed) expect(ownership.of(slotId(slot)).kind).toBe("leading");
    }),
    { numRuns: 30 },
  );
});
