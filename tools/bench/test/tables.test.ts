import { expect, test } from "vitest";

import type { ScenarioResult, SubjectResult } from "../src/harness/results.ts";
import { resultTable, usageTable } from "../src/report/tables.ts";

function result(...subjects: readonly Pick<SubjectResult, "subject" | "metrics" | "usage">[]): ScenarioResult {
  const host = { commit: "0", changed: false, node: "v24", cpu: "one", cores: 2, memoryGib: 24, date: "2026-01-02" };
  const faults = { errors: 0, lost: 0, duplicated: 0 };
  const each = subjects.map((subject) => ({ ...subject, faults }));
  return { scenario: "one", title: "", about: "", scale: "full", repeats: 1, host, subjects: each };
}

const spread = (median: number) => ({ median, least: median, most: median });
const metric = (name: string, median: number) => ({ name, unit: "ms", better: "less" as const, ...spread(median) });
const cellsOf = (table: string) =>
  table
    .split("\n")
    .filter((line) => !line.startsWith("| -"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

test("a figure that only one of them has is a row, in which the others have nothing", () => {
  const table = resultTable(
    result(
      { subject: "data", metrics: [metric("back", 1)], usage: [] },
      { subject: "meta", metrics: [metric("late", 2)], usage: [] },
    ),
  );
  expect(cellsOf(table).slice(0, 3)).toEqual([
    ["", "data", "meta"],
    ["back, ms", "1", ""],
    ["late, ms", "", "2"],
  ]);
});

test("how late event loops ran has a column when anybody tells it", () => {
  const plain = { role: "etcd", cpuSeconds: spread(1), residentMib: spread(2) };
  const etcd = { subject: "etcd", metrics: [], usage: [plain] };
  expect(cellsOf(usageTable(result(etcd)))[0]).toEqual(["", "role", "CPU, s", "resident, MiB"]);
  const telling = { ...plain, role: "data", loopDelayMs: spread(3) };
  expect(cellsOf(usageTable(result(etcd, { subject: "rollcall", metrics: [], usage: [telling] })))).toEqual([
    ["", "role", "CPU, s", "resident, MiB", "loop late at p99, ms"],
    ["etcd", "etcd", "1", "2", ""],
    ["rollcall", "data", "1", "2", "3"],
  ]);
});
