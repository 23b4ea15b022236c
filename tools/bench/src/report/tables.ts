/** Results as tables of Markdown. */

import type { MetricResult, ScenarioResult, Spread, SubjectResult } from "../harness/results.ts";

/** One row for each figure that any of them has, one column for each that was measured beside the others. */
export function resultTable({ subjects }: ScenarioResult): string {
  const units = new Map(subjects.flatMap(({ metrics }) => metrics.map(({ name, unit }) => [name, unit] as const)));
  const rows = [...units].map(([name, unit]) => [
    unit === "" ? name : `${name}, ${unit}`,
    ...subjects.map((subject) => cellOf(subject.metrics.find((metric) => metric.name === name))),
  ]);
  return markdownTable([["", ...subjects.map(({ subject }) => subject)], ...rows, faultsRow(subjects)]);
}

/** What the servers of each role used in one repeat, and how late their event loops ran, where they tell that. */
export function usageTable({ subjects }: ScenarioResult): string {
  const tellsDelay = subjects.some(({ usage }) => usage.some(({ loopDelayMs }) => loopDelayMs !== undefined));
  const delayCell = (delay: Spread | undefined): string[] =>
    tellsDelay ? [delay === undefined ? "" : withSpread(delay)] : [];
  const rows = subjects.flatMap(({ subject, usage }) =>
    usage.map(({ role, cpuSeconds, residentMib, loopDelayMs }) => [
      subject,
      role,
      withSpread(cpuSeconds),
      withSpread(residentMib),
      ...delayCell(loopDelayMs),
    ]),
  );
  const delayHead = tellsDelay ? ["loop late at p99, ms"] : [];
  return markdownTable([["", "role", "CPU, s", "resident, MiB", ...delayHead], ...rows]);
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
