/** What an operator decides in the course of a test: each is in force at every node when it resolves. */

import { createClient, type Client } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { controlId, type Control } from "@rollcall/core";
import { ControlService, wireFromControlRecord } from "@rollcall/protocol";

import type { RealCluster } from "./real-cluster.ts";
import { until } from "./until.ts";

const WHO = { author: "the test", reason: "to see what happens" };

/** @param expectedVersion the version that the record has to be at, 0 for none */
export async function decide(cluster: RealCluster, control: Control, expectedVersion?: number): Promise<number> {
  const service = await controlService(cluster);
  const record = wireFromControlRecord({ id: "", version: 0, ...WHO, decidedAt: "", expiresInMs: undefined, control });
  const expected = expectedVersion === undefined ? {} : { expectedVersion: BigInt(expectedVersion) };
  const version = (await service.setControl({ record, ...expected })).record!.version;
  await untilInForce(service, version);
  return Number(version);
}

export async function takeBack(cluster: RealCluster, control: Control): Promise<number> {
  const service = await controlService(cluster);
  const { version } = await service.removeControl({ id: controlId(control), ...WHO });
  await untilInForce(service, version);
  return Number(version);
}

/** Of the meta that leads. */
export async function controlService(cluster: RealCluster): Promise<Client<typeof ControlService>> {
  const { address } = await cluster.leadingMeta();
  return createClient(ControlService, createConnectTransport({ baseUrl: `http://${address}`, httpVersion: "1.1" }));
}

async function untilInForce(service: Client<typeof ControlService>, version: bigint): Promise<void> {
  await until(async () => (await service.getBehind({ version })).behind.length === 0, {
    what: `all nodes act by version ${version}`,
  });
}
