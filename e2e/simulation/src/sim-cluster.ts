/**
 * A whole cluster in one process: the real servers of apps/, made by their composition roots, on a virtual clock and a
 * simulated network. One seed decides everything that happens.
 */

import {
  ownerOf,
  serviceKey,
  silentLog,
  slotOfServiceKey,
  type Clock,
  type Dialer,
  type Log,
  type Random,
} from "@rollcall/core";
import { createDataServer } from "@rollcall/data";
import { MemoryMetaStore, createMetaServer, type MetaServer } from "@rollcall/meta";
import type { NodeServer } from "@rollcall/runtime";
import { createSessionServer } from "@rollcall/session";
import { SeededRandom, SimClock, SimNetwork, type NodeClock } from "@rollcall/testing";

export interface ClusterShape {
  readonly data: number;
  readonly sessions: number;
}

export interface SimNode<Server> {
  readonly nodeId: string;
  readonly address: string;
  readonly clock: NodeClock;
  readonly server: Server;
}

export interface SimPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly dialer: Dialer;
}

export interface SimClusterOptions {
  readonly seed: number;
  readonly shape: ClusterShape;
  /** What the servers have to say; by default nobody listens. */
  readonly log?: ((node: string) => Log) | undefined;
  /** Carried frames kept for a failing seed's trace. */
  readonly traceMax?: number | undefined;
}

/** Clocks of nodes start up to this far apart, in milliseconds, and drift by up to a tenth of a percent. */
const CLOCK_OFFSET_MAX_MS = 3_600_000;
const CLOCK_DRIFT_MAX = 0.001;

const META_ADDRESS = "meta-1:9610";

export class SimCluster {
  readonly clock: SimClock;
  readonly random: SeededRandom;
  readonly network: SimNetwork;
  readonly meta: SimNode<MetaServer>;
  readonly data: readonly SimNode<NodeServer>[];
  readonly sessions: readonly SimNode<NodeServer>[];

  constructor({ seed, shape, log, traceMax }: SimClusterOptions) {
    // A macrotask settles every promise, however long its chain; nothing real happens in between.
    this.clock = new SimClock({ settle: () => new Promise((resolve) => setImmediate(resolve)) });
    this.random = new SeededRandom(seed);
    this.network = new SimNetwork({ clock: this.clock, random: this.random, traceMax });
    const logOf = log ?? (() => silentLog);
    const timing = { metas: [META_ADDRESS], heartbeatMs: 1_000 };

    this.meta = this.#node("meta-1", META_ADDRESS, (ports, nodeId) =>
      createMetaServer({ nodeId, nodeLeaseMs: 3_000 }, { ...ports, log: logOf(nodeId), store: new MemoryMetaStore() }),
    );
    this.data = names("data", shape.data).map((name, index) =>
      this.#node(name, `${name}:${9620 + index}`, (ports, nodeId) =>
        createDataServer({ nodeId, ...timing, registrationLeaseMs: 15_000 }, { ...ports, log: logOf(nodeId) }),
      ),
    );
    this.sessions = names("session", shape.sessions).map((name, index) =>
      this.#node(name, `${name}:${9600 + index}`, (ports, nodeId) =>
        createSessionServer(
          { nodeId, ...timing, connectionGraceMs: 300, silenceGraceMs: 13_000 },
          { ...ports, log: logOf(nodeId) },
        ),
      ),
    );
  }

  /** Starts every server and runs until all of them are ready. */
  async start(): Promise<void> {
    for (const { address, server } of [this.meta, ...this.data, ...this.sessions])
      this.network.host(address, server.streams);
    for (const { address, server } of [this.meta, ...this.data, ...this.sessions]) await server.start(address);
    const servers = [...this.data, ...this.sessions].map(({ server }) => server);
    const end = await this.clock.runUntilIdleOr(() => servers.every((server) => server.unready().length === 0), 30_000);
    if (end !== "met")
      throw new Error(`the cluster is not ready: ${servers.flatMap((server) => server.unready()).join("; ")}`);
  }

  /** The data node that leads the slot of a service of the default namespace and group. */
  leaderOf(service: string): SimNode<NodeServer> {
    const { leader } = ownerOf(this.meta.server.state()!.table, slotOfServiceKey(serviceKey({ service })));
    const node = this.data.find(({ nodeId }) => nodeId === leader);
    if (node === undefined) throw new Error(`nobody leads the slot of ${service}`);
    return node;
  }

  /** The process of a node ends without a word. */
  crash({ clock, address }: SimNode<NodeServer>): void {
    clock.stop();
    this.network.crash(address);
  }

  /** The world as a client at `address` sees it. */
  portsOf(address: string): SimPorts {
    return { clock: this.#nodeClock(address), random: this.random.fork(address), dialer: this.network.dialer(address) };
  }

  #node<Server>(nodeId: string, address: string, create: (ports: SimPorts, nodeId: string) => Server): SimNode<Server> {
    const ports = this.portsOf(address);
    return { nodeId, address, clock: ports.clock as NodeClock, server: create(ports, nodeId) };
  }

  #nodeClock(label: string): NodeClock {
    const random = this.random.fork(`clock of ${label}`);
    return this.clock.nodeClock(random.next() * CLOCK_OFFSET_MAX_MS, (random.next() - 0.5) * 2 * CLOCK_DRIFT_MAX);
  }
}

function names(role: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${role}-${index + 1}`);
}
