/**
 * The meta server: the one place where its parts are made and joined.
 *
 * Of several metas one leads: it hears the heartbeats and decides. The others know who that is and what was decided last,
 * so that any of them can answer.
 */

import type { JsonValue } from "@bufbuild/protobuf";
import { healthService } from "@rollcall/cluster";
import { RegistryError, type ClusterState, type Loads, type NodeRole, type StreamHandler } from "@rollcall/core";
import {
  Health,
  JOIN_PATH,
  MetaService,
  controlChangeFromJson,
  controlRecordFromJson,
  jsonFromControlChange,
  jsonFromControlRecord,
} from "@rollcall/protocol";
import { counter, gauge, type Metric, type NodePorts, type NodeServer } from "@rollcall/runtime";

import type { Backup } from "./backup/restored.ts";
import { Changes } from "./cluster/changes.ts";
import { stateFromRecord } from "./cluster/cluster-state.ts";
import { Cluster } from "./cluster/cluster.ts";
import { ToldLoads } from "./membership/told-loads.ts";
import { ToldUsage } from "./membership/told-usage.ts";
import { AppliedControls } from "./controls/applied-controls.ts";
import type { ControlCodec } from "./controls/controls.ts";
import { viewOfStored } from "./controls/stored-view.ts";
import { addClusterRoutes } from "./rpc/cluster-routes.ts";
import { addControlRoutes } from "./rpc/control-routes.ts";
import { NodeLinks } from "./rpc/node-links.ts";
import type { Candidate, Leadership, MetaStore, StoreListener } from "./store/meta-store.ts";

export interface MetaServerConfig {
  readonly nodeId: string;
  /** How long a node stays a member without a heartbeat, in milliseconds. */
  readonly nodeLeaseMs: number;
  /** How many data nodes hold each slot; 2 by default. */
  readonly replicas?: number;
  /** With fewer live data nodes no slot is given to another; 1 by default. */
  readonly dataNodesMin?: number;
}

export interface MetaServerPorts extends Omit<NodePorts, "dialer"> {
  readonly store: MetaStore;
  /** From which a cluster is made when nothing is stored. Default: it is founded. */
  readonly readBackup?: (() => Promise<Backup>) | undefined;
  /** Whether somebody takes connections at `host:port`. Default: meta dials nobody. */
  readonly reaches?: ((address: string) => Promise<boolean>) | undefined;
}

export interface MetaServer extends NodeServer {
  /** The newest state of the cluster; undefined before the store has been read. */
  state(): ClusterState | undefined;
  /** Whether this meta is the one that decides. */
  leads(): boolean;
}

/** The part this meta plays. */
type Part =
  /** Somebody else leads, or nobody yet. */
  | { readonly kind: "standing by"; readonly state: ClusterState | undefined }
  | { readonly kind: "taking over"; readonly leadership: Leadership }
  | { readonly kind: "leading"; readonly leadership: Leadership; readonly cluster: Cluster };

export function createMetaServer(config: MetaServerConfig, ports: MetaServerPorts): MetaServer {
  const { log, store } = ports;
  const loads = new ToldLoads({
    ...ports,
    isMember: (nodeId) => stateNow()?.members.some((member) => member.nodeId === nodeId) ?? false,
    changed() {
      nodes.tellLoads();
      changes.changed();
    },
  });
  const applied = new AppliedControls();
  const nodes = new NodeLinks(log, { loads, usage: new ToldUsage(), applied });
  const changes = new Changes();
  let part: Part = { kind: "standing by", state: undefined };
  let leader: Candidate | undefined;
  let leaderships = 0;
  /** The end of the newest take-over. */
  let takenOver: Promise<void> = Promise.resolve();
  let isStarted = false;

  const stateNow = (): ClusterState | undefined => {
    if (part.kind === "leading") return part.cluster.state;
    return part.kind === "standing by" ? part.state : undefined;
  };

  function takeOver(leadership: Leadership): Promise<void> {
    part = { kind: "taking over", leadership };
    return openCluster(leadership);
  }

  const isTakingOver = (leadership: Leadership): boolean =>
    part.kind === "taking over" && part.leadership === leadership;

  async function openCluster(leadership: Leadership): Promise<void> {
    const cluster = await Cluster.open(
      config,
      {
        ...ports,
        leadership,
        readControls: () => store.readControls(),
        controlCodec: CONTROL_TEXT,
        controlsChanged: () => nodes.tellControls(),
      },
      (state) => {
        nodes.tell(state);
        changes.changed();
      },
    );
    // Deposed in the meantime: whatever it decides is refused by the store, and nobody is told.
    if (!isTakingOver(leadership)) {
      cluster.close();
      return;
    }
    part = { kind: "leading", leadership, cluster };
    leaderships++;
    changes.changed();
    log.info("this meta leads", { epoch: leadership.epoch, cluster: cluster.state.clusterId });
  }

  /** While this meta has the leadership nobody else can lead, so it goes on trying: a store may be away for a moment. */
  function takeOverAgain(leadership: Leadership, thrown: unknown): void {
    log.error("could not take over", { epoch: leadership.epoch, reason: String(thrown) });
    ports.clock.setTimer(TAKE_OVER_AGAIN_MS, () => {
      if (!isTakingOver(leadership)) return;
      openCluster(leadership).catch((again: unknown) => takeOverAgain(leadership, again));
    });
  }

  const listener: StoreListener = {
    elected(leadership) {
      takenOver = takeOver(leadership);
      takenOver.catch((thrown: unknown) => {
        // Whoever starts the server hears of it.
        if (isStarted) takeOverAgain(leadership, thrown);
      });
    },
    deposed(why) {
      const state = stateNow();
      if (part.kind === "leading") part.cluster.close();
      part = { kind: "standing by", state };
      log.warn("this meta leads no more", { why });
      nodes.closeAll(new RegistryError("unavailable", "another meta leads"));
    },
    leaderChanged(now) {
      leader = now;
      changes.changed();
      if (now !== undefined && now.nodeId !== config.nodeId) log.info("another meta leads", { leader: now.nodeId });
    },
    recordChanged(record) {
      if (part.kind !== "standing by") return;
      part = { kind: "standing by", state: stateFromRecord(record) };
      changes.changed();
    },
  };

  const join: StreamHandler = (stream, peer) => {
    if (part.kind === "leading") nodes.accept(part.cluster, stream, peer);
    else nodes.redirect(stream, leader?.nodeId === config.nodeId ? undefined : leader);
  };

  const unready = (): string[] => {
    if (part.kind === "leading" || (part.kind === "standing by" && leader !== undefined)) return [];
    return [part.kind === "taking over" ? "has not read its store" : "no meta is known to lead"];
  };

  return {
    streams: new Map([[JOIN_PATH, join]]),
    streamMethods: [],
    nodePaths: [JOIN_PATH],
    routes(router) {
      addClusterRoutes(router, {
        changes,
        state: stateNow,
        leader: () => leader,
        loads: () => (part.kind === "leading" ? loads.newest : NO_LOADS),
      });
      addControlRoutes(router, {
        controls() {
          if (part.kind === "leading") return part.cluster.controls;
          throw notLeading(leader);
        },
        async reading() {
          if (part.kind === "leading") return part.cluster.controls;
          return viewOfStored(await store.readControls(), CONTROL_TEXT);
        },
        async backup() {
          if (part.kind !== "leading") throw notLeading(leader);
          const [record, controls] = await Promise.all([part.leadership.read(), store.readControls()]);
          if (record === undefined) throw new RegistryError("not_ready", "meta has stored nothing yet");
          return { record, controls };
        },
        behind: (version) => applied.behind(version, stateNow()?.members ?? []),
      });
      router.service(Health, healthService([MetaService.typeName], unready, ports.clock));
    },
    state: stateNow,
    leads: () => part.kind === "leading" && part.leadership.isValid(),
    unready,
    metrics() {
      const state = stateNow();
      const members = (role: NodeRole): number => state?.members.filter((member) => member.role === role).length ?? 0;
      return [
        gauge("rollcall_meta_leads", "1 on the meta that leads, 0 on the others.", part.kind === "leading" ? 1 : 0),
        counter("rollcall_meta_leaderships_total", "How often this meta has become leader.", leaderships),
        gauge("rollcall_meta_members_session", "Session nodes with a live lease.", members("session")),
        gauge("rollcall_meta_members_data", "Data nodes with a live lease.", members("data")),
        gauge(
          "rollcall_meta_members_unreachable",
          "Members that others cannot reach at their address.",
          state?.members.filter(({ unreachableFrom = [] }) => unreachableFrom.length > 0).length ?? 0,
        ),
        gauge("rollcall_meta_slot_table_epoch", "Epoch of the slot table.", state?.table.epoch ?? 0),
        ...slotMetrics(part.kind === "leading" ? part.cluster : undefined),
      ];
    },
    async start(address) {
      await store.stand({ nodeId: config.nodeId, address }, listener);
      await takenOver;
      isStarted = true;
    },
    async stop() {
      changes.close();
      loads.close();
      nodes.closeAll(new RegistryError("shutting_down", "meta is stopping"));
      if (part.kind === "leading") part.cluster.close();
      part = { kind: "standing by", state: stateNow() };
      await store.close();
    },
  };
}

/** Control records in the store are JSON, for whoever has to look at them there. */
const CONTROL_TEXT: ControlCodec = {
  write: (record) => JSON.stringify(jsonFromControlRecord(record)),
  read: (text) => controlRecordFromJson(JSON.parse(text) as JsonValue),
  changes: {
    write: (change) => JSON.stringify(jsonFromControlChange(change)),
    read: (text) => controlChangeFromJson(JSON.parse(text) as JsonValue),
  },
};

/** Time between two tries to read what a new leader has to know, in milliseconds. */
const TAKE_OVER_AGAIN_MS = 500;

const NO_LOADS: Loads = { version: 0, nodes: [] };

function notLeading(leader: Candidate | undefined): RegistryError {
  if (leader === undefined) return new RegistryError("not_ready", "no meta is known to lead");
  return new RegistryError("not_leader", `ask ${leader.nodeId} at ${leader.address}, which leads`, {
    subject: { field: "meta", limit: leader.address, value: "" },
  });
}

function slotMetrics(cluster: Cluster | undefined): readonly Metric[] {
  const { leaderless, unsynced, moves } = cluster?.slots() ?? { leaderless: 0, unsynced: 0, moves: 0 };
  return [
    gauge("rollcall_meta_slots_without_leader", "Slots that no live data node leads.", leaderless),
    gauge("rollcall_meta_slots_unsynced", "Slots with a follower that does not have all of it.", unsynced),
    counter("rollcall_meta_slot_moves_total", "Slots given from one data node to another.", moves),
  ];
}

export { backupFromText, recordsOfBackup } from "./peers/backup-text.ts";
export { MemoryMetaStore } from "./store/memory-meta-store.ts";
export { SharedMemory } from "./store/shared-memory-meta-store.ts";
export type { MetaRecord, MetaStore, StoredControls } from "./store/meta-store.ts";
