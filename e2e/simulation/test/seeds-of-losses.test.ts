// What is promised holds while processes are killed and come back.

import { test } from "vitest";

import { SEEDS, SEEDS_TIMEOUT_MS, expectSeedsHold } from "./seeds.ts";

test.each(["leader-loss", "pair-loss", "session-loss", "meta-loss", "elections", "full-restart", "disk"])(
  "%s",
  { timeout: SEEDS_TIMEOUT_MS },
  async (name) => {
    await expectSeedsHold(name, SEEDS);
  },
);
