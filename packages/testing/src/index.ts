// Time, randomness and network of a simulated cluster.
export { SimClock, settleInTurns, type RunEnd, type SimClockOptions } from "./sim-clock.ts";
export { NodeClock } from "./node-clock.ts";
export { SeededRandom } from "./seeded-random.ts";
export {
  KEEPALIVE_MS,
  SimNetwork,
  type CarriedFrame,
  type CarriedTotals,
  type PartitionOptions,
  type Refusal,
  type SimNetworkOptions,
} from "./sim-network.ts";
export { NO_FAULTS, type FaultScope, type LinkFaults } from "./link-faults.ts";

// What was carried.
export { type Direction, type FrameFate, type LinkEvent, type TraceEntry } from "./trace.ts";
export { renderTranscript, type DescribeMessage } from "./transcript.ts";

// What users saw, and whether it is what was promised.
export { formatHistory } from "./history-in-words.ts";
export { HistoryRecorder, type Happening, type History, type HistoryEvent, type Takes } from "./history.ts";
export {
  DEFAULT_LIMITS,
  formatViolations,
  type CheckLimits,
  type Property,
  type Violation,
} from "./checkers/violation.ts";
export { checkAll, type CheckOptions } from "./checkers/check-all.ts";
export { checkAcknowledgedVersions } from "./checkers/acknowledged-versions.ts";
export { checkAcknowledgements } from "./checkers/acknowledgements.ts";
export { checkAutonomousClients } from "./checkers/autonomous-clients.ts";
export { checkBoundedGhosts } from "./checkers/bounded-ghosts.ts";
export { checkBoundedResources } from "./checkers/bounded-resources.ts";
export { checkConvergence } from "./checkers/convergence.ts";
export { checkDisabled } from "./checkers/disabled.ts";
export { checkDrained } from "./checkers/drained.ts";
export { checkDurableOverrides } from "./checkers/durable-overrides.ts";
export { checkEmptyGuard } from "./checkers/empty-guard.ts";
export { checkOwnership } from "./checkers/ownership.ts";
export { checkPhantomLoss } from "./checkers/phantom-loss.ts";
export { checkBlocked, checkPushesOff } from "./checkers/pushes-off.ts";
export { checkResurrection } from "./checkers/resurrection.ts";
export { checkServiceLists } from "./checkers/service-lists.ts";
export { checkSessionTruth } from "./checkers/session-truth.ts";
export { checkSilence } from "./checkers/silence.ts";
export { checkUnderstanding } from "./checkers/understanding.ts";
export { checkViews } from "./checkers/views.ts";
