import type { Member } from "@rollcall/core";
import { expect, test } from "vitest";
import { DEPARTED_MAX, DEPARTED_MS, Departed } from "../src/membership/departed.ts";

const session = (incarnation: number, nodeId = "session-1"): Member => ({
  nodeId,
  incarnation,
  role: "session",
  address: `${nodeId}:9600`,
});

test("a session is remembered for a while, and not for longer", () => {
  const departed = new Departed([], 0);
  departed.add(session(1), 1_000);
  expect(departed.expire(1_000 + DEPARTED_MS - 1)).toBe(false);
  expect(departed.list()).toEqual([session(1)]);
  expect(departed.expire(1_000 + DEPARTED_MS)).toBe(true);
  expect(departed.list()).toEqual([]);
  expect(departed.expire(1_000_000)).toBe(false);
});

test("each life of a session is one", () => {
  const departed = new Departed([], 0);
  departed.add(session(1), 0);
  departed.add(session(2), 500);
  departed.expire(DEPARTED_MS);
  expect(departed.list()).toEqual([session(2)]);
});

test("a life that is back has not departed; the others have", () => {
  const departed = new Departed([], 0);
  departed.add(session(1), 0);
  departed.add(session(2), 0);
  departed.back(session(2));
  expect(departed.list()).toEqual([session(1)]);
  departed.back(session(1));
  expect(departed.expire(DEPARTED_MS), "there is nothing to tell").toBe(false);
});

test("data nodes hold no clients: nobody waits for what they had", () => {
  const departed = new Departed([], 0);
  departed.add({ ...session(1), role: "data" }, 0);
  expect(departed.list()).toEqual([]);
});

test("those that were stored are remembered for the whole time again", () => {
  const departed = new Departed([session(1), session(2)], 70_000);
  expect(departed.expire(70_000 + DEPARTED_MS - 1)).toBe(false);
  expect(departed.list()).toEqual([session(1), session(2)]);
});

test("there is an end to the list: the first gone are forgotten first", () => {
  const departed = new Departed([], 0);
  for (let incarnation = 1; incarnation <= DEPARTED_MAX + 2; incarnation++) departed.add(session(incarnation), 0);
  expect(departed.list()).toHaveLength(DEPARTED_MAX);
  expect(departed.list()[0]).toEqual(session(3));
});
