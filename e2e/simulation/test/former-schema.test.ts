// Nodes whose schema lacks something that this version has.

import { execFileSync } from "node:child_process";
import { join } from "node:path";

import { createFileRegistry, fromBinary, type FileRegistry } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { Instance } from "@rollcall/core";
import { createClientWith } from "@rollcall/sdk/heart";
import { expect, test } from "vitest";

import { formerSchema } from "../src/cluster/former-schema.ts";
import { SimCluster } from "../src/cluster/sim-cluster.ts";
import type { SimNode } from "../src/cluster/sim-node.ts";

const ROOT = join(import.meta.dirname, "../../..");

/** This version's schema without one field. */
function schemaWithout(messageName: string, fieldName: string): FileRegistry {
  const image = execFileSync(join(ROOT, "node_modules/.bin/buf"), ["build", "--output", "-#format=binpb"], {
    cwd: ROOT,
  });
  const files = fromBinary(FileDescriptorSetSchema, image);
  const message = files.file.flatMap(({ messageType }) => messageType).find(({ name }) => name === messageName)!;
  const fields = message.field.filter(({ name }) => name !== fieldName);
  expect(fields).toHaveLength(message.field.length - 1);
  message.field = fields;
  return createFileRegistry(files);
}

async function clusterOf(former: FileRegistry): Promise<SimCluster> {
  const cluster = new SimCluster({ seed: 5, shape: { data: 2, sessions: 1, former } });
  await cluster.start();
  return cluster;
}

test("what a schema lacks is neither said nor heard, until the node is of this version", async () => {
  const cluster = await clusterOf(schemaWithout("NodeHello", "software"));
  const telling = (): readonly string[] =>
    cluster.meta.server.state()!.members.flatMap(({ nodeId, software = "" }) => (software === "" ? [] : [nodeId]));
  const upgrade = async (node: SimNode): Promise<void> => {
    node.crash();
    node.version = "this";
    node.restart({ disk: "kept" });
    await cluster.clock.runFor(10_000);
  };
  const [last, first] = cluster.data as [SimNode, SimNode];
  await upgrade(first);
  expect(telling()).toEqual([]);
  await upgrade(cluster.meta);
  expect(telling()).toEqual([first.nodeId]);
  await upgrade(last);
  expect(telling()).toEqual([last.nodeId, first.nodeId]);
});

test("a field of instances that all nodes are too old for comes out as it went in", async () => {
  const cluster = await clusterOf(schemaWithout("Instance", "probe"));
  const servers = cluster.sessions.map(({ address }) => address);
  const client = createClientWith({ ...cluster.portsOf("client"), clientId: "client" }, { servers });
  const shown: (readonly Instance[])[] = [];
  client.subscribe("orders").onChange(({ instances }) => void shown.push(instances));
  void client.register({
    service: "orders",
    id: "a",
    address: "10.0.0.1:80",
    probe: { kind: "grpc", service: "shop" },
  });
  await cluster.clock.runFor(1_000);
  expect(shown.at(-1)).toMatchObject([{ id: "a", probe: { kind: "grpc", service: "shop" } }]);
});

test("the schema of a version before this one comes from the history of this clone", () => {
  expect(formerSchema(1).getMessage("rollcall.v1.JoinRequest")?.fields.length).toBeGreaterThan(0);
  expect(() => formerSchema(100_000)).toThrow("git fetch --unshallow");
});
