// The limits of the contract in the time of the simulation; `npm run simulate -- --recovery` goes on from here.

import { expect, test } from "vitest";

import { recoveries, timeRecoveries } from "../src/recovery.ts";
import { SEEDS_TIMEOUT_MS } from "./seeds.ts";

const SEEDS = [1, 2, 3, 4, 5];

test.each(recoveries)("$name: whole again within $limitMs ms", { timeout: SEEDS_TIMEOUT_MS }, async (recovery) => {
  const times = await timeRecoveries(recovery, SEEDS);
  expect(times.at(-1), times.join(" ")).toBeLessThanOrEqual(recovery.limitMs);
});
