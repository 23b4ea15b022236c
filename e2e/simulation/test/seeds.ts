import { expect } from "vitest";

import { failureInWords } from "../src/report.ts";
import { scenarios } from "../src/scenarios/all.ts";
import { hasFailed, simulate } from "../src/simulate.ts";

/** Runs a scenario on `count` seeds from 1 on; the failure of the first that fails says how to see it again. */
export async function expectSeedsHold(name: string, count: number): Promise<void> {
  const scenario = scenarios.find((scenario) => scenario.name === name);
  if (scenario === undefined) expect.fail(`there is no scenario ${name}`);
  for (let seed = 1; seed <= count; seed++) {
    const verdict = await simulate(scenario, { seed });
    if (!hasFailed(verdict)) continue;
    const again = `npm run simulate -- --scenario ${name} --start ${seed} --seeds 1 --trace 100000 --shrink`;
    expect.fail(`${failureInWords(verdict)}\nseed ${seed}: ${again}`);
  }
}

/** What every run of the tests can afford of each scenario; `npm run simulate` goes on from there. */
export const SEEDS = 10;

export const SEEDS_TIMEOUT_MS = 120_000;
