import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readRepository, textFromFinding } from "../src/repository.ts";
import { rules } from "../src/rules.ts";

const files = readRepository(fileURLToPath(new URL("../../..", import.meta.url)));

test.each(rules)("$name", (rule) => {
  expect(rule.check(files).map(textFromFinding)).toEqual([]);
});
