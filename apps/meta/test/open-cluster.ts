/** A cluster as meta keeps it, on a clock and a store that the test holds. */

import {
  ALL_SLOTS,
  ownerOf,
  silentLog,
  type ClusterState,
  type ControlChange,
  type ControlRecord,
  type NodeHello,
} from "@rollcall/core";
import { SeededRandom, SimClock } from "@rollcall/testing";
import type { Backup } from "../src/backup/restored.ts";
import { Cluster, ROUND_PAUSE_MS, type ClusterOptions } from "../src/cluster/cluster.ts";
import type { ControlCodec } from "../src/controls/controls.ts";
import { HeldMetaStore } from "./held-meta-store.ts";

/** Control records as plain JSON. */
export const controlCodec: ControlCodec = {
  write: (record) => JSON.stringify(record),
  read: (text) => JSON.parse(text) as ControlRecord,
  changes: { write: (change) => JSON.stringify(change), read: (text) => JSON.parse(text) as ControlChange },
};

/** What a node of an older version does not say. */
export const SAYS_NOTHING = { slotCount: 0, replicas: 0, hash: "", clusterId: "", zone: "", software: "" };

export const LEASE_MS = 3_000;

export const hello = (nodeId: string, change: Partial<NodeHello> = {}): NodeHello => ({
  nodeId,
  startId: `${nodeId}, first start`,
  role: nodeId.startsWith("data") ? "data" : "session",
  address: `${nodeId}:9620`,
  incarnation: 0,
  ...SAYS_NOTHING,
  ...change,
});

interface ClusterSetup extends Partial<ClusterOptions> {
  readonly store?: HeldMetaStore;
  readonly seed?: number;
  readonly readBackup?: () => Promise<Backup>;
}

export async function openCluster({
  store = new HeldMetaStore(),
  seed = 1,
  readBackup,
  ...options
}: ClusterSetup = {}) {
  const sim = new SimClock();
  const clock = sim.nodeClock();
  const told: ClusterState[] = [];
  const errors: string[] = [];
  const log = { ...silentLog, error: (message: string) => void errors.push(message) };
  const ports = {
    clock,
    random: new SeededRandom(seed),
    log,
    leadership: store,
    readControls: () => store.readControls(),
    controlCodec,
    readBackup,
    controlsChanged: () => {},
  };
  const cluster = await Cluster.open({ nodeLeaseMs: LEASE_MS, ...options }, ports, (state) => told.push(state));
  const settle = () => sim.runFor(0);
  await settle();
  const rounds = async (): Promise<void> => {
    for (let version = -1; version !== cluster.state.version;) {
      version = cluster.state.version;
      await sim.runFor(ROUND_PAUSE_MS);
    }
  };
  const sync = async (): Promise<void> => {
    for (let version = -1; version !== cluster.state.version;) {
      version = cluster.state.version;
      for (const { nodeId } of cluster.state.members) reportAll(cluster, nodeId);
      await sim.runFor(ROUND_PAUSE_MS);
    }
  };
  return {
    clock: sim,
    pause: () => clock.pause(),
    resume: () => clock.resume(),
    cluster,
    store,
    told,
    errors,
    settle,
    /** Rounds of the assignment, until one changes nothing. */
    rounds,
    /** All followers get everything, and say so, until nothing changes any more. */
    sync,
  };
}

export function reportAll(cluster: Cluster, nodeId: string, { version, table } = cluster.state): void {
  const followed = ALL_SLOTS.filter((slot) => ownerOf(table, slot).followers.includes(nodeId));
  cluster.reportSynced(nodeId, version, new Set(followed));
}

export const leadsOf = (state: ClusterState, nodeId: string) =>
  state.table.owners.filter(({ leader }) => leader === nodeId).length;

export const membersOf = (state: ClusterState | undefined) => state?.members.map(({ nodeId }) => nodeId);
export const leadersOf = (state: ClusterState | undefined) => new Set(state?.table.owners.map(({ leader }) => leader));
