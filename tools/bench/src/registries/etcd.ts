/** One member of etcd. */

import { EtcdCluster } from "@rollcall/etcd";

import { MEMORY_FOLDER } from "./memory-folder.ts";
import type { Registry } from "./registry.ts";

export async function startEtcd(): Promise<Registry> {
  const cluster = await EtcdCluster.start({ folder: MEMORY_FOLDER });
  const member = cluster.members[0]!;
  return {
    kind: "etcd",
    address: member.address,
    servers: [{ role: "etcd", pid: cluster.pidOf(member) }],
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}
