// What operators decide holds while processes are killed and come back.

import { test } from "vitest";

import { SEEDS, SEEDS_TIMEOUT_MS, expectSeedsHold } from "./seeds.ts";

test.each(["controls", "probes", "overrides"])("%s", { timeout: SEEDS_TIMEOUT_MS }, async (name) => {
  await expectSeedsHold(name, SEEDS);
});
