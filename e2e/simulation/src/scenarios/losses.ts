/** Processes that are killed and come back: R1, R3, R4 and R5. */

import { slow } from "../faults/link-profiles.ts";
import { crash, crashLeader, pause, stop } from "../faults/node-faults.ts";
import { anyShape, wideShape, type SimScenario } from "../sim-scenario.ts";
import { SERVICES, workload } from "../workload.ts";

/** R3: the leader of a slot is killed while a follower lives. */
export const leaderLoss: SimScenario = {
  name: "leader-loss",
  run: workload({ steps: 50, stepMaxMs: 1_000, crashes: 0.05 }),
  shape: wideShape,
  lossless: true,
  profile: {
    links: slow,
    everyMs: [2_000, 10_000],
    chances: [
      {
        weight: 3,
        lastsMs: [200, 12_000],
        fault: crashLeader(SERVICES, { pair: false, silent: 0.3, diskLost: 0.3 }),
      },
      { weight: 1, lastsMs: [200, 6_000], fault: stop("data") },
    ],
  },
};

/** R4: leader and follower of a slot are killed together. */
export const pairLoss: SimScenario = {
  name: "pair-loss",
  run: workload({ steps: 50, stepMaxMs: 1_000, crashes: 0.05 }),
  shape: wideShape,
  lossless: true,
  profile: {
    links: slow,
    everyMs: [4_000, 15_000],
    chances: [
      {
        weight: 1,
        lastsMs: [200, 12_000],
        fault: crashLeader(SERVICES, { pair: true, silent: 0.3, diskLost: 0.5 }),
      },
    ],
    downMax: { data: 2 },
  },
};

/** R1 and R2: sessions are killed, told to stop, and started again. */
export const sessionLoss: SimScenario = {
  name: "session-loss",
  run: workload({ steps: 50, stepMaxMs: 1_000, crashes: 0.05 }),
  shape: anyShape,
  lossless: true,
  profile: {
    links: slow,
    everyMs: [2_000, 12_000],
    chances: [
      { weight: 2, lastsMs: [200, 25_000], fault: crash("session", { silent: 0.3 }) },
      { weight: 1, lastsMs: [200, 6_000], fault: stop("session") },
    ],
  },
};

/** R5: meta is gone for a while, and one of the others with it. */
export const metaLoss: SimScenario = {
  name: "meta-loss",
  run: workload({ steps: 50, stepMaxMs: 1_000 }),
  shape: wideShape,
  lossless: false,
  profile: {
    links: slow,
    everyMs: [1_000, 6_000],
    chances: [
      { weight: 4, lastsMs: [200, 20_000], fault: crash("meta", { silent: 0.3 }) },
      { weight: 1, lastsMs: [2_000, 20_000], fault: pause("meta") },
      { weight: 1, lastsMs: [200, 10_000], fault: crash("data", { diskLost: 0.3 }) },
      { weight: 1, lastsMs: [200, 10_000], fault: crash("session") },
    ],
  },
};
