/** What a meta takes from a backup, and what it does not take for one. */

import { RegistryError, epoch } from "@rollcall/core";
import { expect, test } from "vitest";
import { RESTORED_AHEAD, restoredFrom, type Backup } from "../src/backup/restored.ts";
import { backupFromText, textFromBackup } from "../src/peers/backup-text.ts";
import { HeldMetaStore } from "./held-meta-store.ts";
import { grown } from "./meta-store-contract.ts";
import { hello, openCluster } from "./open-cluster.ts";

const controls = { version: 7, records: new Map([["rebalance", '{"id":"rebalance","version":7}']]) };
const backup: Backup = { record: grown, controls };
const text = textFromBackup(backup, "2026-01-01T00:00:00Z");

test("a backup reads as what was stored, and says when it was made", () => {
  expect(backupFromText(text)).toEqual(backup);
  expect(JSON.parse(text)).toMatchObject({ rollcallBackup: 1, madeAt: "2026-01-01T00:00:00Z" });
});

test.each([
  { what: "one of which a part is missing", damaged: text.slice(0, -20), says: "no JSON" },
  { what: "one in which something is another", damaged: text.replace("c0ffee", "c0ffef"), says: "checksum" },
  {
    what: "one of a later format",
    damaged: text.replace('"rollcallBackup": 1', '"rollcallBackup": 2'),
    says: "format 1",
  },
  { what: "something else", damaged: "{}", says: "rollcallBackup" },
  { what: "nothing", damaged: "", says: "no JSON" },
])("$what is refused, and that is said", ({ damaged, says }) => {
  const read = (): Backup => backupFromText(damaged);
  expect(read).toThrow(RegistryError);
  expect(read).toThrow(/^this is no backup that can be used: /);
  expect(read).toThrow(says);
});

test("the cluster is the one it was, and everything that only grows is ahead of what can have been lost", () => {
  const { record, controls: restored } = restoredFrom(backup);
  expect(record).toMatchObject({ clusterId: grown.clusterId, members: grown.members, departed: grown.departed });
  expect(record.version).toBe(grown.version + RESTORED_AHEAD);
  expect(record.lastIncarnation).toBe(grown.lastIncarnation + RESTORED_AHEAD);
  expect(record.table.epoch).toBe(grown.table.epoch + RESTORED_AHEAD);
  expect(record.table.owners).toEqual(
    grown.table.owners.map(({ leader, followers, leaderEpoch }) => {
      return { leader, followers, leaderEpoch: epoch(leaderEpoch + RESTORED_AHEAD) };
    }),
  );
  expect(restored).toEqual({ version: 7 + RESTORED_AHEAD, records: controls.records });
});

test("a meta with nothing stored goes on with the cluster of the backup, and nothing moves", async () => {
  const { cluster, settle, store } = await openCluster();
  cluster.join(hello("data-1"));
  await settle();
  const by = { author: "ann", reason: "", decidedAt: "", expectedVersion: undefined };
  await cluster.controls.set({ kind: "rebalance off" }, undefined, by);
  const made: Backup = { record: (await store.read())!, controls: await store.readControls() };
  // What comes after the backup is lost, but nodes know of it.
  cluster.join(hello("session-1"));
  cluster.join(hello("data-2"));
  await settle();
  const lost = cluster.state;

  const restored = await openCluster({ readBackup: () => Promise.resolve(made) });
  const { state, controls: decided } = restored.cluster;
  expect(state.clusterId).toBe(lost.clusterId);
  expect(state.version).toBeGreaterThan(lost.version);
  expect(state.table.epoch).toBeGreaterThan(lost.table.epoch);
  expect(state.table.owners.map(({ leader }) => leader)).toEqual(made.record.table.owners.map(({ leader }) => leader));
  for (const [slot, { leaderEpoch }] of state.table.owners.entries())
    expect(leaderEpoch).toBeGreaterThan(lost.table.owners[slot]!.leaderEpoch);
  expect(decided.list()).toMatchObject([{ id: "rebalance", author: "ann" }]);
  expect(restored.store.record?.clusterId).toBe(lost.clusterId);
  // The node that was there is the same; one that came later is new, and no life of it has had its number.
  const [before, later] = [restored.cluster.join(hello("data-1")), restored.cluster.join(hello("session-1"))];
  expect(before.incarnation).toBe(1);
  expect(later.incarnation).toBeGreaterThan(lost.members.find(({ nodeId }) => nodeId === "data-2")!.incarnation);
});

test("a meta that has a cluster does not look at the backup", async () => {
  const { store, cluster } = await openCluster();
  const readBackup = (): Promise<Backup> => Promise.reject(new Error("looked at"));
  const again = await openCluster({ store, readBackup });
  expect(again.cluster.state.clusterId).toBe(cluster.state.clusterId);
});

test("a restore that is cut off is done again", async () => {
  const store = new HeldMetaStore();
  const write = store.write.bind(store);
  store.write = () => Promise.reject(new Error("no space left on device"));
  const readBackup = (): Promise<Backup> =>
    Promise.resolve({ ...backup, controls: { version: 7, records: new Map() } });
  await expect(openCluster({ store, readBackup })).rejects.toThrow("no space left");
  store.write = write;
  const { cluster } = await openCluster({ store, readBackup });
  expect(cluster.state.clusterId).toBe(grown.clusterId);
});
