/**
 * Instances that are probed and well all the time, by nodes that cannot reach them for a while, stand still, and are lost.
 * Whatever probes come to, nobody may vanish from a list for it.
 */

import { slow } from "../faults/link-profiles.ts";
import { crashLeader, pause, stall } from "../faults/node-faults.ts";
import { cutProbes } from "../faults/probe-faults.ts";
import { wideShape, type SimScenario } from "../sim-scenario.ts";
import { SERVICES, workload } from "../workload.ts";

export const probed: SimScenario = {
  name: "probes",
  run: workload({ steps: 60, stepMaxMs: 1_500, residents: 3 }),
  shape: wideShape,
  lossless: false,
  profile: {
    links: slow,
    everyMs: [3_000, 12_000],
    chances: [
      { weight: 4, lastsMs: [3_000, 60_000], fault: cutProbes() },
      { weight: 2, lastsMs: [200, 12_000], fault: crashLeader(SERVICES, { pair: false, silent: 0.3, diskLost: 0.5 }) },
      { weight: 1, lastsMs: [4_000, 30_000], fault: pause("data") },
      { weight: 1, lastsMs: [1_900, 2_100], fault: stall("data") },
    ],
  },
};
