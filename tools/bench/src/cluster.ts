/** A cluster of real processes on this machine for the time of a benchmark. Each node runs in a folder of its own. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { ClusterState } from "@rollcall/core";
import { MetaService, clusterStateFromWire } from "@rollcall/protocol";

import { atExit } from "./harness/at-exit.ts";
import { makeOwnFolder, type Medium, type OwnFolder } from "./harness/own-folder.ts";
import type { Server } from "./harness/usage.ts";

export interface ClusterShape {
  readonly data: number;
  readonly sessions: number;
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

  private constructor(folder: OwnFolder) {
    this.#folder = folder;
  }

  /** Resolves when every node is ready. */
  static async start({ data, sessions, medium = "disk" }: ClusterShape): Promise<BenchCluster> {
    await using stack = new AsyncDisposableStack();
    const cluster = stack.use(new BenchCluster(await makeOwnFolder(medium, "bench")));
    const many = (count: number, role: "data" | "session"): Promise<BenchNode[]> =>
      Promise.all(Array.from({ length: count }, (_, index) => cluster.#run(role, `${role}-${index + 1}`)));
    await cluster.#run("meta", "meta-1");
    await many(data, "data");
    await many(sessions, "session");
    for (const node of [...cluster.data, ...cluster.sessions]) await cluster.ready(node);
    stack.move();
    return cluster;
  }

  get nodes(): readonly BenchNode[] {
    return [...this.#nodes.values()];
  }

  get meta(): BenchNode {
    return this.#nodes.get("meta-1")!;
  }

  get data(): readonly BenchNode[] {
    return this.nodes.filter(({ role }) => role === "data");
  }

  get sessions(): readonly BenchNode[] {
    return this.nodes.filter(({ role }) => role === "session");
  }

  /** The cluster as meta knows it. */
  async state(): Promise<ClusterState> {
    const transport = createConnectTransport({ baseUrl: `http://${this.meta.address}`, httpVersion: "1.1" });
    const { state } = await createClient(MetaService, transport).getCluster({});
    return clusterStateFromWire(state!);
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
    for (const node of [...this.#nodes.values()].toReversed()) await this.end(node, "SIGTERM");
    await this.#folder[Symbol.asyncDispose]();
  }

  async #run(role: BenchNode["role"], nodeId: string, port = "0"): Promise<BenchNode> {
    const folder = join(this.#folder.path, nodeId);
    await mkdir(folder, { recursive: true });
    const main = fileURLToPath(new URL(`../../../apps/${role}/src/main.ts`, import.meta.url));
    const meta = role === "meta" ? [] : ["--meta", this.meta.address];
    const child = spawnScript(main, ["--port", port, "--node-id", nodeId, ...meta], folder);
    for await (const line of createInterface({ input: child.stdout! })) {
      const { ready, address } = JSON.parse(line) as { ready?: boolean; address: string };
      if (ready !== true) continue;
      child.stdout!.resume();
      const node: BenchNode = { nodeId, role, address, process: child };
      this.#nodes.set(nodeId, node);
      return node;
    }
    throw new Error(`${nodeId} ended before it was ready`);
  }
}

/** All its nodes, for those who count what they use. */
export function serversOf({ nodes }: BenchCluster): Server[] {
  return nodes.map(({ role, process: { pid } }) => ({ role, pid: pid! }));
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
