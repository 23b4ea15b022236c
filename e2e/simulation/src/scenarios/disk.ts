/** R18: disks that are full, and disks that are lost with their process. */

import { slow } from "../faults/link-profiles.ts";
import { crash, crashEverything, fullDisk } from "../faults/node-faults.ts";
import { wideShape, type SimScenario } from "../sim-scenario.ts";
import { workload } from "../workload.ts";

export const disk: SimScenario = {
  name: "disk",
  run: workload({ steps: 50, stepMaxMs: 1_000 }),
  shape: wideShape,
  lossless: false,
  profile: {
    links: slow,
    everyMs: [1_500, 8_000],
    chances: [
      { weight: 2, lastsMs: [500, 15_000], fault: fullDisk("data") },
      { weight: 2, lastsMs: [500, 15_000], fault: fullDisk("meta") },
      { weight: 2, lastsMs: [200, 8_000], fault: crash("data", { diskLost: 0.7, silent: 0.3 }) },
      { weight: 1, lastsMs: [200, 5_000], fault: crash("meta", { silent: 0.3 }) },
      { weight: 1, lastsMs: [200, 5_000], fault: crashEverything({ diskLost: 0.5 }) },
    ],
  },
};
