import type { Instance } from "@rollcall/core";

import type { Policy } from "./policy.ts";

/**
 * In turn, each as often as its weight says, and the turns of one spread among those of the others: with weights 3, 1
 * and 1 it is a b a c a. Each instance earns its weight at every choice, and the one that has earned most is chosen
 * and pays what all have earned together.
 */
export function roundRobin(): Policy {
  // By the instance itself: one that is gone is forgotten, one that has changed begins anew.
  const earned = new WeakMap<Instance, number>();
  return (instances) => {
    let total = 0;
    let chosen = instances[0]!;
    let most = -Infinity;
    for (const instance of instances) {
      const own = (earned.get(instance) ?? 0) + instance.weight;
      earned.set(instance, own);
      total += instance.weight;
      if (own > most) [chosen, most] = [instance, own];
    }
    earned.set(chosen, most - total);
    return chosen;
  };
}
