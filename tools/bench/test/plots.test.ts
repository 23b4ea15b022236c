import { expect, test } from "vitest";

import type { ScenarioResult } from "../src/harness/results.ts";
import { plotsOf } from "../src/report/plots.ts";

const host = {
  commit: "0",
  changed: false,
  node: "v24",
  cpu: "a processor",
  cores: 2,
  memoryGib: 24,
  date: "2026-01-02",
};

function result(scenario: string, subject: Partial<ScenarioResult["subjects"][number]>): ScenarioResult {
  const faults = { errors: 0, lost: 0, duplicated: 0 };
  const subjects = [{ subject: "a < b", metrics: [], usage: [], faults, ...subject }];
  return { scenario, title: "", about: "", scale: "full", repeats: 1, host, subjects };
}

const lastCallback = (median: number) => ({
  metrics: [{ name: "to the last callback", unit: "ms", better: "less" as const, median, least: median, most: median }],
});

test("latency is drawn against subscribers, each order of magnitude as wide as the next", () => {
  const [plot] = plotsOf([
    result("fanout-10000", lastCallback(100)),
    result("fanout-100", lastCallback(1)),
    result("fanout-1000", lastCallback(10)),
  ]);
  expect(plot).toMatchObject({ name: "fanout.svg", below: "fanout-10000" });
  expect(plot!.svg).toContain('points="70,350 310,195 550,40"');
  expect(plot!.svg).toContain("a &lt; b</text>");
});

test("the recovery of each role is drawn over time, those concerned and the others", () => {
  const timeline = [
    { ms: -100, concerned: 10, others: 20 },
    { ms: 0, concerned: 0, others: 20 },
    { ms: 100, concerned: 20, others: 20 },
  ];
  const [plot] = plotsOf([result("recovery", { timeline })]);
  expect(plot).toMatchObject({ name: "recovery.svg", below: "recovery" });
  expect(plot!.svg).toContain('points="70,195 310,350 550,40"');
  expect(plot!.svg).toContain('points="70,40 310,40 550,40"');
  expect(plot!.svg).toContain("a &lt; b, the others</text>");
});

test("who concerns nobody has one line only", () => {
  const timeline = [
    { ms: 0, concerned: 0, others: 10 },
    { ms: 100, concerned: 0, others: 10 },
  ];
  const [plot] = plotsOf([result("recovery", { subject: "the meta", timeline })]);
  expect(plot!.svg.match(/<polyline/g)).toHaveLength(1);
  expect(plot!.svg).toContain("the meta, the others</text>");
});

test("a failover is drawn for each registry, and what is spared by itself", () => {
  const timeline = [
    { ms: 0, concerned: 10, others: 0 },
    { ms: 100, concerned: 0, others: 10 },
  ];
  const [plot] = plotsOf([result("failover", { subject: "rollcall", timeline })]);
  expect(plot).toMatchObject({ name: "failover.svg", below: "failover" });
  expect(plot!.svg).toContain('points="70,40 550,350"');
  expect(plot!.svg).toContain("rollcall, the others</text>");
});

test("nothing is drawn of what was not measured", () => {
  expect(plotsOf([])).toEqual([]);
  expect(plotsOf([result("fanout-100", lastCallback(1)), result("recovery", {}), result("failover", {})])).toEqual([]);
});
