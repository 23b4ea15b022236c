/** One node of each role. */

import { BenchCluster, serversOf } from "../cluster.ts";
import { MEMORY_FOLDER } from "./memory-folder.ts";
import type { Registry } from "./registry.ts";

export async function startRollcall(): Promise<Registry> {
  const cluster = await BenchCluster.start({ data: 1, sessions: 1, folder: MEMORY_FOLDER });
  return {
    kind: "rollcall",
    address: cluster.sessions[0]!.address,
    servers: serversOf(cluster),
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}
