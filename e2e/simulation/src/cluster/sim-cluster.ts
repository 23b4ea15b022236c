/**
 * A whole cluster in one process: the real servers of apps/, made by their composition roots, on a virtual clock and a
 * simulated network. One seed decides everything that happens. Nodes keep their names while their processes come and go.
 */

import type { FileRegistry } from "@bufbuild/protobuf";
import {
  ownerOf,
  serviceKey,
  silentLog,
  slotOfServiceKey,
  type Log,
  type NodeRole,
  type SlotOwner,
} from "@rollcall/core";
import { createDataServer } from "@rollcall/data";
import { SharedMemory, createMetaServer, type MetaServer, type MetaStore } from "@rollcall/meta";
import type { NodeServer } from "@rollcall/runtime";
import { createSessionServer } from "@rollcall/session";
import { SeededRandom, SimClock, SimNetwork, type CarriedFrame, type Refusal } from "@rollcall/testing";

import { MetaDisk } from "./meta-disk.ts";
import { SchemaFilter } from "./schema-filter.ts";
import { NO_DISK, SimNode, type SimDisk, type SimNodeOptions } from "./sim-node.ts";
import { portsAt, type SimPorts } from "./sim-ports.ts";
import { SimProbes } from "./sim-prober.ts";
import { WarmDisk } from "./warm-disk.ts";

export interface ClusterShape {
  readonly data: number;
  readonly sessions: number;
  /** One, with a disk of its own, by default; several share a store, from which each can be cut off. */
  readonly metas?: number | undefined;
  /** Time between a session's looks at whether it has too many clients, in milliseconds. By default as in production. */
  readonly balanceEveryMs?: number | undefined;
  /** What the nodes of the former version know of messages. When there is one, the cluster begins with such nodes. */
  readonly former?: FileRegistry | undefined;
}

export interface SimClusterOptions {
  readonly seed: number;
  readonly shape: ClusterShape;
  /** What the servers have to say; by default nobody listens. */
  readonly log?: ((node: string) => Log) | undefined;
  /** Carried frames kept for a failing seed's trace. */
  readonly traceMax?: number | undefined;
  /** Called with every frame that is about to be taken in. */
  readonly carried?: ((frame: CarriedFrame) => void) | undefined;
  /** Called with every message that its receiver refuses. */
  readonly refused?: ((refusal: Refusal) => void) | undefined;
}

/** Where the store of several metas is: an end of a cut, and nothing more. */
export const STORE_ADDRESS = "store:2379";

const HEARTBEAT_MS = 1_000;

/** How long a cluster without faults may take until every node is ready, in milliseconds. */
const READY_MAX_MS = 30_000;

export class SimCluster {
  readonly clock: SimClock;
  readonly random: SeededRandom;
  readonly network: SimNetwork;
  readonly metas: readonly SimNode<MetaServer>[];
  readonly #store: SharedMemory;
  readonly #logOf: (node: string) => Log;
  readonly #former: SchemaFilter | undefined;
  readonly #data: SimNode[] = [];
  readonly #probes = new Map<string, SimProbes>();
  readonly #sessions: SimNode[] = [];

  constructor({ seed, shape, log, traceMax, carried, refused }: SimClusterOptions) {
    // A macrotask settles every promise, however long its chain; nothing real happens in between.
    this.clock = new SimClock({ settle: () => new Promise((resolve) => setImmediate(resolve)) });
    this.random = new SeededRandom(seed);
    this.network = new SimNetwork({ clock: this.clock, random: this.random, traceMax, carried, refused });
    this.#logOf = log ?? (() => silentLog);
    this.#store = new SharedMemory(this.clock);
    this.#former = shape.former && new SchemaFilter(shape.former);
    const { metas = 1 } = shape;
    this.metas = metas === 1 ? [this.#onlyMeta()] : numbersTo(metas).map((number) => this.#metaNode(number));
    for (let number = 1; number <= shape.data; number++) this.#data.push(this.#dataNode(number));
    for (let number = 1; number <= shape.sessions; number++)
      this.#sessions.push(this.#sessionNode(number, shape.balanceEveryMs));
  }

  /** The meta that knows most of the cluster: the one that leads, or led last. */
  get meta(): SimNode<MetaServer> {
    const versionOf = ({ server }: SimNode<MetaServer>): number => server.state()?.version ?? -1;
    const there = this.metas.filter(({ state }) => state !== "down");
    return there.toSorted((a, b) => versionOf(b) - versionOf(a))[0] ?? this.metas[0]!;
  }

  /** Every data node there ever was: one that left keeps its place. */
  get data(): readonly SimNode[] {
    return this.#data;
  }

  get sessions(): readonly SimNode[] {
    return this.#sessions;
  }

  get nodes(): readonly SimNode[] {
    return [...this.metas, ...this.#data, ...this.#sessions];
  }

  nodesOf(role: NodeRole): readonly SimNode[] {
    return this.nodes.filter((node) => node.role === role);
  }

  nodeAt(address: string): SimNode | undefined {
    return this.nodes.find((node) => node.address === address);
  }

  /** Starts every server and runs until all of them are ready. */
  async start(): Promise<void> {
    // Metas first, so that the others need not try twice.
    for (const node of this.metas) node.start();
    await this.clock.runUntilIdleOr(() => this.meta.server.state() !== undefined, READY_MAX_MS);
    for (const node of [...this.#data, ...this.#sessions]) node.start();
    await this.untilReady();
  }

  /** Runs until every node that is there is ready. */
  async untilReady(): Promise<void> {
    const there = (): SimNode[] => this.nodes.filter(({ state }) => state !== "down");
    const end = await this.clock.runUntilIdleOr(() => there().every(({ isReady }) => isReady), READY_MAX_MS);
    if (end === "met") return;
    const reasons = there().map(({ nodeId, state, server }) => `${nodeId} (${state}): ${server.unready().join("; ")}`);
    throw new Error(`the cluster is not ready:\n${reasons.join("\n")}`);
  }

  /** One more data node joins; gives it. */
  addData(): SimNode {
    const node = this.#dataNode(this.#data.length + 1);
    this.#data.push(node);
    node.start();
    return node;
  }

  /** Who owns the slot of a service of the default namespace and group, as meta knows; nobody while it knows nothing. */
  ownerOf(service: string): SlotOwner | undefined {
    const table = this.meta.server.state()?.table;
    return table && ownerOf(table, slotOfServiceKey(serviceKey({ service })));
  }

  /** The data node that leads the slot of a service. */
  leaderOf(service: string): SimNode {
    const leader = this.ownerOf(service)?.leader;
    const node = this.#data.find(({ nodeId }) => nodeId === leader);
    if (node === undefined) throw new Error(`nobody leads the slot of ${service}`);
    return node;
  }

  /** The ways from a data node to instances. */
  probesOf({ nodeId }: SimNode): SimProbes {
    return this.#probes.get(nodeId)!;
  }

  /** The data nodes that follow the slot of a service. */
  followersOf(service: string): SimNode[] {
    const followers = this.ownerOf(service)?.followers ?? [];
    return this.#data.filter(({ nodeId }) => followers.includes(nodeId));
  }

  /** The world as a client at `address` sees it. */
  portsOf(address: string): SimPorts {
    return portsAt(address, 1, this);
  }

  #onlyMeta(): SimNode<MetaServer> {
    const disk = new MetaDisk(this.clock, this.random.fork("disk of meta"));
    return this.#metaNode(1, (ports, isAlive) => disk.storeFor({ clock: ports.clock, isAlive }), disk);
  }

  #metaNode(
    number: number,
    storeFor: (ports: SimPorts, isAlive: () => boolean) => MetaStore = this.#sharedStoreAt(metaAddress(number)),
    disk: SimDisk = NO_DISK,
  ): SimNode<MetaServer> {
    const nodeId = `meta-${number}`;
    return this.#node(nodeId, "meta", metaAddress(number), {
      create: (ports, isAlive) =>
        createMetaServer(
          { nodeId, nodeLeaseMs: 3_000 },
          { ...ports, log: this.#logOf(nodeId), store: storeFor(ports, isAlive) },
        ),
      disk,
    });
  }

  #sharedStoreAt(address: string): (ports: SimPorts, isAlive: () => boolean) => MetaStore {
    const { network } = this;
    return ({ clock, random }, isAlive) =>
      this.#store.open({
        clock,
        random,
        reaches: () => isAlive() && !network.isCut(address, STORE_ADDRESS) && !network.isCut(STORE_ADDRESS, address),
      });
  }

  get #timing() {
    return { metas: this.metas.map(({ address }) => address), heartbeatMs: HEARTBEAT_MS };
  }

  #dataNode(number: number): SimNode {
    const nodeId = `data-${number}`;
    const disk = new WarmDisk(this.clock);
    const probes = new SimProbes();
    this.#probes.set(nodeId, probes);
    return this.#node(nodeId, "data", `${nodeId}:${9_619 + number}`, {
      create: (ports) =>
        createDataServer(
          { nodeId, ...this.#timing, registrationLeaseMs: 15_000 },
          { ...ports, log: this.#logOf(nodeId), ...disk.ports(), prober: probes.prober(ports.clock) },
        ),
      disk,
    });
  }

  #sessionNode(number: number, balanceEveryMs: number | undefined): SimNode {
    const nodeId = `session-${number}`;
    return this.#node(nodeId, "session", `${nodeId}:${9_599 + number}`, {
      create: (ports) =>
        createSessionServer(
          {
            nodeId,
            ...this.#timing,
            connectionGraceMs: 300,
            silenceGraceMs: 13_000,
            ...(balanceEveryMs !== undefined && { balanceEveryMs }),
          },
          { ...ports, log: this.#logOf(nodeId) },
        ),
      disk: NO_DISK,
    });
  }

  #node<Server extends NodeServer>(
    nodeId: string,
    role: NodeRole,
    address: string,
    own: Pick<SimNodeOptions<Server>, "create" | "disk">,
  ): SimNode<Server> {
    const { network } = this;
    const portsOf = (life: number): SimPorts => portsAt(address, life, this);
    return new SimNode({ nodeId, role, address, network, clock: this.clock, portsOf, former: this.#former, ...own });
  }
}

function metaAddress(number: number): string {
  return `meta-${number}:${9_609 + number}`;
}

function numbersTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}
