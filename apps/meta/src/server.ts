/** The meta server: the one place where its parts are made and joined. */

import { healthService } from "@rollcall/cluster";
import { RegistryError, type ClusterState, type NodeRole, type StreamHandler } from "@rollcall/core";
import { Health, JOIN_PATH, MetaService, wireFromClusterState } from "@rollcall/protocol";
import { gauge, type Metric, type NodePorts, type NodeServer } from "@rollcall/runtime";

import { Cluster } from "./cluster/cluster.ts";
import { NodeLinks } from "./rpc/node-links.ts";
import type { MetaStore } from "./store/meta-store.ts";

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
}

export interface MetaServer extends NodeServer {
  /** The newest state of the cluster; undefined before the store has been read. */
  state(): ClusterState | undefined;
}

export function createMetaServer(config: MetaServerConfig, ports: MetaServerPorts): MetaServer {
  const nodes = new NodeLinks(ports.log);
  let cluster: Cluster | undefined;

  const join: StreamHandler = (stream, peer) => {
    if (cluster !== undefined) return nodes.accept(cluster, stream, peer);
    stream.listen({ message: () => {}, closed: () => {} });
    return stream.close(notReady());
  };

  const unready = (): string[] => (cluster === undefined ? ["has not read its store"] : []);

  return {
    streams: new Map([[JOIN_PATH, join]]),
    streamMethods: [],
    nodePaths: [JOIN_PATH],
    routes(router) {
      router.rpc(MetaService.method.getCluster, () => {
        if (cluster === undefined) throw notReady();
        return { state: wireFromClusterState(cluster.state) };
      });
      router.service(Health, healthService([MetaService.typeName], unready, ports.clock));
    },
    state: () => cluster?.state,
    unready,
    metrics() {
      const state = cluster?.state;
      const members = (role: NodeRole): number => state?.members.filter((member) => member.role === role).length ?? 0;
      return [
        gauge("rollcall_meta_members_session", "Session nodes with a live lease.", members("session")),
        gauge("rollcall_meta_members_data", "Data nodes with a live lease.", members("data")),
        gauge("rollcall_meta_slot_table_epoch", "Epoch of the slot table.", state?.table.epoch ?? 0),
        ...slotMetrics(cluster),
      ];
    },
    async start(address) {
      cluster = await Cluster.open(config, ports, (state) => nodes.tell(state));
      ports.log.info("cluster is open", { cluster: cluster.state.clusterId, address });
    },
    async stop() {
      nodes.closeAll();
      await cluster?.close();
    },
  };
}

function slotMetrics(cluster: Cluster | undefined): readonly Metric[] {
  const { leaderless, unsynced, moves } = cluster?.slots() ?? { leaderless: 0, unsynced: 0, moves: 0 };
  return [
    gauge("rollcall_meta_slots_without_leader", "Slots that no live data node leads.", leaderless),
    gauge("rollcall_meta_slots_unsynced", "Slots with a follower that does not have all of it.", unsynced),
    {
      name: "rollcall_meta_slot_moves_total",
      help: "Slots given from one data node to another.",
      type: "counter",
      value: moves,
    },
  ];
}

function notReady(): RegistryError {
  return new RegistryError("not_ready", "meta has not read its store yet");
}

export { MemoryMetaStore } from "./store/memory-meta-store.ts";
