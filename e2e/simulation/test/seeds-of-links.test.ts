// What is promised holds while links lose, repeat, reorder and are cut.

import { test } from "vitest";

import { SEEDS, SEEDS_TIMEOUT_MS, expectSeedsHold } from "./seeds.ts";

test.each(["register-to-push", "duplicates", "flapping", "data-partition", "session-partition"])(
  "%s",
  { timeout: SEEDS_TIMEOUT_MS },
  async (name) => {
    await expectSeedsHold(name, SEEDS);
  },
);
