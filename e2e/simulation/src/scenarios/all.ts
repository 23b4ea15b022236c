/** Every scenario by its name, one for each risk of the contract. */

import type { SimScenario } from "../sim-scenario.ts";
import { controls } from "./controls.ts";
import { clockJumps } from "./clock-jumps.ts";
import { dataPartition, sessionPartition } from "./partitions.ts";
import { dataScale } from "./data-scale.ts";
import { disk } from "./disk.ts";
import { duplicates, flapping, onBadLinks } from "./links.ts";
import { leasesLost } from "./leases.ts";
import { elections } from "./elections.ts";
import { everything } from "./everything.ts";
import { fullRestart } from "./full-restart.ts";
import { leaderLoss, metaLoss, pairLoss, sessionLoss } from "./losses.ts";
import { overrides } from "./overrides.ts";
import { moves, rollingRestarts } from "./moves.ts";
import { probed } from "./probes.ts";
import { rollingUpgrade } from "./rolling-upgrade.ts";
import { serviceLists } from "./service-lists.ts";
import { pauses, staleTimers } from "./pauses.ts";

export const scenarios: readonly SimScenario[] = [
  onBadLinks,
  leaderLoss,
  pairLoss,
  sessionLoss,
  rollingRestarts,
  rollingUpgrade,
  moves,
  metaLoss,
  elections,
  fullRestart,
  dataPartition,
  sessionPartition,
  flapping,
  pauses,
  staleTimers,
  clockJumps,
  disk,
  dataScale,
  duplicates,
  leasesLost,
  everything,
  serviceLists,
  controls,
  probed,
  overrides,
];
