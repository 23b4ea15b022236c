import { ALL_SLOTS, epoch, slotId, type Epoch, type SlotId } from "@rollcall/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SlotOwnership, type Ownership } from "../src/slots/ownership.ts";
import { US, clusterState, keyOf, session, type ClusterPicture } from "./cluster-fixture.ts";

const SLOT = slotId(7);
const NOBODY: readonly string[] = [];

/** The states a slot can be in, with how it gets there. */
const begin = {
  "not ours": () => new SlotOwnership(US),
  "taking over": () => {
    const ownership = new SlotOwnership(US);
    ownership.adopt(clusterState({ leaderEpoch: 2, sessions: [session("a"), session("b")] }), NOBODY);
    return ownership;
  },
  leading: () => {
    const ownership = new SlotOwnership(US);
    ownership.adopt(clusterState({ leaderEpoch: 2 }), NOBODY);
    return ownership;
  },
} as const;

const inWords = (ownership: Ownership): string =>
  ownership.kind === "taking over"
    ? `taking over at ${ownership.leaderEpoch}, awaiting ${[...ownership.awaiting].join(" ")}`
    : ownership.kind === "leading"
      ? `leading at ${ownership.leaderEpoch}`
      : ownership.kind;

describe("a newer state of the cluster", () => {
  const table: readonly {
    from: keyof typeof begin;
    told: string;
    picture: ClusterPicture;
    absent?: readonly string[];
    to: string;
  }[] = [
    { from: "not ours", told: "another leads", picture: { leader: "other" }, to: "not ours" },
    { from: "not ours", told: "nobody leads", picture: { leader: undefined }, to: "not ours" },
    { from: "not ours", told: "we lead, no sessions", picture: { leaderEpoch: 2 }, to: "leading at 2" },
    {
      from: "not ours",
      told: "we lead, two sessions",
      picture: { leaderEpoch: 2, sessions: [session("a"), session("b")] },
      to: "taking over at 2, awaiting a#1 b#1",
    },
    {
      from: "not ours",
      told: "we lead, a session is away",
      picture: { leaderEpoch: 2 },
      absent: ["away#3"],
      to: "taking over at 2, awaiting away#3",
    },
    { from: "taking over", told: "another leads", picture: { leader: "other", leaderEpoch: 3 }, to: "not ours" },
    {
      from: "taking over",
      told: "the same again",
      picture: { leaderEpoch: 2, sessions: [session("a"), session("b")] },
      to: "taking over at 2, awaiting a#1 b#1",
    },
    {
      from: "taking over",
      told: "a session is gone",
      picture: { leaderEpoch: 2, sessions: [session("b")] },
      to: "taking over at 2, awaiting b#1",
    },
    {
      from: "taking over",
      told: "a session is away and may come back",
      picture: { leaderEpoch: 2, sessions: [session("b")] },
      absent: ["a#1"],
      to: "taking over at 2, awaiting a#1 b#1",
    },
    {
      from: "taking over",
      told: "a session has restarted",
      picture: { leaderEpoch: 2, sessions: [session("a", 5), session("b")] },
      to: "taking over at 2, awaiting b#1",
    },
    {
      from: "taking over",
      told: "a session is new, and has nothing of the time before",
      picture: { leaderEpoch: 2, sessions: [session("a"), session("b"), session("c")] },
      to: "taking over at 2, awaiting a#1 b#1",
    },
    { from: "taking over", told: "all sessions are gone", picture: { leaderEpoch: 2 }, to: "leading at 2" },
    {
      from: "taking over",
      told: "we lead at a higher epoch",
      picture: { leaderEpoch: 3, sessions: [session("c")] },
      to: "taking over at 3, awaiting c#1",
    },
    { from: "leading", told: "another leads", picture: { leader: "other", leaderEpoch: 3 }, to: "not ours" },
    {
      from: "leading",
      told: "a session is new",
      picture: { leaderEpoch: 2, sessions: [session("c")] },
      to: "leading at 2",
    },
    {
      from: "leading",
      told: "we lead at a higher epoch",
      picture: { leaderEpoch: 3, sessions: [session("c")] },
      to: "taking over at 3, awaiting c#1",
    },
    { from: "leading", told: "we lead at a higher epoch, alone", picture: { leaderEpoch: 3 }, to: "leading at 3" },
  ];

  test.each(table)("$from, $told: $to", ({ from, picture, absent = [], to }) => {
    const ownership = begin[from]();
    const before = ownership.of(SLOT);
    const changes = ownership.adopt(clusterState({ version: 9, ...picture }), absent);
    expect(inWords(ownership.of(SLOT))).toBe(to);
    const epochOf = (state: Ownership) => (state.kind === "not ours" ? 0 : state.leaderEpoch);
    const changed = before.kind !== ownership.of(SLOT).kind || epochOf(before) !== epochOf(ownership.of(SLOT));
    const expected = changed ? [{ slot: SLOT, before, after: ownership.of(SLOT) }] : [];
    expect(changes.filter(({ slot }) => slot === SLOT)).toEqual(expected);
    expect(changes).toHaveLength(changed ? ALL_SLOTS.length : 0);
  });

  test("that lowers a slot's epoch under us stops the node", () => {
    const ownership = begin.leading();
    expect(() => ownership.adopt(clusterState({ version: 9, leaderEpoch: 1 }), NOBODY)).toThrow("only grows");
  });
});

describe("a report", () => {
  const report = (leaderEpoch: number, slot = SLOT) => ({ slot, leaderEpoch: epoch(leaderEpoch) });

  test("of the last awaited session makes the slot led, and only that slot", () => {
    const ownership = begin["taking over"]();
    expect(ownership.report(keyOf("a"), report(2))).toEqual([]);
    const changes = ownership.report(keyOf("b"), report(2));
    expect(changes.map(({ slot, after }) => [slot, inWords(after)])).toEqual([[SLOT, "leading at 2"]]);
    expect(inWords(ownership.of(slotId(8)))).toBe("taking over at 2, awaiting a#1 b#1");
    expect(ownership.count("leading")).toBe(1);
  });

  test.each([
    { what: "again", from: keyOf("a"), leaderEpoch: 2 },
    { what: "of nobody awaited", from: keyOf("z"), leaderEpoch: 2 },
    { what: "of another life of the session", from: keyOf("b", 9), leaderEpoch: 2 },
    { what: "of an older epoch", from: keyOf("b"), leaderEpoch: 1 },
    { what: "of a newer epoch", from: keyOf("b"), leaderEpoch: 3 },
  ])("$what changes nothing", ({ from, leaderEpoch }) => {
    const ownership = begin["taking over"]();
    ownership.report(keyOf("a"), report(2));
    expect(ownership.report(from, report(leaderEpoch))).toEqual([]);
    expect(inWords(ownership.of(SLOT))).toBe("taking over at 2, awaiting b#1");
  });

  test.each(["not ours", "leading"] as const)("for a slot that is %s says nothing", (from) => {
    expect(begin[from]().report(keyOf("a"), report(2))).toEqual([]);
  });
});

test("a session that is gone for good is awaited nowhere any more", () => {
  const ownership = begin["taking over"]();
  expect(ownership.forget(keyOf("a"))).toEqual([]);
  const changes = ownership.forget(keyOf("b"));
  expect(changes).toHaveLength(ALL_SLOTS.length);
  expect(ownership.count("leading")).toBe(ALL_SLOTS.length);
});

describe("an access", () => {
  const ours = (leaderEpoch: number) => ({ tableEpoch: 1, leaderEpoch });
  const table: readonly { from: keyof typeof begin; at: number; read: object; write: object }[] = [
    { from: "not ours", at: 0, read: { kind: "moved", ...ours(3) }, write: { kind: "moved", ...ours(3) } },
    { from: "not ours", at: 3, read: { kind: "moved", ...ours(3) }, write: { kind: "moved", ...ours(3) } },
    { from: "not ours", at: 4, read: { kind: "stale", ...ours(3) }, write: { kind: "stale", ...ours(3) } },
    { from: "taking over", at: 1, read: { kind: "stale", ...ours(2) }, write: { kind: "stale", ...ours(2) } },
    { from: "taking over", at: 2, read: { kind: "migrating", ...ours(2) }, write: { kind: "accepted" } },
    { from: "taking over", at: 3, read: { kind: "stale", ...ours(2) }, write: { kind: "stale", ...ours(2) } },
    { from: "leading", at: 1, read: { kind: "stale", ...ours(2) }, write: { kind: "stale", ...ours(2) } },
    { from: "leading", at: 2, read: { kind: "accepted" }, write: { kind: "accepted" } },
    { from: "leading", at: 3, read: { kind: "stale", ...ours(2) }, write: { kind: "stale", ...ours(2) } },
  ];

  test.each(table)("$from, a caller at epoch $at", ({ from, at, read, write }) => {
    const ownership = begin[from]();
    if (from === "not ours") ownership.adopt(clusterState({ leader: "other", leaderEpoch: 3 }), NOBODY);
    expect(ownership.access(SLOT, epoch(at), "read")).toEqual(read);
    expect(ownership.access(SLOT, epoch(at), "write")).toEqual(write);
  });
});

// Whatever happens ---------------------------------------------------------------------------------------------------

type Step =
  | { readonly kind: "table"; readonly leads: "us" | "other"; readonly sessions: readonly string[] }
  | { readonly kind: "sessions"; readonly sessions: readonly string[]; readonly absent: readonly string[] }
  | { readonly kind: "report"; readonly session: string; readonly back: number }
  | { readonly kind: "forget"; readonly session: string };

const names = ["a", "b", "c", "d"];
const someNames = fc.subarray(names);
const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("table" as const),
    leads: fc.constantFrom("us" as const, "us" as const, "other" as const),
    sessions: someNames,
  }),
  fc.record({ kind: fc.constant("sessions" as const), sessions: someNames, absent: someNames }),
  fc.record({
    kind: fc.constant("report" as const),
    session: fc.constantFrom(...names),
    back: fc.integer({ min: -1, max: 1 }),
  }),
  fc.record({ kind: fc.constant("report" as const), session: fc.constantFrom(...names), back: fc.constant(0) }),
  fc.record({ kind: fc.constant("forget" as const), session: fc.constantFrom(...names) }),
);

test("a slot is never led before every awaited session has reported or is gone, and its epoch never goes back", () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 40 }), (story) => {
      const ownership = new SlotOwnership(US);
      let [version, leaderEpoch, leader] = [0, 0, "other"];
      let highest = 0 as Epoch;
      /** Who has to report before the slot may be led at the present epoch; a model of nothing but that. */
      let awaited = new Set<string>();
      const adopt = (sessions: readonly string[], absent: readonly string[], begins: boolean) => {
        version++;
        const away = absent.filter((name) => !sessions.includes(name));
        const known = new Set([...sessions, ...away]);
        awaited = begins ? known : new Set([...awaited].filter((name) => known.has(name)));
        const members = sessions.map((name) => session(name));
        ownership.adopt(
          clusterState({ version, leader, leaderEpoch, sessions: members }),
          away.map((name) => keyOf(name)),
        );
      };
      for (const step of story) {
        switch (step.kind) {
          case "table":
            leaderEpoch++;
            leader = step.leads === "us" ? US : "other";
            adopt(step.sessions, [], true);
            break;
          case "sessions":
            adopt(step.sessions, step.absent, false);
            break;
          case "report":
            ownership.report(keyOf(step.session), {
              slot: SLOT,
              leaderEpoch: epoch(Math.max(0, leaderEpoch - step.back)),
            });
            if (step.back === 0) awaited.delete(step.session);
            break;
          case "forget":
            ownership.forget(keyOf(step.session));
            awaited.delete(step.session);
            break;
        }
        const now = ownership.of(SLOT);
        expect(now.kind).toBe(leader !== US ? "not ours" : awaited.size > 0 ? "taking over" : "leading");
        const at = now.kind === "not ours" ? highest : now.leaderEpoch;
        expect(at).toBeGreaterThanOrEqual(highest);
        highest = at;
        expectAccessToTell(ownership, SLOT, now, epoch(leaderEpoch));
      }
    }),
    { numRuns: 300 },
  );
});

function expectAccessToTell(ownership: SlotOwnership, slot: SlotId, now: Ownership, at: Epoch): void {
  const kinds = {
    "not ours": ["moved", "moved"],
    "taking over": ["migrating", "accepted"],
    leading: ["accepted", "accepted"],
  };
  const answers = (["read", "write"] as const).map((use) => ownership.access(slot, at, use).kind);
  expect(answers).toEqual(kinds[now.kind]);
}
