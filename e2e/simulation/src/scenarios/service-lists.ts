/** Lists of services, while any fault comes with any other. */

import type { SimScenario } from "../sim-scenario.ts";
import { workload } from "../workload.ts";
import { everything } from "./everything.ts";

export const serviceLists: SimScenario = {
  ...everything,
  name: "service-lists",
  run: workload({ steps: 60, stepMaxMs: 1_000, crashes: 0.05, lists: true }),
};
