/**
 * Parts of a data node, by themselves: for the tests of the simulator that break one of them on purpose, to see that
 * somebody notices. It leads to the sources and not to what is published, and nobody else may import it.
 */

export { ClaimClocks } from "./datums/claim-clocks.ts";
export { EvictionGuard } from "./datums/eviction-guard.ts";
export { SlotContent } from "./datums/slot-content.ts";
export { Tombstones } from "./datums/tombstones.ts";
export { Overrides } from "./overrides/overrides.ts";
export { Departures } from "./sessions/departures.ts";
export { SlotOwnership } from "./slots/ownership.ts";
export { Storage } from "./storage.ts";
