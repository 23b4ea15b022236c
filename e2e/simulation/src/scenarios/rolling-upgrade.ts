/** R19: nodes of a version before this one are replaced one by one, some are taken back, and any of them may die meanwhile. */

import { formerSchema } from "../cluster/former-schema.ts";
import { slow } from "../faults/link-profiles.ts";
import { crash, crashLeader } from "../faults/node-faults.ts";
import { changeVersion } from "../faults/version-faults.ts";
import { wideShape, type SimScenario } from "../sim-scenario.ts";
import { SERVICES, workload } from "../workload.ts";

/** The former version may lack the last so many changes of the schema. */
const CHANGES_MAX = 20;

export const rollingUpgrade: SimScenario = {
  name: "rolling-upgrade",
  run: workload({ steps: 80, stepMaxMs: 600, crashes: 0.03, residents: 2 }),
  shape: (random) => ({ ...wideShape(random), former: formerSchema(1 + random.int(CHANGES_MAX)) }),
  lossless: true,
  profile: {
    links: slow,
    everyMs: [500, 4_000],
    chances: [
      { weight: 6, lastsMs: [200, 6_000], fault: changeVersion },
      { weight: 1, lastsMs: [200, 6_000], fault: crash("session", { silent: 0.3 }) },
      { weight: 1, lastsMs: [200, 6_000], fault: crashLeader(SERVICES, { pair: false, silent: 0.3, diskLost: 0.3 }) },
      { weight: 1, lastsMs: [200, 4_000], fault: crash("meta") },
    ],
  },
};
