/** R7 and R8: nodes that are cut off from some of the others, while everybody's processes are well. */

import { slow } from "../faults/link-profiles.ts";
import {
  cut,
  dataAndData,
  dataAndMeta,
  dataAndServers,
  dataAndSessions,
  flap,
  sessionAndAllData,
  sessionAndData,
  sessionAndMeta,
  sessionAndServers,
} from "../faults/network-faults.ts";
import { anyShape, wideShape, type SimScenario } from "../sim-scenario.ts";
import { workload } from "../workload.ts";

/** R7: a data node without meta, without sessions, without other data nodes, without anyone. */
export const dataPartition: SimScenario = {
  name: "data-partition",
  run: workload({ steps: 50, stepMaxMs: 1_000 }),
  shape: wideShape,
  lossless: false,
  profile: {
    links: slow,
    everyMs: [2_000, 12_000],
    chances: [
      { weight: 2, lastsMs: [500, 20_000], fault: cut(dataAndMeta) },
      { weight: 2, lastsMs: [500, 20_000], fault: cut(dataAndSessions) },
      { weight: 1, lastsMs: [500, 20_000], fault: cut(sessionAndData) },
      { weight: 1, lastsMs: [500, 20_000], fault: cut(dataAndData) },
      { weight: 1, lastsMs: [500, 20_000], fault: cut(dataAndServers) },
      { weight: 1, lastsMs: [500, 10_000], fault: flap(dataAndMeta) },
    ],
  },
};

/**
 * R8: a session without data nodes, without meta, without both while its clients stay with it. Without both it is dead
 * to all others once its lease and that of its registrations have passed, so such a cut ends before.
 */
export const sessionPartition: SimScenario = {
  name: "session-partition",
  run: workload({ steps: 50, stepMaxMs: 1_000 }),
  shape: anyShape,
  lossless: false,
  profile: {
    links: slow,
    everyMs: [14_000, 25_000],
    chances: [
      { weight: 2, lastsMs: [500, 25_000], fault: cut(sessionAndAllData) },
      { weight: 1, lastsMs: [500, 25_000], fault: cut(sessionAndData) },
      { weight: 1, lastsMs: [500, 25_000], fault: cut(sessionAndMeta) },
      { weight: 2, lastsMs: [500, 12_000], fault: cut(sessionAndServers) },
    ],
  },
};
