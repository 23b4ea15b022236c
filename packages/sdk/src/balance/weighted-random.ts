import type { Policy } from "./policy.ts";

/** By lot, each with a chance in proportion to its weight. Needs no memory, so many callers do not fall into step. */
export const weightedRandom: Policy = (instances, { random }) => {
  const total = instances.reduce((sum, { weight }) => sum + weight, 0);
  let lot = random.next() * total;
  for (const instance of instances) {
    lot -= instance.weight;
    if (lot < 0) return instance;
  }
  // Rounding may leave a crumb.
  return instances.at(-1)!;
};
