// Checkers that never complain prove nothing: with the product broken on purpose, each of them has to.

import { formatViolations } from "@rollcall/testing";
import { expect, test } from "vitest";

import { duplicates } from "../src/scenarios/links.ts";
import { hasFailed, simulate, type Verdict } from "../src/simulate.ts";
import { mutants, type Mutant } from "./mutants-product.ts";

/** Seeds that are tried from the known one on: a change of the product may make the known one harmless. */
const SEEDS = 20;

const TIMEOUT_MS = 120_000;

async function simulated({ scenario, begin }: Mutant, seed: number): Promise<Verdict> {
  const mends = begin();
  try {
    return await simulate(scenario, { seed });
  } finally {
    for (const mend of mends.toReversed()) mend();
  }
}

test.each(mutants)("$name", { timeout: TIMEOUT_MS }, async (mutant) => {
  for (let seed = mutant.seed; seed < mutant.seed + SEEDS; seed++) {
    const { broken, violations } = await simulated(mutant, seed);
    // A run that cannot go on has failed as well, but says nothing of the checkers.
    expect(broken).toBeUndefined();
    if (violations.length === 0) continue;
    const found = violations.filter(({ property }) => mutant.violates.includes(property));
    expect(found, formatViolations(violations)).not.toEqual([]);
    return;
  }
  expect.fail(`nothing of it shows in ${SEEDS} seeds of ${mutant.scenario.name} from ${mutant.seed} on`);
});

test("what was broken is whole again afterwards", { timeout: TIMEOUT_MS }, async () => {
  for (const { begin } of mutants) for (const mend of begin().toReversed()) mend();
  expect(hasFailed(await simulate(duplicates, { seed: 6 }))).toBe(false);
});
