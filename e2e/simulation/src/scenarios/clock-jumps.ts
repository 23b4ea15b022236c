/**
 * R11: clocks that leap by up to an hour, as on a machine that was suspended. Wall clocks do not exist in the code;
 * that nodes' clocks begin apart and drift is so in every scenario.
 */

import { slow } from "../faults/link-profiles.ts";
import { leap, crash } from "../faults/node-faults.ts";
import { wideShape, type SimScenario } from "../sim-scenario.ts";
import { workload } from "../workload.ts";

const HOUR_MS = 3_600_000;

export const clockJumps: SimScenario = {
  name: "clock-jumps",
  run: workload({ steps: 50, stepMaxMs: 1_000 }),
  shape: wideShape,
  lossless: false,
  profile: {
    links: slow,
    everyMs: [1_000, 6_000],
    chances: [
      { weight: 2, lastsMs: [0, 0], fault: leap("data", [1_000, HOUR_MS]) },
      { weight: 2, lastsMs: [0, 0], fault: leap("meta", [1_000, HOUR_MS]) },
      { weight: 1, lastsMs: [0, 0], fault: leap("session", [1_000, HOUR_MS]) },
      { weight: 1, lastsMs: [200, 8_000], fault: crash("data", { diskLost: 0.3 }) },
    ],
  },
};
