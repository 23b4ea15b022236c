import { describe, expect, test } from "vitest";
import { Departures } from "../src/sessions/departures.ts";

const LEASE_MS = 15_000;

/** Sessions that are members, and have linked up, at time 0. */
function departures(...sessions: string[]): Departures {
  const departures = new Departures(LEASE_MS);
  departures.adopt(sessions, 0);
  for (const session of sessions) departures.seen(session, 0);
  return departures;
}

test("a session that meta knows never departs, however long it is silent", () => {
  const sessions = departures("s#1");
  expect(sessions.expire(100 * LEASE_MS)).toEqual([]);
});

test("one that meta has dropped departs after its lease, once", () => {
  const sessions = departures("s#1", "t#1");
  sessions.adopt(["t#1"], 1_000);
  expect([...sessions.absent()]).toEqual(["s#1"]);
  expect(sessions.expire(1_000 + LEASE_MS - 1)).toEqual([]);
  expect(sessions.expire(1_000 + LEASE_MS)).toEqual(["s#1"]);
  sessions.adopt(["t#1"], 30_000);
  expect(sessions.expire(100 * LEASE_MS)).toEqual([]);
});

test("one that comes back in time was never away", () => {
  const sessions = departures("s#1");
  sessions.adopt([], 1_000);
  sessions.adopt(["s#1"], 10_000);
  expect(sessions.expire(1_000 + LEASE_MS)).toEqual([]);
  sessions.adopt([], 20_000);
  expect(sessions.expire(20_000 + LEASE_MS - 1)).toEqual([]);
  expect(sessions.expire(20_000 + LEASE_MS)).toEqual(["s#1"]);
});

test("being told again that it is gone does not give it more time", () => {
  const sessions = departures("s#1");
  for (const now of [1_000, 5_000, 9_000]) sessions.adopt(["other#1"], now);
  expect(sessions.expire(1_000 + LEASE_MS)).toEqual(["s#1"]);
});

test("a restarted session is another: the life before it departs", () => {
  const sessions = departures("s#1");
  sessions.adopt(["s#2"], 1_000);
  sessions.seen("s#2", 1_000);
  expect(sessions.expire(1_000 + LEASE_MS)).toEqual(["s#1"]);
});

describe("a session that has linked up before meta tells of it", () => {
  test("is waited for, and stays once meta knows it", () => {
    const sessions = new Departures(LEASE_MS);
    sessions.seen("s#1", 0);
    sessions.adopt(["s#1"], 10);
    expect(sessions.expire(100 * LEASE_MS)).toEqual([]);
  });

  test("departs if meta never does", () => {
    const sessions = new Departures(LEASE_MS);
    sessions.seen("s#1", 0);
    expect(sessions.expire(LEASE_MS)).toEqual(["s#1"]);
  });
});

test("one that never linked up has left nothing behind", () => {
  const sessions = new Departures(LEASE_MS);
  sessions.adopt(["s#1"], 0);
  sessions.adopt([], 10);
  expect(sessions.expire(100 * LEASE_MS)).toEqual([]);
});
