// Time, randomness and network of a simulated cluster.
export { SimClock, settleInTurns, type RunEnd, type SimClockOptions } from "./sim-clock.ts";
export { NodeClock } from "./node-clock.ts";
export { SeededRandom } from "./seeded-random.ts";
export {
  KEEPALIVE_MS,
  SimNetwork,
  type CarriedTotals,
  type PartitionOptions,
  type SimNetworkOptions,
} from "./sim-network.ts";
export { NO_FAULTS, type FaultScope, type LinkFaults } from "./link-faults.ts";

// What was carried.
export { type Direction, type FrameFate, type LinkEvent, type TraceEntry } from "./trace.ts";
