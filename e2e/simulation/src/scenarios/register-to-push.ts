/**
 * The first scenario: providers come, change and go, subscribers look on through different filters, and whatever
 * happens to the network, in the end everybody sees who is there.
 */

import { workload } from "../workload.ts";
import type { Scenario } from "../world.ts";

export const registerToPush: Scenario = {
  name: "register-to-push",
  run: workload({ steps: 40, stepMaxMs: 400 }),
};
