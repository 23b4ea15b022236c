import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

import { readResults, type ScenarioResult } from "../src/harness/results.ts";
import { pageWith } from "../src/report/page.ts";
import { plotsOf } from "../src/report/plots.ts";
import { scenarios } from "../src/scenarios/all.ts";

const docs = fileURLToPath(new URL("../../../docs/", import.meta.url));

const result: ScenarioResult = {
  scenario: "one",
  title: "One",
  about: "What is done.",
  scale: "full",
  repeats: 3,
  host: {
    commit: "0123456789abcdef",
    changed: false,
    node: "v24.0.0",
    cpu: "a processor",
    cores: 2,
    memoryGib: 24,
    date: "2026-01-02T03:04:05.000Z",
  },
  subjects: [
    {
      subject: "rollcall",
      metrics: [{ name: "acknowledged", unit: "1/s", better: "more", median: 12_345, least: 12_000, most: 13_000 }],
      usage: [
        {
          role: "session",
          cpuSeconds: { median: 0.5, least: 0.5, most: 0.5 },
          residentMib: { median: 120, least: 119, most: 121 },
        },
      ],
      faults: { errors: 0, lost: 0, duplicated: 0 },
    },
  ],
};

test("docs/benchmarks.md says what the kept results say", () => {
  const page = readFileSync(`${docs}benchmarks.md`, "utf8");
  expect(pageWith(page, readResults(`${docs}benchmarks`))).toBe(page);
});

test("the kept plots show what the kept results say", () => {
  for (const { name, svg } of plotsOf(readResults(`${docs}benchmarks`)))
    expect(readFileSync(`${docs}benchmarks/${name}`, "utf8")).toBe(svg);
});

test("no kept result was taken at the size of a smoke test, or of a scenario that is no more, or with faults", () => {
  const names = scenarios.map(({ name }) => name);
  for (const { scenario, scale, subjects } of readResults(`${docs}benchmarks`)) {
    expect([scenario, scale]).toEqual([scenario, "full"]);
    expect(names).toContain(scenario);
    for (const { subject, faults } of subjects)
      expect([scenario, subject, faults]).toEqual([scenario, subject, { errors: 0, lost: 0, duplicated: 0 }]);
  }
});

test("a page keeps its words and takes the figures, with what they were taken on", () => {
  const page = pageWith("Words.\n\n<!-- results of one -->\nold\n<!-- end -->\n\nMore words.\n", [result]);
  expect(page).toMatch(/^Words\.\n\n<!-- results of one -->\n\nWhat is done\.\n/);
  expect(page).toContain("12,345 (12,000 to 13,000) |");
  expect(page).toContain("commit 0123456789, Node v24.0.0, 2 cores of a processor, 24 GiB");
  expect(page).not.toContain("old");
  expect(page).toMatch(/<!-- end -->\n\nMore words\.\n$/);
  expect(pageWith(page, [result])).toBe(page);
});

test("a place without a result says so, and a result without a place is refused", () => {
  expect(pageWith("<!-- results of two -->\n<!-- end -->\n", [])).toContain("\nNo results are kept.\n");
  expect(() => pageWith("Words.\n", [result])).toThrow("no place for results of one");
});

test("every scenario has a place on the page", () => {
  const page = readFileSync(`${docs}benchmarks.md`, "utf8");
  const places = [...page.matchAll(/<!-- results of ([\w-]+) -->/g)].map(([, name]) => name);
  expect(places).toEqual(scenarios.map(({ name }) => name));
});
