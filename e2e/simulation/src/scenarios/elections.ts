/** Several metas, of which one leads: R5, and R7, R10 and R11 as far as they concern metas. */

import { slow } from "../faults/link-profiles.ts";
import { cut, leaderAndStore, metaAndNodes, metaAndStore, metasAndStore } from "../faults/network-faults.ts";
import { crash, leap, pause, stall, stop } from "../faults/node-faults.ts";
import { severalMetas, type SimScenario } from "../sim-scenario.ts";
import { workload } from "../workload.ts";

/** Metas are killed, stopped, held up, and cut off from their store and from the nodes; data nodes die meanwhile. */
export const elections: SimScenario = {
  name: "elections",
  run: workload({ steps: 50, stepMaxMs: 1_000 }),
  shape: severalMetas,
  lossless: false,
  profile: {
    links: slow,
    everyMs: [500, 6_000],
    chances: [
      { weight: 3, lastsMs: [200, 20_000], fault: crash("meta", { silent: 0.3 }) },
      { weight: 1, lastsMs: [200, 5_000], fault: stop("meta") },
      { weight: 2, lastsMs: [1_000, 20_000], fault: pause("meta") },
      { weight: 1, lastsMs: [500, 8_000], fault: stall("meta") },
      { weight: 1, lastsMs: [0, 0], fault: leap("meta", [1_000, 3_600_000]) },
      { weight: 3, lastsMs: [1_000, 15_000], fault: cut(leaderAndStore) },
      { weight: 1, lastsMs: [1_000, 15_000], fault: cut(metaAndStore) },
      { weight: 1, lastsMs: [1_000, 15_000], fault: cut(metasAndStore) },
      { weight: 2, lastsMs: [1_000, 15_000], fault: cut(metaAndNodes) },
      { weight: 2, lastsMs: [200, 10_000], fault: crash("data", { diskLost: 0.3 }) },
      { weight: 1, lastsMs: [200, 10_000], fault: crash("session") },
    ],
    downMax: { meta: 3 },
  },
};
