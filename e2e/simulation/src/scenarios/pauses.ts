/** R10 and R20: processes of each role that stand still, for seconds or for minutes, and wake. */

import { slow } from "../faults/link-profiles.ts";
import { pause, sleepThroughReturn, stall } from "../faults/node-faults.ts";
import { wideShape, type SimScenario } from "../sim-scenario.ts";
import { SERVICES, workload } from "../workload.ts";

const ROLES = ["data", "session", "meta"] as const;

export const pauses: SimScenario = {
  name: "pauses",
  run: workload({ steps: 60, stepMaxMs: 1_500 }),
  shape: wideShape,
  lossless: false,
  profile: {
    links: slow,
    everyMs: [2_000, 15_000],
    chances: ROLES.flatMap((role) => [
      { weight: 5, lastsMs: [4_000, 6_000] as const, fault: pause(role) },
      { weight: 3, lastsMs: [25_000, 35_000] as const, fault: pause(role) },
      { weight: 1, lastsMs: [120_000, 120_000] as const, fault: pause(role) },
      { weight: 4, lastsMs: [1_900, 2_100] as const, fault: stall(role) },
    ]),
  },
};

/** R10: somebody's time runs out while those who count it sleep, and it is back before they wake. */
export const staleTimers: SimScenario = {
  name: "stale-timers",
  run: workload({ steps: 50, stepMaxMs: 2_500 }),
  shape: wideShape,
  lossless: false,
  profile: {
    links: slow,
    everyMs: [20_000, 25_000],
    chances: [{ weight: 1, lastsMs: [17_500, 19_500], fault: sleepThroughReturn(SERVICES) }],
  },
};
