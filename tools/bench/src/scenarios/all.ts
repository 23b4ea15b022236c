import type { Scenario } from "../harness/scenario.ts";
import { fanoutScenario, wideFanoutScenario } from "./fanout.ts";
import { latencyScenario } from "./latency.ts";
import { bulkScenario, registerScenario, watchedScenario } from "./register.ts";

/** In the order in which they run. */
export const scenarios: readonly Scenario[] = [
  registerScenario,
  bulkScenario,
  watchedScenario,
  fanoutScenario,
  wideFanoutScenario,
  latencyScenario,
];
