/** Runs scenarios on many seeds and prints the failures; USAGE says how it is told which. */

import { parseArgs } from "node:util";

import { failureInWords, shrunkInWords, storyInWords } from "./report.ts";
import { recoveries, timeRecoveries } from "./recovery.ts";
import { scenarios } from "./scenarios/all.ts";
import { shrink } from "./shrink.ts";
import type { SimScenario } from "./sim-scenario.ts";
import { hasFailed, simulate } from "./simulate.ts";

const names = scenarios.map(({ name }) => name);

const USAGE = `Runs scenarios on many seeds, and prints what went wrong. Ends with exit code 1 when anything did.

  npm run simulate -- [--scenario NAME] [--seeds N] [--start S] [--trace M] [--shrink]

  --scenario NAME  which, or all (the default)
  --seeds N        how many seeds; 100 by default
  --start S        the first of them; 1 by default
  --trace M        of a seed that fails, also its history and the last M messages that were carried; 0 by default
  --shrink         of a seed that fails, leave out faults and steps until nothing more can be spared
  --recovery       instead of scenarios: time how long it takes until all is well again after one fault

Scenarios: ${names.join(", ")}

A seed that fails fails again, message by message:

  npm run simulate -- --scenario leader-loss --seeds 1 --start 17 --trace 100000 --shrink
`;

const { values } = parseArgs({
  options: {
    help: { type: "boolean", default: false },
    scenario: { type: "string", default: "all" },
    seeds: { type: "string", default: "100" },
    start: { type: "string", default: "1" },
    trace: { type: "string", default: "0" },
    shrink: { type: "boolean", default: false },
    recovery: { type: "boolean", default: false },
  },
});

interface RunOptions {
  readonly start: number;
  readonly seeds: number;
  readonly traceMax: number;
  readonly shrinks: boolean;
}

async function run(scenario: SimScenario, { start, seeds, traceMax, shrinks }: RunOptions): Promise<number> {
  const startedAt = performance.now();
  let failures = 0;
  let events = 0;
  for (let seed = start; seed < start + seeds; seed++) {
    const verdict = await simulate(scenario, { seed, traceMax });
    events += verdict.events;
    if (!hasFailed(verdict)) continue;
    failures++;
    if (traceMax > 0 && !shrinks) say(storyInWords(verdict));
    say(`${scenario.name}, seed ${seed}:\n${failureInWords(verdict)}`);
    if (!shrinks) continue;
    const shrunk = await shrink(scenario, verdict);
    // Once more, now with what was said.
    const again = await simulate(scenario, { seed, traceMax, without: shrunk.without });
    if (traceMax > 0) say(storyInWords(again));
    say(shrunkInWords(shrunk));
  }
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  say(`${scenario.name}: ${seeds} seeds, ${failures} failed, ${events} events in ${seconds} s`);
  return failures;
}

/** Prints the times of each kind of recovery; gives how many were over the limit. */
async function runRecoveries({ start, seeds }: RunOptions): Promise<number> {
  let failures = 0;
  for (const recovery of recoveries) {
    const times = await timeRecoveries(
      recovery,
      Array.from({ length: seeds }, (_, index) => start + index),
    );
    const over = times.filter((ms) => ms > recovery.limitMs).length;
    const at = (share: number): string => `${times[Math.ceil(times.length * share) - 1]!.toFixed(0)} ms`;
    say(`${recovery.name}: ${seeds} seeds, median ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)}`);
    say(`  limit ${recovery.limitMs} ms, ${over} over it`);
    failures += over;
  }
  return failures;
}

function say(words: string): void {
  process.stdout.write(`${words}\n`);
}

function wholeNumber(name: string, value: string, least: number): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new Error(`--${name} is a whole number from ${least}, got ${value}`);
}

function chosen(name: string): readonly SimScenario[] {
  const found = scenarios.filter((scenario) => name === "all" || scenario.name === name);
  if (found.length > 0) return found;
  throw new Error(`--scenario is all, ${names.join(", ")}; got ${name}`);
}

async function main(): Promise<void> {
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const options: RunOptions = {
    start: wholeNumber("start", values.start, 0),
    seeds: wholeNumber("seeds", values.seeds, 1),
    traceMax: wholeNumber("trace", values.trace, 0),
    shrinks: values.shrink,
  };
  let failures = 0;
  if (values.recovery) failures = await runRecoveries(options);
  else for (const scenario of chosen(values.scenario)) failures += await run(scenario, options);
  process.exitCode = failures === 0 ? 0 : 1;
}

await main();
