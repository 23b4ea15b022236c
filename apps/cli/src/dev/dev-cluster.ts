/**
 * A whole cluster in this process: the same composition roots as in production, each with a port of its own, joined
 * over loopback. Only meta differs: it keeps its store in memory, so a cluster that was stopped is forgotten.
 */

import { NODE_ROLES, RegistryError, invalidField, type Log, type NodeRole } from "@rollcall/core";
import { NetworkProber, createDataServer } from "@rollcall/data";
import { MemoryMetaStore, createMetaServer } from "@rollcall/meta";
import { errorDetailCodec } from "@rollcall/protocol";
import { StopSequence, startNode, type NodePorts, type NodeServer, type RunningNode } from "@rollcall/runtime";
import { createSessionServer } from "@rollcall/session";

import { CommandFailure } from "../failure.ts";
import type { DevSettings } from "./settings.ts";

export interface DevNode {
  readonly role: NodeRole;
  readonly node: RunningNode;
}

export type ClusterSettings = Omit<DevSettings, "logLevel">;

/** The same values as the defaults of the nodes' own settings. */
const HEARTBEAT_MS = 1_000;
const NODE_LEASE_MS = 3_000;
const REGISTRATION_LEASE_MS = 15_000;
const CONNECTION_GRACE_MS = 300;
const SILENCE_GRACE_MS = 12_000;

/** Shorter than in production: whoever presses Ctrl-C sits in front of it. */
const STOP_GRACE_MS = 1_000;

/** Only sessions are for others; the rest of the cluster stays on this machine. */
const INTERNAL_HOST = "127.0.0.1";

/** Where internal nodes listen, counted from the first session's port: with 9600 that is 9610 and 9620, as by default. */
const META_PORT_OFFSET = 10;
const DATA_PORT_OFFSET = 20;

/** A node takes the port above its predecessor's; there are no more of a role than fit below the next. */
export const NODES_MAX = META_PORT_OFFSET;

export class DevCluster {
  #nodes: DevNode[] = [];
  readonly #stops = new StopSequence();
  readonly #settings: ClusterSettings;
  readonly #logOf: (role: NodeRole, nodeId: string) => Log;

  private constructor(settings: ClusterSettings, logOf: (role: NodeRole, nodeId: string) => Log) {
    this.#settings = settings;
    this.#logOf = logOf;
  }

  /** Resolves when every node listens; `unready` tells when they do their work. */
  static async start(settings: ClusterSettings, logOf: (role: NodeRole, nodeId: string) => Log): Promise<DevCluster> {
    const cluster = new DevCluster(settings, logOf);
    try {
      await cluster.#startNodes();
    } catch (thrown) {
      await cluster.stop();
      throw thrown;
    }
    return cluster;
  }

  /** In the order in which clients are told of them: sessions first. */
  get nodes(): readonly DevNode[] {
    return this.#nodes.toReversed();
  }

  /** What each node of these roles still waits for. */
  unready(roles: readonly NodeRole[] = NODE_ROLES): readonly string[] {
    const nodes = this.#nodes.filter(({ role }) => roles.includes(role));
    return nodes.flatMap(({ node }) => node.unready().map((reason) => `${node.nodeId} ${reason}`));
  }

  /** Everything that any node was told has reached all whom it concerns. */
  get isSettled(): boolean {
    return this.#nodes.every(({ node }) => node.isSettled());
  }

  /** Stops one node, in order, as a rolling restart does. */
  async stopNode(nodeId: string): Promise<void> {
    const stopped = this.#nodes.find(({ node }) => node.nodeId === nodeId);
    if (stopped === undefined)
      throw invalidField("node", this.#nodes.map(({ node }) => node.nodeId).join(", "), nodeId);
    this.#nodes = this.#nodes.filter((other) => other !== stopped);
    await stopped.node.stop();
  }

  /** Sessions, then data nodes, then meta: nobody loses one that it needs while it says goodbye. */
  stop(): Promise<void> {
    return this.#stops.run();
  }

  async #startNodes(): Promise<void> {
    const { data, sessions } = this.#settings;
    const meta = await this.#start("meta", 1, META_PORT_OFFSET, (nodeId, ports) =>
      createMetaServer({ nodeId, nodeLeaseMs: NODE_LEASE_MS }, { ...ports, store: new MemoryMetaStore() }),
    );
    const prober = new NetworkProber();
    // When it stops all of it does, so that neither slots nor clients have anywhere to go.
    const joining = { metas: [meta.address], heartbeatMs: HEARTBEAT_MS, drainMs: 0 };
    for (let number = data; number >= 1; number--) {
      await this.#start("data", number, DATA_PORT_OFFSET, (nodeId, ports) =>
        createDataServer({ nodeId, ...joining, registrationLeaseMs: REGISTRATION_LEASE_MS }, { ...ports, prober }),
      );
    }
    const graces = { connectionGraceMs: CONNECTION_GRACE_MS, silenceGraceMs: SILENCE_GRACE_MS };
    for (let number = sessions; number >= 1; number--) {
      await this.#start("session", number, 0, (nodeId, ports) =>
        createSessionServer({ nodeId, ...joining, ...graces }, ports),
      );
    }
  }

  async #stopIfRunning(nodeId: string): Promise<void> {
    if (this.#nodes.some(({ node }) => node.nodeId === nodeId)) await this.stopNode(nodeId);
  }

  async #start(
    role: NodeRole,
    number: number,
    offset: number,
    create: (nodeId: string, ports: NodePorts) => NodeServer,
  ): Promise<RunningNode> {
    const nodeId = `${role}-${number}`;
    const { port: firstPort, host, advertise, corsOrigins } = this.#settings;
    const log = this.#logOf(role, nodeId);
    const startAt = (port: number): Promise<RunningNode> =>
      startNode({
        nodeId,
        settings: {
          host: role === "session" ? host : INTERNAL_HOST,
          port,
          advertise: role === "session" && port !== 0 ? advertise(port) : undefined,
          stopGraceMs: STOP_GRACE_MS,
          corsOrigins: role === "session" ? corsOrigins : undefined,
        },
        log,
        errorDetail: errorDetailCodec,
        create: (ports) => create(nodeId, ports),
      });
    const port = firstPort === 0 ? 0 : firstPort + offset + number - 1;
    // The first session is where clients look, so it is there or nowhere; the others may be anywhere.
    const wasAskedFor = role === "session" && number === 1;
    const node = await startAt(port).catch((thrown: unknown) => {
      if (!isTaken(thrown)) throw thrown;
      if (!wasAskedFor) return startAt(0);
      throw new CommandFailure(
        `port ${port} is in use: stop what listens there (another \`rollcall dev\`?), or choose another with --port`,
        { cause: thrown },
      );
    });
    this.#nodes.push({ role, node });
    this.#stops.add(nodeId, () => this.#stopIfRunning(nodeId));
    return node;
  }
}

function isTaken(thrown: unknown): boolean {
  const cause = thrown instanceof RegistryError ? thrown.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
}
