import type { Policy } from "./policy.ts";
import { weightedRandom } from "./weighted-random.ts";

/** Those of `zone` as long as there are any, and otherwise all. `policy` chooses among them; default by lot. */
export function zoneFirst(zone: string, policy: Policy = weightedRandom): Policy {
  return (instances, context) => {
    const near = instances.filter((instance) => instance.zone === zone);
    return policy(near.length > 0 ? near : instances, context);
  };
}
