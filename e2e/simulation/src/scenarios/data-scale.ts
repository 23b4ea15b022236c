/** R22: data nodes are added and removed under load. */

import { slow } from "../faults/link-profiles.ts";
import { addData, removeData } from "../faults/node-faults.ts";
import { wideShape, type SimScenario } from "../sim-scenario.ts";
import { workload } from "../workload.ts";

export const dataScale: SimScenario = {
  name: "data-scale",
  run: workload({ steps: 60, stepMaxMs: 600, crashes: 0.03 }),
  shape: wideShape,
  lossless: true,
  profile: {
    links: slow,
    everyMs: [1_000, 8_000],
    chances: [
      { weight: 1, lastsMs: [0, 0], fault: addData(6) },
      { weight: 1, lastsMs: [0, 0], fault: removeData(2) },
    ],
  },
};
