import type { Policy } from "./policy.ts";
import { weightedRandom } from "./weighted-random.ts";

/**
 * The one with the fewest calls pending from here for its weight, by lot among equals: who answers slowly is called
 * less, without anybody measuring.
 */
export const leastPending: Policy = (instances, context) => {
  const loads = instances.map((instance) => (context.pendingOf(instance) + 1) / instance.weight);
  const least = Math.min(...loads);
  return weightedRandom(
    instances.filter((_, index) => loads[index] === least),
    context,
  );
};
