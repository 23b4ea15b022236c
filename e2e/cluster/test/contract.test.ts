// What a client promises, against real processes.

import { clientContract } from "@rollcall/e2e-contract";
import { registryBehindDoors } from "@rollcall/e2e-contract/doors";

import { RealCluster } from "../src/real-cluster.ts";

clientContract("a cluster of processes", async () => {
  const cluster = await RealCluster.start({ data: 2, sessions: 2 });
  const servers = cluster.sessions.map(({ address }) => address);
  return registryBehindDoors({ servers, end: () => cluster[Symbol.asyncDispose]() });
});
