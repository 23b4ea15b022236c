import type { Scenario } from "../harness/scenario.ts";
import { expiryScenario } from "./expiry.ts";
import { fanoutScenario, narrowFanoutScenario, wideFanoutScenario } from "./fanout.ts";
import { latencyScenario } from "./latency.ts";
import { coldStartScenario } from "./cold-start.ts";
import { joinScenario } from "./join.ts";
import { failoverScenario } from "./failover.ts";
import { mixedScenario } from "./mixed.ts";
import { steadyScenario } from "./steady.ts";
import { stormScenario } from "./storm.ts";
import { recoveryScenario } from "./recovery.ts";
import { queryScenario } from "./query.ts";
import {
  clientsScenario,
  deltaScenario,
  idleScenario,
  memoryScenario,
  reconnectScenario,
  slowScenario,
} from "./scripts.ts";
import { bulkScenario, registerScenario, watchedScenario } from "./register.ts";

/** In the order in which they run. */
export const scenarios: readonly Scenario[] = [
  registerScenario,
  bulkScenario,
  watchedScenario,
  queryScenario,
  expiryScenario,
  narrowFanoutScenario,
  fanoutScenario,
  wideFanoutScenario,
  latencyScenario,
  stormScenario,
  mixedScenario,
  failoverScenario,
  recoveryScenario,
  reconnectScenario,
  coldStartScenario,
  joinScenario,
  steadyScenario,
  idleScenario,
  memoryScenario,
  clientsScenario,
  deltaScenario,
  slowScenario,
];
