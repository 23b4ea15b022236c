/**
 * A whole cluster of real processes: metas, of which several keep the cluster in a real etcd, data nodes, sessions. On loopback, on ports that were free, or each node
 * with an address of its own in a network that can be cut. Each runs in a folder of its own, where it keeps what it keeps.
 */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createClient as createRpcClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { ownerOf, serviceKey, slotOfServiceKey, type ClusterState } from "@rollcall/core";
import { EtcdCluster, type EtcdMember } from "@rollcall/etcd";
import { MetaService, clusterStateFromWire, type GetClusterResponse } from "@rollcall/protocol";
import { createClient, type Client, type NodeClientOptions } from "@rollcall/sdk";

import { ProgramGroup, type Program } from "./processes.ts";
import { RealNetwork } from "./real-network.ts";
import { until } from "./until.ts";

export type Role = "meta" | "data" | "session";

export interface ClusterShape {
  readonly data: number;
  readonly sessions: number;
  /** Settings of every node, as flags. */
  readonly args?: readonly string[] | undefined;
  /** Default 1. */
  readonly metas?: number | undefined;
  /** Members of a real etcd that the metas share. By default there is none, and the one meta has a folder. */
  readonly etcdMembers?: number | undefined;
  /** Settings of every data node, as flags. */
  readonly dataArgs?: readonly string[] | undefined;
  /** Settings of every session that is started with the cluster, as flags. */
  readonly sessionArgs?: readonly string[] | undefined;
  /** The command of the version that the nodes are of, as its package installs it. Default: the sources of this one. */
  readonly command?: URL | undefined;
  /** Whether the nodes are in a network that can be cut. Default: they are on loopback. */
  readonly network?: boolean | undefined;
}

/** A node and the process it runs in. */
export interface RealNode {
  readonly nodeId: string;
  readonly role: Role;
  readonly address: string;
  readonly program: Program;
  /** Its folder. */
  readonly folder: string;
}

const THIS_VERSION = "this version";

/** The port of a node that has an address of its own. */
const PORT = "9600";

type MakeClient = (options: NodeClientOptions) => Client;

export class RealCluster implements AsyncDisposable {
  readonly group = new ProgramGroup();
  readonly #folder: string;
  readonly #args: readonly string[];
  readonly #dataArgs: readonly string[];
  readonly #command: URL | undefined;
  readonly #network: RealNetwork | undefined;
  readonly #etcd: EtcdCluster | undefined;
  /** How each node was started: what `restart` does again. */
  readonly #argsOf = new Map<string, readonly string[]>();
  readonly #clients = new Set<Client>();
  readonly #nodes: RealNode[] = [];
  readonly #started: Record<Role, number> = { meta: 0, data: 0, session: 0 };

  private constructor(
    folder: string,
    { args = [], dataArgs = [], command }: Pick<ClusterShape, "args" | "dataArgs" | "command">,
    network: RealNetwork | undefined,
    etcd: EtcdCluster | undefined,
  ) {
    this.#folder = folder;
    this.#args = args;
    this.#dataArgs = dataArgs;
    this.#command = command;
    this.#etcd = etcd;
    this.#network = network;
  }

  /** Resolves when every node can serve, and slots have come to rest. What was started is ended again when that fails. */
  static async start(shape: ClusterShape): Promise<RealCluster> {
    const { data, sessions, metas = 1, etcdMembers = 0, sessionArgs = [], network = false } = shape;
    const folder = await mkdtemp(join(tmpdir(), "rollcall-e2e-"));
    const cluster = new RealCluster(
      folder,
      shape,
      network ? await RealNetwork.create() : undefined,
      etcdMembers > 0 ? await EtcdCluster.start({ members: etcdMembers }) : undefined,
    );
    try {
      for (let number = 1; number <= metas; number++) await cluster.#addMeta();
      await Promise.all([
        ...Array.from({ length: data }, () => cluster.addNode("data")),
        ...Array.from({ length: sessions }, () => cluster.addNode("session", ...sessionArgs)),
      ]);
      await cluster.ready();
      if (data > 0) await cluster.settled();
    } catch (thrown) {
      await cluster[Symbol.asyncDispose]();
      throw thrown;
    }
    return cluster;
  }

  get meta(): RealNode {
    return this.#running("meta")[0]!;
  }

  get metas(): readonly RealNode[] {
    return this.#running("meta");
  }

  /** The meta that leads, as the first one that knows says. */
  async leadingMeta(): Promise<RealNode> {
    const { leader } = await this.#askMetas();
    const node = this.metas.find(({ address }) => address === leader);
    if (node === undefined) throw new Error(`no meta that runs leads; ${leader === "" ? "nobody" : leader} is said to`);
    return node;
  }

  get data(): readonly RealNode[] {
    return this.#running("data");
  }

  get sessions(): readonly RealNode[] {
    return this.#running("session");
  }

  /** The network that was asked for. */
  get network(): RealNetwork {
    if (this.#network === undefined) throw new Error("this cluster is on loopback");
    return this.#network;
  }

  /** The etcd that was asked for. */
  get etcd(): EtcdCluster {
    if (this.#etcd === undefined) throw new Error("this cluster has no etcd");
    return this.#etcd;
  }

  /** None when there is no etcd. */
  get etcdMembers(): readonly EtcdMember[] {
    return this.#etcd?.members ?? [];
  }

  get metaFolder(): string {
    return join(this.#folder, "meta");
  }

  /** A folder of its own that goes with the cluster. */
  folder(name: string): string {
    return join(this.#folder, name);
  }

  #addMeta(): Promise<RealNode> {
    const args = this.#etcd === undefined ? ["--data-dir", this.metaFolder] : ["--store", this.#etcd.url];
    return this.#start("meta", `meta-${++this.#started.meta}`, args);
  }

  /** Starts one more node; it has joined when its `/readyz` says so, see {@link ready}. */
  addNode(role: "data" | "session", ...args: readonly string[]): Promise<RealNode> {
    const nodeId = `${role}-${++this.#started[role]}`;
    const metas = new Set(this.#nodes.filter((node) => node.role === "meta").map(({ address }) => address));
    const common = ["--meta", [...metas].join(","), ...(role === "data" ? this.#dataArgs : [])];
    return this.#start(role, nodeId, [...common, ...args]);
  }

  /** Starts a node again that has ended: with the same name, address and folder. */
  restart({ role, nodeId, address }: RealNode, { args = [] }: Pick<ClusterShape, "args"> = {}): Promise<RealNode> {
    return this.#start(role, nodeId, [...this.#argsOf.get(nodeId)!, ...args], address.split(":").at(-1));
  }

  /** The same, of this version. */
  upgrade({ role, nodeId, address }: RealNode): Promise<RealNode> {
    return this.#start(role, nodeId, this.#argsOf.get(nodeId)!, address.split(":").at(-1), THIS_VERSION);
  }

  /** Resolves when every node that runs can serve. */
  async ready(withinMs?: number): Promise<void> {
    for (const { address, nodeId, program } of this.#nodes) {
      if (program.exit !== undefined) continue;
      await until(async () => (await fetch(`http://${address}/readyz`)).ok, {
        what: `${nodeId} is ready`,
        withinMs,
        because: () => this.group.report(),
      });
    }
  }

  /** Resolves when every data node that runs leads its share of the slots, give or take a tenth, and all can serve. */
  async settled(): Promise<void> {
    await until(
      async () => {
        const { owners } = (await this.state()).table;
        const share = owners.length / this.data.length;
        const led = this.data.map(({ nodeId }) => owners.filter(({ leader }) => leader === nodeId).length);
        return led.every((count) => Math.abs(count - share) <= Math.ceil(share / 10));
      },
      { what: "slots are even", withinMs: 15_000 },
    );
    await this.ready();
  }

  /** Asks a node to stop; rejects when it does not end in order, with exit code 0. */
  async stop({ nodeId, program }: RealNode): Promise<void> {
    const { code, signal } = await program.stop();
    if (code !== 0) throw new Error(`${nodeId} ended with ${signal ?? code}:\n${program.output}`);
  }

  /** `kill -9` of a node. */
  async kill({ program }: RealNode): Promise<void> {
    await program.kill();
  }

  /** The node stands still: it answers nothing, but its connections stay. */
  freeze({ program }: RealNode): void {
    program.freeze();
  }

  thaw({ program }: RealNode): void {
    program.thaw();
  }

  /**
   * A client that knows all sessions that run; or those that are named, to which it keeps. It is closed with the cluster
   * at the latest.
   */
  openClient(options: Partial<NodeClientOptions> = {}, make: MakeClient = createClient): Client {
    const servers = options.servers ?? this.sessions.map(({ address }) => address);
    const client = make({ discoverServers: options.servers === undefined, ...options, servers });
    this.#clients.add(client);
    client.on("closed", () => void this.#clients.delete(client));
    return client;
  }

  /** The cluster as meta knows it. */
  async state(): Promise<ClusterState> {
    return clusterStateFromWire((await this.#askMetas()).state!);
  }

  async #askMetas(): Promise<GetClusterResponse> {
    const failures: unknown[] = [];
    for (const { address } of this.metas) {
      const transport = createConnectTransport({ baseUrl: `http://${address}`, httpVersion: "1.1" });
      try {
        return await createRpcClient(MetaService, transport).getCluster({}, { timeoutMs: 1_000 });
      } catch (thrown) {
        failures.push(thrown);
      }
    }
    throw new AggregateError(failures, "no meta answers");
  }

  /** The data node that leads the slot of a service of the default namespace and group. */
  async leaderOf(service: string): Promise<RealNode> {
    const { leader } = ownerOf((await this.state()).table, slotOfServiceKey(serviceKey({ service })));
    const node = this.data.find(({ nodeId }) => nodeId === leader);
    if (node === undefined) throw new Error(`nobody who runs leads the slot of ${service}`);
    return node;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.close()));
    await this.group[Symbol.asyncDispose]();
    await this.#etcd?.[Symbol.asyncDispose]();
    await this.#network?.[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #running(wanted: Role): RealNode[] {
    // In the order of their names, whichever was ready first.
    return this.#nodes
      .filter(({ role, program }) => role === wanted && program.exit === undefined)
      .toSorted((a, b) => a.nodeId.localeCompare(b.nodeId, "en", { numeric: true }));
  }

  async #start(
    role: Role,
    nodeId: string,
    args: readonly string[],
    port = this.#anyPort,
    command: URL | typeof THIS_VERSION = this.#command ?? THIS_VERSION,
  ): Promise<RealNode> {
    this.#argsOf.set(nodeId, args);
    const folder = join(this.#folder, nodeId);
    await mkdir(folder, { recursive: true });
    const host = await this.#network?.host(nodeId);
    const program = this.group.start({
      name: nodeId,
      script: command === THIS_VERSION ? `apps/${role}/src/main.ts` : command.href,
      args: [
        ...(command === THIS_VERSION ? [] : [role]),
        "--node-id",
        nodeId,
        "--port",
        port,
        ...(host === undefined ? [] : ["--host", host.address, "--insecure"]),
        ...this.#args,
        ...args,
      ],
      folder,
      runner: host?.runner,
    });
    const node: RealNode = { nodeId, role, address: await program.ready(), program, folder };
    this.#nodes.push(node);
    return node;
  }

  get #anyPort(): string {
    return this.#network === undefined ? "0" : PORT;
  }
}
