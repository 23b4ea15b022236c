import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Departures } from "../src/sessions/departures.ts";

const LEASE_MS = 15_000;
const NOBODY: readonly string[] = [];

/** Sessions that are members, and have linked up, at time 0. */
function departures(...sessions: string[]) {
  const departures = new Departures(LEASE_MS);
  departures.adopt(sessions, NOBODY, 0);
  for (const session of sessions) departures.seen(session, 0);
  return {
    adopt: (members: readonly string[], now: number, departed = NOBODY) => departures.adopt(members, departed, now),
    seen: (session: string, now: number) => departures.seen(session, now),
    restart: (now: number) => departures.restart(now),
    absent: () => departures.absent(),
    /** With meta known to say just now what it said before. */
    expire: (now: number, agreedAt = now) => departures.expire(now, agreedAt),
  };
}

test("a session that meta knows never departs, however long it is silent", () => {
  const sessions = departures("s#1");
  expect(sessions.expire(100 * LEASE_MS)).toEqual([]);
});

test("one that meta has dropped departs after its lease, once", () => {
  const sessions = departures("s#1", "t#1");
  sessions.adopt(["t#1"], 1_000);
  expect(sessions.absent()).toEqual(["s#1"]);
  expect(sessions.expire(1_000 + LEASE_MS - 1)).toEqual([]);
  expect(sessions.expire(1_000 + LEASE_MS)).toEqual(["s#1"]);
  sessions.adopt(["t#1"], 30_000);
  expect([sessions.absent(), sessions.expire(100 * LEASE_MS)]).toEqual([[], []]);
});

test("one that comes back in time was never away", () => {
  const sessions = departures("s#1");
  sessions.adopt([], 1_000);
  sessions.adopt(["s#1"], 10_000);
  expect([sessions.absent(), sessions.expire(1_000 + LEASE_MS)]).toEqual([[], []]);
  sessions.adopt([], 20_000);
  expect(sessions.expire(20_000 + LEASE_MS - 1)).toEqual([]);
  expect(sessions.expire(20_000 + LEASE_MS)).toEqual(["s#1"]);
});

test("being told again that it is gone does not give it more time", () => {
  const sessions = departures("s#1");
  for (const now of [1_000, 5_000, 9_000]) {
    sessions.adopt(["other#1"], now, ["s#1"]);
    sessions.seen("s#1", now);
  }
  expect(sessions.expire(1_000 + LEASE_MS)).toEqual(["s#1"]);
});

test("one that is gone for good is not waited for again while meta still tells of it", () => {
  const sessions = departures("s#1");
  sessions.adopt(["other#1"], 1_000, ["s#1"]);
  expect(sessions.expire(1_000 + LEASE_MS)).toEqual(["s#1"]);
  sessions.adopt(["other#1"], 1_000 + LEASE_MS + 10, ["s#1"]);
  expect(sessions.absent()).toEqual([]);
  sessions.seen("s#1", 1_000 + LEASE_MS + 20);
  expect(sessions.absent(), "what it still has here is another matter").toEqual(["s#1"]);
});

test("a restarted session is another: the life before it departs", () => {
  const sessions = departures("s#1");
  sessions.adopt(["s#2"], 1_000);
  sessions.seen("s#2", 1_000);
  expect(sessions.expire(1_000 + LEASE_MS)).toEqual(["s#1"]);
});

describe("a session that was heard of before meta tells of it, by a link or by what is registered through it", () => {
  test("is waited for, and stays once meta knows it", () => {
    const sessions = departures();
    sessions.seen("s#1", 0);
    expect(sessions.absent()).toEqual(["s#1"]);
    sessions.adopt(["s#1"], 10);
    expect([sessions.absent(), sessions.expire(100 * LEASE_MS)]).toEqual([[], []]);
  });

  test("departs if meta never does", () => {
    const sessions = departures();
    sessions.seen("s#1", 0);
    expect(sessions.expire(LEASE_MS)).toEqual(["s#1"]);
  });

  test("is waited for anew when it is heard of again after it was given up", () => {
    const sessions = departures();
    sessions.seen("s#1", 0);
    sessions.expire(LEASE_MS);
    sessions.seen("s#1", 20_000);
    expect(sessions.expire(20_000 + LEASE_MS - 1)).toEqual([]);
    expect(sessions.expire(20_000 + LEASE_MS)).toEqual(["s#1"]);
  });
});

describe("a session that meta tells is gone", () => {
  test("is waited for, though this node never heard of it: its clients may still be on the way", () => {
    const sessions = departures();
    sessions.adopt(["t#1"], 1_000, ["s#1"]);
    expect(sessions.absent()).toEqual(["s#1"]);
    expect(sessions.expire(1_000 + LEASE_MS)).toEqual(["s#1"]);
  });

  test("is not waited for when it is a member all the same", () => {
    const sessions = departures();
    sessions.adopt(["s#1"], 1_000, ["s#1"]);
    expect([sessions.absent(), sessions.expire(100 * LEASE_MS)]).toEqual([[], []]);
  });
});

test("one that never linked up and is not told to have gone has left nothing behind", () => {
  const sessions = departures();
  sessions.adopt(["s#1"], 0);
  sessions.adopt([], 10);
  expect([sessions.absent(), sessions.expire(100 * LEASE_MS)]).toEqual([[], []]);
});

describe("a session whose time is up", () => {
  test("goes only when meta is known to have dropped it still, after that time", () => {
    const sessions = departures("s#1");
    sessions.adopt([], 1_000);
    const over = 1_000 + LEASE_MS;
    expect(sessions.expire(over, 500)).toEqual([]);
    expect(sessions.expire(over + 5_000, over - 1)).toEqual([]);
    expect(sessions.absent()).toEqual(["s#1"]);
    expect(sessions.expire(over + 6_000, over)).toEqual(["s#1"]);
    expect([sessions.absent(), sessions.expire(over + 7_000)]).toEqual([[], []]);
  });

  test("stays when meta turns out to know it again", () => {
    const sessions = departures("s#1");
    sessions.adopt([], 1_000);
    expect(sessions.expire(60_000, 900)).toEqual([]);
    sessions.adopt(["s#1"], 60_100);
    expect([sessions.absent(), sessions.expire(100 * LEASE_MS)]).toEqual([[], []]);
  });

  test("is not given more time by being heard of again", () => {
    const sessions = departures("s#1");
    sessions.adopt([], 1_000);
    sessions.expire(1_000 + LEASE_MS, 0);
    sessions.seen("s#1", 20_000);
    sessions.adopt([], 20_000, ["s#1"]);
    expect(sessions.expire(20_000)).toEqual(["s#1"]);
  });
});

describe("when the node itself stood still", () => {
  test("all waiting begins anew, also for those whose time was up", () => {
    const sessions = departures("s#1", "t#1");
    sessions.adopt(["t#1"], 1_000);
    sessions.expire(1_000 + LEASE_MS, 0);
    sessions.adopt([], 20_000);
    sessions.restart(60_000);
    expect(sessions.absent().toSorted()).toEqual(["s#1", "t#1"]);
    expect(sessions.expire(60_000 + LEASE_MS - 1)).toEqual([]);
    expect(sessions.expire(60_000 + LEASE_MS).toSorted()).toEqual(["s#1", "t#1"]);
  });

  test("members are still members, and who was given up stays given up", () => {
    const sessions = departures("s#1", "t#1");
    sessions.adopt(["t#1"], 0);
    expect(sessions.expire(LEASE_MS)).toEqual(["s#1"]);
    sessions.restart(60_000);
    expect([sessions.absent(), sessions.expire(100 * LEASE_MS)]).toEqual([[], []]);
  });
});

// Whatever happens ---------------------------------------------------------------------------------------------------

const names = ["a#1", "b#1", "c#1"];
const steps = fc.oneof(
  fc.record({ kind: fc.constant("adopt" as const), there: fc.subarray(names), departed: fc.subarray(names) }),
  fc.record({ kind: fc.constant("seen" as const), session: fc.constantFrom(...names) }),
  fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 9_000 }) }),
  fc.record({ kind: fc.constant("expire" as const), behindMs: fc.integer({ min: 0, max: 30_000 }) }),
);

test("nobody goes who was a member, in meta's word or the node's, within the lease before meta was last asked", () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 60 }), (story) => {
      const sessions = departures();
      let [now, members, agreed] = [0, new Set<string>(), 0];
      const memberUntil = new Map<string, number>();
      const wrong: string[] = [];
      for (const step of story) {
        switch (step.kind) {
          case "adopt":
            members = new Set(step.there);
            sessions.adopt(step.there, now, step.departed);
            break;
          case "seen":
            sessions.seen(step.session, now);
            break;
          case "wait":
            now += step.ms;
            break;
          case "expire":
            agreed = Math.max(agreed, now - step.behindMs);
            for (const gone of sessions.expire(now, agreed)) {
              const wasThere = members.has(gone) || sessions.absent().includes(gone);
              if (wasThere || agreed - (memberUntil.get(gone) ?? -Infinity) < LEASE_MS) wrong.push(`${gone} at ${now}`);
            }
            break;
        }
        for (const session of members) memberUntil.set(session, now);
        expect(sessions.absent().filter((session) => members.has(session))).toEqual([]);
      }
      expect(wrong).toEqual([]);
    }),
    { numRuns: 500 },
  );
});
