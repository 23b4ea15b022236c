/** The meta server: the one place where its parts are made and joined. */

import type { ServiceImpl } from "@connectrpc/connect";
import {
  RegistryError,
  type Clock,
  type ClusterState,
  type Log,
  type Random,
  type StreamHandler,
  type StreamRoutes,
} from "@rollcall/core";
import { JOIN_PATH, wireFromClusterState, type MetaService } from "@rollcall/protocol";

import { Cluster } from "./cluster/cluster.ts";
import { NodeLinks } from "./rpc/node-links.ts";
import type { MetaStore } from "./store/meta-store.ts";

export interface MetaServerConfig {
  readonly nodeId: string;
  /** How long a node stays a member without a heartbeat, in milliseconds. */
  readonly nodeLeaseMs: number;
}

export interface MetaServerPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly store: MetaStore;
}

export interface MetaServer {
  readonly streams: StreamRoutes;
  readonly unary: Pick<ServiceImpl<typeof MetaService>, "getCluster">;
  /** The newest state of the cluster; undefined before the store has been read. */
  state(): ClusterState | undefined;
  /** What keeps this node from serving; empty when it is ready. */
  unready(): string[];
  /** Reads the store. @throws RegistryError when it cannot be read. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function createMetaServer(config: MetaServerConfig, ports: MetaServerPorts): MetaServer {
  const nodes = new NodeLinks(ports.log);
  let cluster: Cluster | undefined;

  const join: StreamHandler = (stream, peer) => {
    if (cluster !== undefined) return nodes.accept(cluster, stream, peer);
    stream.listen({ message: () => {}, closed: () => {} });
    return stream.close(notReady());
  };

  return {
    streams: new Map([[JOIN_PATH, join]]),
    unary: {
      getCluster() {
        if (cluster === undefined) throw notReady();
        return { state: wireFromClusterState(cluster.state) };
      },
    },
    state: () => cluster?.state,
    unready: () => (cluster === undefined ? ["has not read its store"] : []),
    async start() {
      cluster = await Cluster.open(config, ports, (state) => nodes.tell(state));
    },
    async stop() {
      nodes.closeAll();
      await cluster?.close();
    },
  };
}

function notReady(): RegistryError {
  return new RegistryError("not_ready", "meta has not read its store yet");
}

export { MemoryMetaStore } from "./store/memory-meta-store.ts";
