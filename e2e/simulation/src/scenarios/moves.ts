/** R2: nodes that are restarted in turn, and clients that move from session to session, because theirs stops or has too many, while they have things to say. */

import { slow } from "../faults/link-profiles.ts";
import { crash, rollingRestart, stop } from "../faults/node-faults.ts";
import { anyShape, type SimScenario } from "../sim-scenario.ts";
import { workload } from "../workload.ts";

/** Every session, or every data node, is told to stop and started again, one after the other. */
export const rollingRestarts: SimScenario = {
  name: "rolling-restart",
  run: workload({ steps: 120, stepMaxMs: 400, crashes: 0.02 }),
  shape: anyShape,
  lossless: true,
  profile: {
    links: slow,
    everyMs: [500, 4_000],
    chances: [
      { weight: 2, lastsMs: [10_000, 30_000], fault: rollingRestart("session") },
      { weight: 1, lastsMs: [10_000, 30_000], fault: rollingRestart("data") },
    ],
  },
};

/**
 * A session that comes back has no clients, so the others ask some of theirs to go there. A handful more or less is
 * as good as even: it takes a crowd.
 */
export const moves: SimScenario = {
  name: "moves",
  run: workload({ steps: 120, stepMaxMs: 400, crashes: 0.02, bystanders: 30 }),
  shape: (random) => ({ ...anyShape(random), balanceEveryMs: 500 }),
  lossless: true,
  profile: {
    links: slow,
    everyMs: [1_000, 5_000],
    chances: [
      { weight: 2, lastsMs: [200, 4_000], fault: crash("session", { silent: 0.3 }) },
      { weight: 1, lastsMs: [200, 6_000], fault: stop("session") },
      { weight: 1, lastsMs: [200, 8_000], fault: crash("data", { silent: 0.3, diskLost: 0.3 }) },
    ],
  },
};
