// An end-to-end test: a real cluster in this process, on ports that are free.

import { createClient } from "@rollcall/sdk";
import { startCluster } from "rollcall/testing";
import { expect, onTestFinished, test } from "vitest";

import { Rotation } from "../src/rotation.ts";

test("goes on when the session that it is connected to is stopped", { timeout: 30_000 }, async () => {
  const cluster = await startCluster({ sessions: 2, data: 2 });
  onTestFinished(() => cluster.close());

  // A client that the program makes by itself knows the cluster by its addresses.
  const client = createClient({ servers: cluster.addresses });
  onTestFinished(() => client.close());
  const rotation = new Rotation(client, "orders");
  const provider = cluster.client();
  await provider.register({ service: "orders", id: "a", address: "10.0.0.1:80" });
  await expect.poll(() => rotation.next()).toBe("10.0.0.1:80");

  for (const nodeId of ["session-1", "data-1"]) await cluster.stop(nodeId);
  await provider.register({ service: "orders", id: "b", address: "10.0.0.2:80" });
  await cluster.flush();
  await expect.poll(() => new Set([rotation.next(), rotation.next()])).toEqual(new Set(["10.0.0.1:80", "10.0.0.2:80"]));
});
