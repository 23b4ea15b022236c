/**
 * The page of results. What people wrote in it stays; what lies between `<!-- results of NAME -->` and `<!-- end -->` is made
 * from the kept results.
 */

import type { ScenarioResult } from "../harness/results.ts";
import { plotsOf, type PlotFile } from "./plots.ts";
import { resultTable, usageTable } from "./tables.ts";

const SECTION = /(<!-- results of ([\w-]+) -->\n)[^]*?(<!-- end -->)/g;

/** @throws Error when the page has no place for one of the results. */
export function pageWith(page: string, results: readonly ScenarioResult[]): string {
  const byName = new Map(results.map((result) => [result.scenario, result]));
  const plots = plotsOf(results);
  const filled = page.replaceAll(SECTION, (_, begin: string, name: string, end: string) => {
    const result = byName.get(name);
    byName.delete(name);
    return `${begin}\n${result === undefined ? NOT_KEPT : sectionOf(result, plots)}\n\n${end}`;
  });
  if (byName.size > 0) throw new Error(`the page has no place for results of ${[...byName.keys()].join(", ")}`);
  return filled;
}

const NOT_KEPT = "No results are kept.";

function sectionOf(result: ScenarioResult, plots: readonly PlotFile[]): string {
  const { host, repeats, about } = result;
  const where =
    `Median of ${repeats} repeats (least to most); ${host.date.slice(0, 10)}, commit ${host.commit.slice(0, 10)}` +
    `${host.changed ? " with changes" : ""}, Node ${host.node}, ${host.cores} cores of ${host.cpu}, ${host.memoryGib} GiB.`;
  const usage = result.subjects.some((subject) => subject.usage.length > 0);
  const used = usage ? ["What the servers used for it:", usageTable(result)] : [];
  const drawn = plots
    .filter(({ below }) => below === result.scenario)
    .map(({ title, name }) => `![${title}](benchmarks/${name})`);
  return [about, resultTable(result), ...used, where, ...drawn].join("\n\n");
}
