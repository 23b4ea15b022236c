import { expect, test } from "vitest";

import { Names } from "../src/datums/names.ts";

test("names are what they were, however many there are, and those of late are known", () => {
  const names = new Names();
  for (let index = 0; index < 20_000; index++) expect(names.shared(`client-${index}`)).toBe(`client-${index}`);
  expect(names.size).toBeLessThan(10_000);
  expect(names.knows("client-19999")).toBe(true);
  expect(names.knows("client-0")).toBe(false);
});
