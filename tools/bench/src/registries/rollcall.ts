/** One node of each role; or one meta, as many data nodes as are asked for, and two sessions. */

import { BenchCluster, serversOf } from "../cluster.ts";
import type { Registry, RegistryShape } from "./registry.ts";

export async function startRollcall({ medium, members }: RegistryShape): Promise<Registry> {
  const cluster = await BenchCluster.start({ data: members, sessions: members > 1 ? 2 : 1, medium });
  return {
    kind: "rollcall",
    address: cluster.sessions.map(({ address }) => address).join(),
    get servers() {
      return serversOf(cluster);
    },
    async findLeader(services) {
      const { node, leads } = await cluster.mostLeading(services);
      return { leads, kill: () => cluster.end(node, "SIGKILL") };
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}
