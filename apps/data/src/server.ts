/** The data server: the one place where its parts are made and joined. */

import { MetaLink } from "@rollcall/cluster";
import type { Clock, Dialer, Log, Random, StreamRoutes } from "@rollcall/core";
import { LINK_PATH } from "@rollcall/protocol";

import { SessionLinks } from "./rpc/session-links.ts";
import { Storage } from "./storage.ts";

export interface DataServerConfig {
  readonly nodeId: string;
  /** Where session nodes reach this node, `host:port`. */
  readonly address: string;
  /** Addresses of the metas. */
  readonly metas: readonly string[];
  /** Time between heartbeats to meta, in milliseconds. */
  readonly heartbeatMs: number;
  /** How long the registrations of a session that is gone stay, in milliseconds. */
  readonly registrationLeaseMs: number;
}

export interface DataServerPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly dialer: Dialer;
}

export interface DataServer {
  readonly streams: StreamRoutes;
  /** What keeps this node from serving; empty when it is ready. */
  unready(): string[];
  start(): void;
  /** Leaves the cluster, so that its slots go to others at once. */
  stop(): void;
}

export function createDataServer(config: DataServerConfig, ports: DataServerPorts): DataServer {
  const storage = new Storage(config, ports);
  const sessions = new SessionLinks(storage, ports);
  const hello = { nodeId: config.nodeId, startId: ports.random.id(), role: "data", address: config.address } as const;
  const meta = new MetaLink({ metas: config.metas, hello, heartbeatMs: config.heartbeatMs }, ports, ({ state }) =>
    storage.adopt(state),
  );

  return {
    streams: new Map([[LINK_PATH, sessions.handler]]),
    unready() {
      if (meta.membership === undefined) return ["has not joined the cluster"];
      const takingOver = storage.ownership.count("taking over");
      return takingOver > 0 ? [`${takingOver} slots are being taken over`] : [];
    },
    start() {
      storage.start();
      meta.open();
    },
    stop() {
      meta.leave();
      storage.stop();
      sessions.closeAll();
    },
  };
}
