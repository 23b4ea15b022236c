/**
 * `npm run bench`: runs scenarios and keeps what they give, one file of JSON for each.
 *
 *     npm run bench -- [--scenario NAME,...] [--subject NAME,...] [--repeats 5] [--size NAME=VALUE,...]
 *         [--out FOLDER] [--smoke] [--list]
 */

import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { describeHost } from "./harness/host.ts";
import { Progress } from "./harness/progress.ts";
import { writeResult } from "./harness/results.ts";
import { runScenario, stepsOf } from "./harness/run.ts";
import type { Scale } from "./harness/scenario.ts";
import { resizedAll } from "./harness/sized.ts";
import { inTurns } from "./load/in-turns.ts";
import { resultTable } from "./report/tables.ts";
import { scenarios } from "./scenarios/all.ts";

// Those of Java are started often in the smoke run, and live too short for its better compiler.
if (process.argv.includes("--smoke")) process.env["JAVA_TOOL_OPTIONS"] ??= "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";

// Most of what is started is what was started before.
process.env["NODE_COMPILE_CACHE"] ??= join(tmpdir(), "rollcall-compiled");

const { values } = parseArgs({
  options: {
    scenario: { type: "string" },
    subject: { type: "string" },
    repeats: { type: "string", default: "5" },
    out: { type: "string", default: fileURLToPath(new URL("../results", import.meta.url)) },
    smoke: { type: "boolean", default: false },
    size: { type: "string" },
    list: { type: "boolean", default: false },
  },
});
const scale: Scale = values.smoke ? "smoke" : "full";
const repeats = values.smoke ? 1 : Number(values.repeats);
const wanted = values.scenario?.split(",");
const unknown = wanted?.filter((name) => !scenarios.some((scenario) => scenario.name === name)) ?? [];
if (unknown.length > 0) throw new Error(`no such scenario: ${unknown.join(", ")}; --list tells which there are`);
const only = values.subject?.split(",");
const named = scenarios.filter(({ name, smokes }) =>
  wanted === undefined ? !values.smoke || smokes !== false : wanted.includes(name),
);
const chosen = (values.size === undefined ? named : resizedAll(named, values.size)).map((scenario) => ({
  ...scenario,
  subjects: scenario.subjects.filter(({ name }) => only === undefined || only.includes(name)),
}));

for (const { name, title, seconds, subjects, sizes = {} } of chosen) {
  const of = subjects.map((subject) => subject.name).join(", ");
  process.stdout.write(`${name.padEnd(22)} ${title} (${of}; ${values.smoke ? "smoke" : `about ${seconds} s`})\n`);
  const each = Object.entries(sizes).map(([size, value]) => `${size}=${value}`);
  if (values.list && each.length > 0) process.stdout.write(`${" ".repeat(23)}--size ${each.join(",")}\n`);
}
const minutes = Math.ceil(chosen.reduce((sum, { seconds }) => sum + seconds, 0) / 60);
if (!values.smoke) process.stdout.write(`about ${minutes} minutes in all, with 5 repeats\n`);
if (!values.list) {
  const progress = new Progress(
    process.stderr,
    chosen.reduce((sum, scenario) => sum + stepsOf(scenario, scale, repeats), 0),
  );
  const ticking = setInterval(() => progress.tick(), 1_000);
  // Figures say nothing in the smoke run, so that one scenario may wait while another one works.
  await inTurns(chosen.length, values.smoke ? 2 : 1, async (index) => {
    const scenario = chosen[index]!;
    const options = {
      scale,
      repeats,
      host: describeHost(new Date()),
      progress,
    };
    const result = await runScenario(scenario, options);
    if (result === undefined || result.subjects.length < scenario.subjects.length) process.exitCode = 1;
    if (result === undefined) return;
    const path = writeResult(join(values.out), result);
    progress.say(`\n${scenario.title}\n\n${resultTable(result)}\n\n${path}\n`);
    const faults = result.subjects.filter(({ faults: { errors, lost, duplicated } }) => errors + lost + duplicated > 0);
    if (faults.length > 0) process.exitCode = 1;
  });
  clearInterval(ticking);
}
