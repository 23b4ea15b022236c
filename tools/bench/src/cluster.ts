/** A cluster of real processes on this machine for the time of a benchmark. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface ClusterShape {
  readonly data: number;
  readonly sessions: number;
}

export interface BenchCluster {
  readonly sessions: readonly string[];
  stop(): Promise<void>;
}

export async function startCluster({ data, sessions }: ClusterShape): Promise<BenchCluster> {
  const folder = await mkdtemp(join(tmpdir(), "rollcall-bench-"));
  const children: ChildProcess[] = [];
  const start = async (role: string, ...args: readonly string[]): Promise<string> => {
    const main = fileURLToPath(new URL(`../../../apps/${role}/src/main.ts`, import.meta.url));
    const child = spawnScript(main, ["--port", "0", "--log-level", "info", ...args]);
    children.push(child);
    for await (const line of createInterface({ input: child.stdout! })) {
      const { ready, address } = JSON.parse(line) as { ready?: boolean; address: string };
      if (ready !== true) continue;
      child.stdout!.resume();
      return address;
    }
    throw new Error(`${role} ended before it was ready`);
  };
  const many = (count: number, role: string, ...args: readonly string[]): Promise<string[]> =>
    Promise.all(Array.from({ length: count }, () => start(role, ...args)));

  const meta = await start("meta", "--data-dir", join(folder, "meta"));
  const dataNodes = await many(data, "data", "--meta", meta);
  const sessionNodes = await many(sessions, "session", "--meta", meta);
  for (const address of [...dataNodes, ...sessionNodes]) await untilReady(address);
  return {
    sessions: sessionNodes,
    async stop() {
      for (const child of children.toReversed()) {
        const exited = once(child, "exit");
        child.kill("SIGTERM");
        await exited;
      }
      await rm(folder, { recursive: true });
    },
  };
}

/** Runs one of our scripts from its sources; what it says to people goes where ours does. */
export function spawnScript(path: string, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ["--conditions=@rollcall/source", path, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
}

const READY_WITHIN_MS = 10_000;

async function untilReady(address: string): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (performance.now() < deadline) {
    const response = await fetch(`http://${address}/readyz`);
    if (response.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${address} is not ready after ${READY_WITHIN_MS} ms`);
}
