/** Operators stop pushes and block services while nodes of every role are lost and come back. */

import { crash, crashLeader, stop } from "../faults/node-faults.ts";
import { slow } from "../faults/link-profiles.ts";
import { wideShape, type SimScenario } from "../sim-scenario.ts";
import { SERVICES, workload } from "../workload.ts";

export const controls: SimScenario = {
  name: "controls",
  run: workload({ steps: 80, stepMaxMs: 600, crashes: 0.03, operator: true }),
  shape: wideShape,
  lossless: true,
  // Who is held sees late what all others see at once: by as long as a decision stands, and is tried to be taken back.
  limits: { settleMs: 25_000, ghostMs: 35_000 },
  profile: {
    links: slow,
    everyMs: [1_000, 6_000],
    chances: [
      { weight: 2, lastsMs: [200, 6_000], fault: crash("session", { silent: 0.3 }) },
      { weight: 1, lastsMs: [200, 6_000], fault: stop("session") },
      { weight: 2, lastsMs: [200, 6_000], fault: crashLeader(SERVICES, { pair: false, silent: 0.3, diskLost: 0.5 }) },
      { weight: 2, lastsMs: [200, 4_000], fault: crash("meta", { silent: 0.3 }) },
    ],
  },
};
