// What is promised holds while nodes are restarted in turn, and clients move.

import { test } from "vitest";

import { SEEDS, SEEDS_TIMEOUT_MS, expectSeedsHold } from "./seeds.ts";

test.each(["rolling-restart", "rolling-upgrade", "moves"])("%s", { timeout: SEEDS_TIMEOUT_MS }, async (name) => {
  await expectSeedsHold(name, SEEDS);
});
