import { expect } from "vitest";

import type { Scenario } from "../src/world.ts";
import { simulate } from "../src/simulate.ts";

/** Runs a scenario on `count` seeds from `start` on; the failure of the first that fails says how to see it again. */
export async function expectSeedsHold(scenario: Scenario, start: number, count: number): Promise<void> {
  for (let seed = start; seed < start + count; seed++) {
    const { failure } = await simulate(scenario, { seed });
    if (failure === undefined) continue;
    expect.fail(`${failure}\nseed ${seed}: npm run simulate -- --start ${seed} --seeds 1 --trace 100000`);
  }
  expect(count).toBeGreaterThan(0);
}
