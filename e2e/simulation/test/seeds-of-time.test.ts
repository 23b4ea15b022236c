// What is promised holds while processes stand still, clocks leap, nodes come and go, and all of it together.

import { test } from "vitest";

import { SEEDS, SEEDS_TIMEOUT_MS, expectSeedsHold } from "./seeds.ts";

test.each(["pauses", "stale-timers", "clock-jumps", "data-scale", "everything", "service-lists"])(
  "%s",
  { timeout: SEEDS_TIMEOUT_MS },
  async (name) => {
    await expectSeedsHold(name, SEEDS);
  },
);
