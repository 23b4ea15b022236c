// Everything is killed at once, and is as it was when it is back: who owns which slot, and what operators have decided.

import { rm, writeFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";

import type { ClusterState } from "@rollcall/core";
import type { Client } from "@rollcall/sdk";
import { describe, expect, test } from "vitest";

import type { RealCluster, RealNode } from "../src/real-cluster.ts";
import { until } from "../src/until.ts";
import { expectSurvived, tell } from "./fault-fixture.ts";
import { startCluster } from "./fixture.ts";

const TIMEOUT_MS = 90_000;

/** A record of each kind that does no harm to the others. */
const DECIDED = `records:
  - { author: ann, reason: an import, rebalanceOff: {} }
  - { author: bob, expiresInMs: 86400000, pushOff: { zone: nowhere } }
  - { author: bob, namespaceBlock: { namespace: nowhere } }
  - { author: bob, serviceBlock: { key: { namespace: default, group: default, service: unknown } } }
  - { author: bob, quota: { namespace: nowhere, instances: 10 } }
  - { author: bob, nodeDrain: { nodeId: data-9 } }
  - { author: bob, clientOff: { name: nobody, register: true, subscribe: true } }
  - author: cat
    instanceOverride:
      instance: { key: { namespace: default, group: default, service: survival }, instanceId: one }
      disabled: {}
  - author: dan
    staticInstance:
      key: { namespace: default, group: default, service: survival }
      instance: { id: static, address: "10.0.0.1:80", weight: 100, enabled: true }
`;

/** What `rollcall admin` says, as JSON. */
async function admin(cluster: RealCluster, ...args: readonly string[]): Promise<unknown> {
  const program = cluster.group.start({
    name: "admin",
    script: "apps/cli/src/main.ts",
    args: ["admin", ...args, "--json", "--meta", cluster.metas.map(({ address }) => address).join(",")],
  });
  const { code } = await program.ended(30_000);
  expect({ code, output: program.output }).toMatchObject({ code: 0 });
  return JSON.parse(program.output);
}

interface Listed {
  readonly version: number;
  readonly records: readonly { readonly expiresInMs: number | null }[];
}

/** What is decided, but for the time that runs. */
async function decisions(cluster: RealCluster): Promise<unknown> {
  const { version, records } = (await admin(cluster, "list")) as Listed;
  return { version, records: records.map((record) => ({ ...record, expiresInMs: record.expiresInMs !== null })) };
}

/** The slots that other nodes hold than before. Which of those that hold one leads it depends on who is back first. */
function slotsHeldByOthers(after: ClusterState, before: ClusterState): number[] {
  const holders = ({ table }: ClusterState, slot: number): string => {
    const { leader, followers } = table.owners[slot]!;
    return [leader ?? "", ...followers].toSorted().join();
  };
  return [...before.table.owners.keys()].filter((slot) => holders(after, slot) !== holders(before, slot));
}

/** Nothing that only grows has gone back. */
function expectNothingOlder(after: ClusterState, before: ClusterState): void {
  expect(after.clusterId).toBe(before.clusterId);
  expect(after.version).toBeGreaterThanOrEqual(before.version);
  expect(after.table.epoch).toBeGreaterThanOrEqual(before.table.epoch);
  for (const [slot, { leaderEpoch }] of after.table.owners.entries())
    expect(leaderEpoch).toBeGreaterThanOrEqual(before.table.owners[slot]!.leaderEpoch);
}

/** What a new client is shown: an instance that an operator has disabled, and one that an operator has put there. */
async function shown(client: Client): Promise<unknown> {
  const { instances, confirmed } = await client.resolve("survival");
  const states = instances.map(({ id, enabled }) => `${id} ${enabled ? "enabled" : "disabled"}`);
  return { confirmed, states: states.toSorted() };
}

const SHOWN = { confirmed: true, states: ["one disabled", "static enabled"] };

describe.each([
  { store: "LevelDB", shape: {} },
  { store: "etcd", shape: { metas: 3, etcdMembers: 3 } },
])("with its metas on $store", ({ store, shape }) => {
  const fixture = startCluster({ data: 2, sessions: 1, ...shape });

  test("a cluster that was killed as a whole comes back as it was", { timeout: TIMEOUT_MS }, async () => {
    const { cluster } = fixture;
    const file = cluster.folder("decided.yaml");
    await writeFile(file, DECIDED);
    expect(await admin(cluster, "import", file)).toMatchObject({ applied: true });
    await fixture.client().register({ service: "survival", id: "one", address: "127.0.0.1:1" });
    await until(async () => isDeepStrictEqual(await shown(fixture.client()), SHOWN), {
      what: "both instances are there",
    });
    const [before, decided] = [await cluster.state(), await decisions(cluster)];

    const nodes = [...cluster.data, ...cluster.sessions, ...cluster.metas];
    const etcd = cluster.etcdMembers;
    await Promise.all([...nodes.map((node) => cluster.kill(node)), ...etcd.map((member) => cluster.etcd.kill(member))]);
    const at = performance.now();
    for (const member of etcd) cluster.etcd.restart(member);
    // The others look for a meta until there is one; it gives each a lease from when it is there.
    await Promise.all(nodes.map((node) => cluster.restart(node)));
    await cluster.ready();
    tell(`${store}: everything is ready ${(performance.now() - at).toFixed(0)} ms after it was killed`);

    const after = await cluster.state();
    expectNothingOlder(after, before);
    expect(slotsHeldByOthers(after, before)).toEqual([]);
    expect(await decisions(cluster)).toEqual(decided);
    const client = fixture.client();
    await until(async () => isDeepStrictEqual(await shown(client), SHOWN), {
      what: "both instances are there, as operators have decided",
      withinMs: 20_000,
    });
  });
});

describe("a meta that has lost its store", () => {
  const fixture = startCluster({ data: 2, sessions: 2 });

  test("goes on from a backup: same cluster, same owners, and nobody notices", { timeout: TIMEOUT_MS }, async () => {
    const { cluster } = fixture;
    const file = cluster.folder("decided.yaml");
    await writeFile(file, DECIDED);
    await admin(cluster, "import", file);
    const decided = (await admin(cluster, "list")) as Listed;
    const backup = cluster.folder("rollcall.backup");
    await admin(cluster, "backup", backup);
    // Nodes know of this, and the backup does not.
    const later = await cluster.addNode("session");
    await cluster.ready();
    const before = await cluster.state();
    await expectSurvived(cluster, { name: "restored" }, async ({ slots }) => {
      const meta: RealNode = cluster.meta;
      await cluster.kill(meta);
      await rm(cluster.metaFolder, { recursive: true });
      await cluster.restart(meta, { args: ["--restore-from", backup] });
      await cluster.ready();
      await until(async () => (await cluster.state()).members.some(({ nodeId }) => nodeId === later.nodeId), {
        what: "who came after the backup is a member again",
      });
      expectNothingOlder(await cluster.state(), before);
      expect(slots.moves).toEqual([]);
      const restored = (await admin(cluster, "list")) as Listed;
      expect(restored.records.length).toBe(decided.records.length);
      expect(restored.version).toBeGreaterThan(decided.version);
    });
    const changes = (await admin(cluster, "log")) as { readonly changes: unknown[] };
    expect(changes.changes.length).toBeGreaterThanOrEqual(decided.records.length);
  });
});
