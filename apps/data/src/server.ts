/** The data server: the one place where its parts are made and joined. */

import { MetaLink, healthService } from "@rollcall/cluster";
import { DataService, Health, LINK_PATH } from "@rollcall/protocol";
import { gauge, type NodePorts, type NodeServer } from "@rollcall/runtime";

import { SessionLinks } from "./rpc/session-links.ts";
import { Storage } from "./storage.ts";

export interface DataServerConfig {
  readonly nodeId: string;
  /** Addresses of the metas. */
  readonly metas: readonly string[];
  /** Time between heartbeats to meta, in milliseconds. */
  readonly heartbeatMs: number;
  /** How long the registrations of a session that is gone stay, in milliseconds. */
  readonly registrationLeaseMs: number;
}

export function createDataServer(config: DataServerConfig, ports: NodePorts): NodeServer {
  const storage = new Storage(config, ports);
  const sessions = new SessionLinks(storage, ports);
  const hello = { nodeId: config.nodeId, startId: ports.random.id(), role: "data" } as const;
  const meta = new MetaLink({ metas: config.metas, hello, heartbeatMs: config.heartbeatMs }, ports, ({ state }) =>
    storage.adopt(state),
  );

  const unready = (): string[] => {
    if (meta.membership === undefined) return ["has not joined the cluster"];
    const takingOver = storage.ownership.count("taking over");
    return takingOver > 0 ? [`${takingOver} slots are being taken over`] : [];
  };

  return {
    streams: new Map([[LINK_PATH, sessions.handler]]),
    streamMethods: [],
    nodePaths: [LINK_PATH],
    routes: (router) => router.service(Health, healthService([DataService.typeName], unready, ports.clock)),
    unready,
    metrics() {
      const { services, instances } = storage.datums.count();
      return [
        gauge("rollcall_data_slots_leading", "Slots this node leads completely.", storage.ownership.count("leading")),
        gauge(
          "rollcall_data_slots_taking_over",
          "Slots still waiting for sessions.",
          storage.ownership.count("taking over"),
        ),
        gauge("rollcall_data_services", "Services in the slots of this node.", services),
        gauge("rollcall_data_instances", "Instances of these services.", instances),
        gauge("rollcall_data_sessions_linked", "Session nodes linked to this node.", storage.linkedSessions),
      ];
    },
    start(address) {
      storage.start();
      meta.open(address);
    },
    stop() {
      meta.leave();
      storage.stop();
      sessions.closeAll();
    },
  };
}
