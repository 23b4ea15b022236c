/** R6: all servers end at once and come back, with and without what data nodes had on disk. */

import { slow } from "../faults/link-profiles.ts";
import { crashEverything } from "../faults/node-faults.ts";
import { anyShape, type SimScenario } from "../sim-scenario.ts";
import { workload } from "../workload.ts";

export const fullRestart: SimScenario = {
  name: "full-restart",
  run: workload({ steps: 40, stepMaxMs: 2_000 }),
  shape: anyShape,
  lossless: true,
  profile: {
    links: slow,
    everyMs: [15_000, 30_000],
    chances: [{ weight: 1, lastsMs: [200, 8_000], fault: crashEverything({ silent: 0.3, diskLost: 0.3 }) }],
  },
};
