/**
 * Makes a failing run small: leaves out steps and faults, large shares first and single ones in the end, for as long as
 * what fails still does. A seed gives the same run each time and each step draws from a source of its own, so what
 * remains is what the failure needs, or at least a way to it that a person can follow.
 */

import { hasFailed, simulate, type Verdict } from "./simulate.ts";
import type { SimScenario } from "./sim-scenario.ts";

/** Runs after which the smallest failure so far has to do. */
const RUNS_MAX = 400;

export interface Shrunk {
  /** Of the smallest run that fails. */
  readonly verdict: Verdict;
  readonly without: ReadonlySet<string>;
  readonly runs: number;
}

export async function shrink(scenario: SimScenario, failing: Verdict): Promise<Shrunk> {
  let smallest: Shrunk = { verdict: failing, without: new Set(), runs: 0 };
  let share = Math.ceil(failing.happened.length / 2);
  for (;;) {
    const before = smallest.verdict.happened.length;
    for (const labels of sharesOf(smallest.verdict.happened, share)) {
      if (smallest.runs >= RUNS_MAX) return smallest;
      smallest = await tryWithout(labels, smallest, scenario);
    }
    if (share === 1 && smallest.verdict.happened.length === before) return smallest;
    share = Math.max(1, Math.floor(share / 2));
  }
}

/** The run without these as well, if that still fails the same way. */
async function tryWithout(labels: readonly string[], smallest: Shrunk, scenario: SimScenario): Promise<Shrunk> {
  const without = new Set([...smallest.without, ...labels]);
  const verdict = await simulate(scenario, { seed: smallest.verdict.seed, without });
  const runs = smallest.runs + 1;
  const isSame = hasFailed(verdict) && kindOf(verdict) === kindOf(smallest.verdict);
  return isSame ? { verdict, without, runs } : { ...smallest, runs };
}

/** What fails: the first property that does, so that one failure is not exchanged for another on the way. */
function kindOf({ broken, violations }: Verdict): string {
  return broken === undefined ? (violations[0]?.property ?? "") : broken.split("\n")[0]!.slice(0, 40);
}

function sharesOf(labels: readonly string[], size: number): string[][] {
  const shares: string[][] = [];
  for (let start = 0; start < labels.length; start += size) shares.push(labels.slice(start, start + size));
  return shares;
}
