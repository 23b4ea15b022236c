/** Results as tables of Markdown. */

import type { MetricResult, ScenarioResult, Spread, SubjectResult } from "../harness/results.ts";

/** One row for each figure, one column for each that was measured beside the others. */
export function resultTable({ subjects }: ScenarioResult): string {
  const [first] = subjects;
  if (first === undefined) return "";
  const rows = first.metrics.map(({ name, unit }) => [
    unit === "" ? name : `${name}, ${unit}`,
    ...subjects.map((subject) => cellOf(subject.metrics.find((metric) => metric.name === name))),
  ]);
  return markdownTable([["", ...subjects.map(({ subject }) => subject)], ...rows, faultsRow(subjects)]);
}

/** What the servers of each role used, in one repeat. */
export function usageTable({ subjects }: ScenarioResult): string {
  const rows = subjects.flatMap(({ subject, usage }) =>
    usage.map(({ role, cpuSeconds, residentMib }) => [subject, role, withSpread(cpuSeconds), withSpread(residentMib)]),
  );
  return markdownTable([["", "role", "CPU, s", "resident, MiB"], ...rows]);
}

function faultsRow(subjects: readonly SubjectResult[]): string[] {
  return [
    "errors / lost / duplicated",
    ...subjects.map(({ faults: { errors, lost, duplicated } }) => `${errors} / ${lost} / ${duplicated}`),
  ];
}

function cellOf(metric: MetricResult | undefined): string {
  return metric === undefined ? "" : withSpread(metric);
}

/** The median, and in parentheses the least and the most that was seen. */
function withSpread({ median, least, most }: Spread): string {
  const text = numberText(median);
  return least === most ? text : `${text} (${numberText(least)} to ${numberText(most)})`;
}

export function numberText(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 });
}

function markdownTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(3, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(" | ")} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [line(rows[0]!), rule, ...rows.slice(1).map(line)].join("\n");
}
