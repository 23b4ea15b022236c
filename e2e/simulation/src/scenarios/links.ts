/** Bad links between everybody: R9 and R24, and the first scenario of all. */

import {
  cut,
  dataAndMeta,
  anyServers,
  anyTwo,
  flap,
  reset,
  sessionAndClient,
  sessionAndData,
  sessionAndMeta,
  spoil,
} from "../faults/network-faults.ts";
import { poor, repeating, terrible } from "../faults/link-profiles.ts";
import { anyShape, type SimScenario } from "../sim-scenario.ts";
import { workload } from "../workload.ts";
import { registerToPush } from "./register-to-push.ts";

/** Every link loses, repeats and reorders a little, and is cut from time to time. */
export const onBadLinks: SimScenario = {
  ...registerToPush,
  shape: () => ({ data: 3, sessions: 2 }),
  lossless: false,
  profile: {
    links: poor,
    everyMs: [500, 4_000],
    chances: [sessionAndData, dataAndMeta, sessionAndMeta, sessionAndClient].map((sides) => ({
      weight: 1,
      lastsMs: [200, 9_000],
      fault: cut(sides),
    })),
  },
};

/** R9: links that lose a third of everything, are slow, pass one way only, come and go. */
export const flapping: SimScenario = {
  name: "flapping",
  run: workload({ steps: 40, stepMaxMs: 1_000 }),
  shape: anyShape,
  lossless: false,
  profile: {
    everyMs: [500, 4_000],
    chances: [
      { weight: 2, lastsMs: [1_000, 15_000], fault: flap(anyTwo) },
      { weight: 2, lastsMs: [1_000, 15_000], fault: spoil(anyTwo, terrible) },
      { weight: 1, lastsMs: [200, 9_000], fault: cut(anyTwo) },
      { weight: 1, lastsMs: [0, 0], fault: reset(anyServers) },
    ],
  },
};

/** R24: hardly anything arrives once and in order. */
export const duplicates: SimScenario = {
  name: "duplicates",
  run: workload({ steps: 40, stepMaxMs: 600, crashes: 0.05 }),
  shape: anyShape,
  lossless: false,
  profile: {
    links: repeating,
    everyMs: [1_000, 5_000],
    chances: [{ weight: 1, lastsMs: [0, 0], fault: reset(anyServers) }],
  },
};
