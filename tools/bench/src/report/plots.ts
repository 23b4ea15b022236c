/** The plots that are made of results, each beside the results it is made of. */

import type { ScenarioResult, SubjectResult } from "../harness/results.ts";
import { svgOf, type Plot } from "./svg.ts";

export interface PlotFile {
  /** In the folder of the results. */
  readonly name: string;
  readonly title: string;
  /** The scenario below whose tables it stands. */
  readonly below: string;
  readonly svg: string;
}

const FANOUT = /^fanout-(\d+)$/;
const LAST = "to the last callback";

export function plotsOf(results: readonly ScenarioResult[]): PlotFile[] {
  return [...fanoutPlot(results), ...failoverPlot(results), ...recoveryPlot(results)];
}

function fanoutPlot(results: readonly ScenarioResult[]): PlotFile[] {
  const byCount = results
    .filter(({ scenario }) => FANOUT.test(scenario))
    .map((result) => ({ count: Number(FANOUT.exec(result.scenario)![1]), result }))
    .toSorted((a, b) => a.count - b.count);
  const widest = byCount.at(-1);
  if (widest === undefined || byCount.length < 2) return [];
  const title = "From one change to the last callback";
  const series = widest.result.subjects.map(({ subject: name }) => ({
    name,
    points: byCount.flatMap(({ count, result: { subjects } }) => {
      const metric = subjects.find(({ subject }) => subject === name)?.metrics.find((one) => one.name === LAST);
      return metric === undefined ? [] : [[count, metric.median] as const];
    }),
  }));
  const svg = svgOf({ title, xLabel: "subscribers", yLabel: "ms", scale: "logarithmic", series });
  return [{ name: "fanout.svg", title, below: widest.result.scenario, svg }];
}

function failoverPlot(results: readonly ScenarioResult[]): PlotFile[] {
  const subjects = results.find(({ scenario }) => scenario === "failover")?.subjects ?? [];
  const series = timelinesOf(subjects);
  if (series.length === 0) return [];
  const title = "Callbacks while the one that leads is killed at 0";
  const svg = svgOf({ title, xLabel: "ms", yLabel: "callbacks in 100 ms", scale: "linear", series });
  return [{ name: "failover.svg", title, below: "failover", svg }];
}

function recoveryPlot(results: readonly ScenarioResult[]): PlotFile[] {
  const subjects = results.find(({ scenario }) => scenario === "recovery")?.subjects ?? [];
  const series = timelinesOf(subjects);
  if (series.length === 0) return [];
  const title = "Callbacks while a node is killed at 0";
  const svg = svgOf({ title, xLabel: "ms", yLabel: "callbacks in 100 ms", scale: "linear", series });
  return [{ name: "recovery.svg", title, below: "recovery", svg }];
}

/** Two lines of each: those concerned and the others, where there are any. */
function timelinesOf(subjects: readonly SubjectResult[]): Plot["series"] {
  return subjects.flatMap(({ subject, timeline = [] }) => {
    const line = (name: string, which: "concerned" | "others") =>
      timeline.some((step) => step[which] > 0)
        ? [{ name, points: timeline.map((step) => [step.ms, step[which]] as const) }]
        : [];
    return [...line(subject, "concerned"), ...line(`${subject}, the others`, "others")];
  });
}
