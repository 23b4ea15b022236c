// The client for browsers, over what Node has of a browser: its `fetch`. A real browser is in e2e/browser.

import { createClient, type WebProtocol } from "@rollcall/sdk/web";
import { startCluster } from "rollcall/testing";

import { clientContract } from "../src/client-contract.ts";
import { registryBehindDoors } from "../src/doors.ts";

for (const protocol of ["connect", "grpc-web"] satisfies readonly WebProtocol[]) {
  clientContract(`the client for browsers over ${protocol}`, async () => {
    const cluster = await startCluster({ sessions: 2, data: 2 });
    return registryBehindDoors({
      servers: cluster.addresses,
      make: ({ servers, ...options }) =>
        createClient({ ...options, protocol, servers: servers.map((address) => `http://${address}`) }),
      sharesIds: true,
      end: () => cluster.close(),
    });
  });
}
