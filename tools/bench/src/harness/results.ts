/** What a scenario has given, as it is kept: one file of JSON for each. */

import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Host } from "./host.ts";
import type { Faults, Measured, Scale, Scenario, Timeline } from "./scenario.ts";
import { medianOf, rounded } from "./statistics.ts";

export interface ScenarioResult {
  readonly scenario: string;
  readonly title: string;
  readonly about: string;
  readonly scale: Scale;
  readonly repeats: number;
  readonly host: Host;
  readonly subjects: readonly SubjectResult[];
}

export interface SubjectResult {
  readonly subject: string;
  readonly metrics: readonly MetricResult[];
  readonly usage: readonly RoleResult[];
  readonly faults: Faults;
  /** Of the last repeat. */
  readonly timeline?: Timeline | undefined;
}

/** Over the repeats. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export interface MetricResult extends Spread {
  readonly name: string;
  readonly unit: string;
  readonly better: "less" | "more";
}

export interface RoleResult {
  readonly role: string;
  readonly cpuSeconds: Spread;
  readonly residentMib: Spread;
  /** How late its event loop ran at p99, in milliseconds, where it tells that. */
  readonly loopDelayMs?: Spread | undefined;
}

export function subjectResult(subject: string, repeats: readonly Measured[]): SubjectResult {
  const [first] = repeats;
  if (first === undefined) throw new Error(`${subject} was not measured`);
  const sum = (field: keyof Faults): number => repeats.reduce((total, { faults }) => total + faults[field], 0);
  return {
    subject,
    metrics: first.metrics.map(({ name, unit, better }, index) => ({
      name,
      unit,
      better,
      ...spreadOf(repeats.map(({ metrics }) => metrics[index]!.value)),
    })),
    usage: first.usage.map(({ role, loopDelayMs }, index) => ({
      role,
      cpuSeconds: spreadOf(repeats.map(({ usage }) => usage[index]!.cpuSeconds)),
      residentMib: spreadOf(repeats.map(({ usage }) => usage[index]!.residentMib)),
      ...(loopDelayMs !== undefined && {
        loopDelayMs: spreadOf(repeats.map(({ usage }) => usage[index]!.loopDelayMs!)),
      }),
    })),
    faults: { errors: sum("errors"), lost: sum("lost"), duplicated: sum("duplicated") },
    timeline: repeats.at(-1)?.timeline,
  };
}

export function scenarioResult(
  { name, title, about }: Scenario,
  run: Pick<ScenarioResult, "scale" | "repeats" | "host" | "subjects">,
): ScenarioResult {
  return { scenario: name, title, about, ...run };
}

export function writeResult(folder: string, result: ScenarioResult): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${result.scenario}.json`);
  writeFileSync(path, `${JSON.stringify(result, undefined, 2)}\n`);
  return path;
}

/** All that lie in a folder, by name. */
export function readResults(folder: string): ScenarioResult[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .toSorted()
    .map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as ScenarioResult);
}

function spreadOf(values: readonly number[]): Spread {
  return { median: rounded(medianOf(values)), least: rounded(Math.min(...values)), most: rounded(Math.max(...values)) };
}
