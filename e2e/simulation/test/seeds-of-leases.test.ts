// What is promised holds while renewals do not arrive.

import { test } from "vitest";

import { SEEDS, SEEDS_TIMEOUT_MS, expectSeedsHold } from "./seeds.ts";

test.each(["leases"])("%s", { timeout: SEEDS_TIMEOUT_MS }, async (name) => {
  await expectSeedsHold(name, SEEDS);
});
