/** What the tests of a file share: a cluster of their own, and a client that is gone when its test is over. */

import type { Client, NodeClientOptions } from "@rollcall/sdk";
import { afterAll, afterEach, beforeAll, expect, onTestFinished } from "vitest";

import { RealCluster, type ClusterShape } from "../src/real-cluster.ts";

export interface Fixture {
  readonly cluster: RealCluster;
  /** A client that is closed when the test is over. It knows all sessions unless told otherwise. */
  client(options?: Partial<NodeClientOptions>): Client;
}

/** Starts a cluster before the file's tests and ends it after them. What its nodes logged comes with a failure. */
export function startCluster(shape: ClusterShape): Fixture {
  let cluster: RealCluster | undefined;
  beforeAll(async () => {
    cluster = await RealCluster.start(shape);
  });
  afterEach(({ task }) => {
    if (task.result?.state === "fail") process.stderr.write(`${cluster?.group.report()}\n`);
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
  });
  const started = (): RealCluster => {
    expect(cluster, "the cluster has been started").toBeDefined();
    return cluster!;
  };
  return {
    get cluster() {
      return started();
    },
    client(options) {
      const client = started().openClient(options);
      onTestFinished(() => client.close());
      return client;
    },
  };
}
