/** One node of each role; or one meta, as many data nodes as are asked for, and two sessions. */

import { ownerOf, serviceKey, slotOfServiceKey } from "@rollcall/core";

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
    metrics: cluster.nodes.map((node) => node.address),
    async findLeader(services) {
      const { table } = await cluster.state();
      const leaderOf = (service: string): string | undefined =>
        ownerOf(table, slotOfServiceKey(serviceKey({ service }))).leader;
      const led = cluster.data.map((node) => ({
        node,
        services: services.filter((service) => leaderOf(service) === node.nodeId),
      }));
      const most = led.reduce((one, other) => (other.services.length > one.services.length ? other : one));
      return { leads: new Set(most.services), kill: () => cluster.end(most.node, "SIGKILL") };
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}
