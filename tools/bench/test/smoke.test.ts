import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

import { readResults } from "../src/harness/results.ts";
import { scenarios } from "../src/scenarios/all.ts";

const folder = mkdtempSync(join(tmpdir(), "rollcall-smoke-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("every scenario runs at a tiny size, gives all its figures, and sees no fault", { timeout: 240_000 }, () => {
  const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
  const args = ["--conditions=@rollcall/source", main, "--smoke", "--out", folder];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect(stderr).not.toMatch(/Error/);
  const results = readResults(folder);
  const smoking = scenarios.filter(({ smokes }) => smokes !== false);
  expect(results.map(({ scenario }) => scenario).toSorted()).toEqual(smoking.map(({ name }) => name).toSorted());
  for (const { scenario, subjects } of results) {
    for (const { subject, metrics, usage, faults } of subjects) {
      expect([scenario, subject, faults]).toEqual([scenario, subject, { errors: 0, lost: 0, duplicated: 0 }]);
      for (const { residentMib } of usage) expect(residentMib.least).toBeGreaterThan(0);
      expect(metrics.length).toBeGreaterThan(0);
      for (const { median } of metrics) expect(median).toBeGreaterThanOrEqual(0);
    }
  }
  expect(status).toBe(0);
});
