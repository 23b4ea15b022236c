import { expect, test } from "vitest";

import { saysMore } from "../src/parts.ts";

test.each([
  ["nothing at all", {}, []],
  ["parts that are left out", { hello: undefined, items: [], resync: false }, []],
  ["only what does not count", { hello: undefined, writes: [1] }, ["writes"]],
])("a message with %s says no more", (_, message, but) => {
  expect(saysMore(message, but)).toBe(false);
});

test.each([
  ["a list", { items: [1] }, []],
  ["a truth", { resync: true }, []],
  ["a value", { hello: {} }, []],
  ["a part beside what does not count", { writes: [1], reports: [2] }, ["writes"]],
])("a message with %s says something", (_, message, but) => {
  expect(saysMore(message, but)).toBe(true);
});
