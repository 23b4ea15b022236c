import { startCluster } from "rollcall/testing";

import { clientContract } from "../src/client-contract.ts";
import { registryBehindDoors } from "../src/doors.ts";

clientContract("a cluster in this process", async () => {
  const cluster = await startCluster({ sessions: 2, data: 2 });
  return registryBehindDoors({ servers: cluster.addresses, end: () => cluster.close() });
});
