/** A scenario of the simulator: what clients do, in a cluster of which shape, and what may go wrong meanwhile. */

import type { CheckLimits, SeededRandom } from "@rollcall/testing";

import type { ClusterShape } from "./cluster/sim-cluster.ts";
import type { FaultProfile } from "./faults/fault.ts";
import type { Scenario } from "./world.ts";

export interface SimScenario extends Scenario {
  readonly shape: (random: SeededRandom) => ClusterShape;
  readonly profile: FaultProfile;
  /** Links lose nothing while they live, and nobody is held up for long: then silence (P12) is judged as well. */
  readonly lossless: boolean;
  /** Where it is judged by other times than the others. */
  readonly limits?: Partial<CheckLimits> | undefined;
}

/** Two to four data nodes and two or three sessions. */
export const anyShape = (random: SeededRandom): ClusterShape => ({
  data: 2 + random.int(3),
  sessions: 2 + random.int(2),
});

/** The same with enough data nodes that one or two may go. */
export const wideShape = (random: SeededRandom): ClusterShape => ({
  data: 3 + random.int(2),
  sessions: 2 + random.int(2),
});

/** With three metas. */
export const severalMetas = (random: SeededRandom): ClusterShape => ({ ...wideShape(random), metas: 3 });
