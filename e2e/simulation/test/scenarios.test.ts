import { readdirSync, readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { scenarios } from "../src/scenarios/all.ts";

test("every scenario has a name of its own and is run by one of the files of seeds", () => {
  const tests = readdirSync(import.meta.dirname)
    .filter((name) => name.startsWith("seeds-of-"))
    .map((name) => readFileSync(`${import.meta.dirname}/${name}`, "utf8"))
    .map((text) => /test\.each\(\[([^\]]*)\]\)/.exec(text)![1]!)
    .flatMap((list) => [...list.matchAll(/"([^"]+)"/g)].map((match) => match[1]!));
  expect(tests.toSorted()).toEqual(scenarios.map(({ name }) => name).toSorted());
  expect(new Set(tests).size).toBe(tests.length);
});
