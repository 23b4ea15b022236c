/** A cluster of real processes on this machine for the time of a benchmark. Each node runs in a folder of its own. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { ownerOf, serviceKey, slotOfServiceKey, type ClusterState } from "@rollcall/core";
import { EtcdCluster } from "@rollcall/etcd";
import { MetaService, clusterStateFromWire, type GetClusterResponse } from "@rollcall/protocol";

import { atExit } from "./harness/at-exit.ts";
import { makeOwnFolder, type Medium, type OwnFolder } from "./harness/own-folder.ts";
import type { Server } from "./harness/usage.ts";

export interface ClusterShape {
  readonly data: number;
  readonly sessions: number;
  /** By default 1, which keeps the cluster itself; several keep it in an etcd of one member. */
  readonly metas?: number | undefined;
  /** Where the nodes keep their data; on the disk by default. */
  readonly medium?: Medium | undefined;
}

export interface BenchNode {
  readonly nodeId: string;
  readonly role: "meta" | "data" | "session";
  readonly address: string;
  readonly process: ChildProcess;
}

export class BenchCluster implements AsyncDisposable {
  readonly #folder: OwnFolder;
  readonly #nodes = new Map<string, BenchNode>();
  /** `host:port` of all there ever were. */
  readonly #metas: string[] = [];
  readonly #started: Record<BenchNode["role"], number> = { meta: 0, data: 0, session: 0 };
  readonly #kept = new AsyncDisposableStack();
  #store: EtcdCluster | undefined;

  private constructor(folder: OwnFolder) {
    this.#folder = this.#kept.use(folder);
  }

  /** Resolves when every node is ready. */
  static async start({ data, sessions, metas = 1, medium = "disk" }: ClusterShape): Promise<BenchCluster> {
    await using stack = new AsyncDisposableStack();
    const cluster = stack.use(new BenchCluster(await makeOwnFolder(medium, "bench")));
    const many = (count: number, role: "data" | "session"): Promise<BenchNode[]> =>
      Promise.all(Array.from({ length: count }, () => cluster.add(role)));
    if (metas > 1) await cluster.#startStore();
    for (let number = 1; number <= metas; number++) await cluster.add("meta");
    await many(data, "data");
    await many(sessions, "session");
    for (const node of [...cluster.data, ...cluster.sessions]) await cluster.ready(node);
    stack.move();
    return cluster;
  }

  get nodes(): readonly BenchNode[] {
    return [...this.#nodes.values()];
  }

  get metas(): readonly BenchNode[] {
    return this.nodes.filter(({ role }) => role === "meta");
  }

  get data(): readonly BenchNode[] {
    return this.nodes.filter(({ role }) => role === "data");
  }

  get sessions(): readonly BenchNode[] {
    return this.nodes.filter(({ role }) => role === "session");
  }

  /** The cluster as the first meta that answers knows it. */
  async state(): Promise<ClusterState> {
    return clusterStateFromWire((await this.#askMetas()).state!);
  }

  /** The meta that acts; undefined while none does. */
  async actingMeta(): Promise<BenchNode | undefined> {
    const { leader } = await this.#askMetas();
    return this.metas.find(({ address }) => address === leader);
  }

  /** The data node that leads most of these services, and which. */
  async mostLeading(
    services: readonly string[],
  ): Promise<{ readonly node: BenchNode; readonly leads: ReadonlySet<string> }> {
    const { table } = await this.state();
    const leaderOf = (service: string): string | undefined =>
      ownerOf(table, slotOfServiceKey(serviceKey({ service }))).leader;
    const led = this.data.map((node) => ({
      node,
      leads: new Set(services.filter((service) => leaderOf(service) === node.nodeId)),
    }));
    return led.reduce((one, other) => (other.leads.size > one.leads.size ? other : one));
  }

  /** Starts one more node, which nobody has known before. Resolves when it listens. */
  add(role: BenchNode["role"]): Promise<BenchNode> {
    return this.#run(role, `${role}-${++this.#started[role]}`);
  }

  /** Ends a node, in order or by `kill -9`; it is no part of the cluster any more. */
  async end({ nodeId, process: child }: BenchNode, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    this.#nodes.delete(nodeId);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  /** Starts a node that has ended again: with its name, address and folder. Resolves when it listens. */
  restart({ role, nodeId, address }: BenchNode): Promise<BenchNode> {
    return this.#run(role, nodeId, address.split(":").at(-1));
  }

  async ready({ address, nodeId }: BenchNode, withinMs = READY_WITHIN_MS): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (performance.now() < deadline) {
      if ((await fetch(`http://${address}/readyz`)).ok) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`${nodeId} is not ready after ${withinMs} ms`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nobody needs what they would do to end in order.
    await Promise.all(this.nodes.map((node) => this.end(node, "SIGKILL")));
    await this.#kept.disposeAsync();
  }

  async #startStore(): Promise<void> {
    const store = this.#kept.use(await EtcdCluster.start({ folder: this.#folder.path }));
    const pids = store.members.map((member) => store.pidOf(member));
    this.#kept.defer(
      atExit(() => {
        for (const pid of pids) process.kill(pid, "SIGKILL");
      }),
    );
    this.#store = store;
  }

  async #askMetas(): Promise<GetClusterResponse> {
    const failures: unknown[] = [];
    for (const { address } of this.metas) {
      const transport = createConnectTransport({ baseUrl: `http://${address}`, httpVersion: "1.1" });
      try {
        return await createClient(MetaService, transport).getCluster({}, { timeoutMs: ANSWER_MS });
      } catch (thrown) {
        failures.push(thrown);
      }
    }
    throw new AggregateError(failures, "no meta answers");
  }

  async #run(role: BenchNode["role"], nodeId: string, port = "0"): Promise<BenchNode> {
    const folder = join(this.#folder.path, nodeId);
    await mkdir(folder, { recursive: true });
    const main = fileURLToPath(new URL(`../../../apps/${role}/src/main.ts`, import.meta.url));
    const store = this.#store === undefined ? [] : ["--store", this.#store.url];
    const belonging = role === "meta" ? store : ["--meta", this.#metas.join()];
    const child = spawnScript(main, ["--port", port, "--node-id", nodeId, ...belonging], folder);
    for await (const line of createInterface({ input: child.stdout! })) {
      const { ready, address } = JSON.parse(line) as { ready?: boolean; address: string };
      if (ready !== true) continue;
      child.stdout!.resume();
      const node: BenchNode = { nodeId, role, address, process: child };
      this.#nodes.set(nodeId, node);
      if (role === "meta" && !this.#metas.includes(address)) this.#metas.push(address);
      return node;
    }
    throw new Error(`${nodeId} ended before it was ready`);
  }
}

/** All its nodes, for those who count what they use. */
export function serversOf({ nodes }: BenchCluster): Server[] {
  return nodes.map(({ role, address, process: { pid } }) => ({ role, pid: pid!, metricsAt: address }));
}

/** Runs one of our scripts from its sources; what it says to people goes where ours does. */
export function spawnScript(path: string, args: readonly string[], folder?: string): ChildProcess {
  const child = spawn(process.execPath, ["--conditions=@rollcall/source", path, ...args], {
    cwd: folder,
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.once(
    "exit",
    atExit(() => child.kill("SIGKILL")),
  );
  return child;
}

const READY_WITHIN_MS = 10_000;
const ANSWER_MS = 1_000;
