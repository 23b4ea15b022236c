// Half of a thousand seeds, so that both halves run side by side.

import { test } from "vitest";

import { registerToPush } from "../src/scenarios/register-to-push.ts";
import { expectSeedsHold } from "./seeds.ts";

test(
  "register to push holds under loss, reorder, duplication and partition: seeds 1 to 500",
  { timeout: 180_000 },
  async () => {
    await expectSeedsHold(registerToPush, 1, 500);
  },
);
