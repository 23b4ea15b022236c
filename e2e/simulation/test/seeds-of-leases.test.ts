// What is promised holds while renewals do not arrive.

import { test } from "vitest";

import { SEEDS, SEEDS_TIMEOUT_MS, expectSeedsHold } from "./seeds.ts";

test("leases", { timeout: SEEDS_TIMEOUT_MS }, async () => {
  await expectSeedsHold("leases", SEEDS);
});
