/** Any fault may come with any other: what no scenario thought of. */

import { poor } from "../faults/link-profiles.ts";
import { addData, crash, crashLeader, leap, pause, removeData, stall, stop } from "../faults/node-faults.ts";
import { anyServers, anyTwo, cut, flap, reset } from "../faults/network-faults.ts";
import { wideShape, type SimScenario } from "../sim-scenario.ts";
import { SERVICES, workload } from "../workload.ts";

const ROLES = ["data", "session", "meta"] as const;

export const everything: SimScenario = {
  name: "everything",
  run: workload({ steps: 60, stepMaxMs: 1_000, crashes: 0.05 }),
  shape: wideShape,
  lossless: false,
  profile: {
    links: poor,
    everyMs: [1_500, 7_000],
    chances: [
      { weight: 6, lastsMs: [200, 9_000], fault: cut(anyTwo) },
      { weight: 3, lastsMs: [1_000, 9_000], fault: flap(anyTwo) },
      { weight: 1, lastsMs: [0, 0], fault: reset(anyServers) },
      { weight: 3, lastsMs: [200, 12_000], fault: crashLeader(SERVICES, { pair: false, silent: 0.3, diskLost: 0.5 }) },
      { weight: 1, lastsMs: [0, 0], fault: addData(5) },
      { weight: 1, lastsMs: [0, 0], fault: removeData(3) },
      { weight: 1, lastsMs: [0, 0], fault: leap("data", [1_000, 60_000]) },
      ...ROLES.flatMap((role) => [
        {
          weight: 2,
          lastsMs: [200, 12_000] as const,
          fault: crash(role, { silent: 0.3, diskLost: role === "data" ? 0.5 : 0 }),
        },
        { weight: 1, lastsMs: [200, 5_000] as const, fault: stop(role) },
        { weight: 1, lastsMs: [1_000, 30_000] as const, fault: pause(role) },
        { weight: 1, lastsMs: [1_900, 2_100] as const, fault: stall(role) },
      ]),
    ],
  },
};
