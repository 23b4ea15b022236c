/** A server as a process of its own, at an address that is not its own: others reach it by another way. */

import type { ChildProcess } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { freePorts } from "@rollcall/etcd";

import { spawnScript } from "./cluster.ts";

export interface NodeProcess {
  /** `host:port` at which it listens, whatever it tells the others. */
  readonly listening: string;
  readonly process: ChildProcess;
}

/** Resolves when it listens. @param args its settings, without `--port` */
export async function startProcess(
  role: "meta" | "data" | "session",
  folder: string,
  args: readonly string[],
): Promise<NodeProcess> {
  await mkdir(folder, { recursive: true });
  const [port] = await freePorts(1);
  const main = fileURLToPath(new URL(`../../../apps/${role}/src/main.ts`, import.meta.url));
  const child = spawnScript(main, [...args, "--port", String(port)], folder);
  for await (const line of createInterface({ input: child.stdout! })) {
    if ((JSON.parse(line) as { readonly ready?: boolean }).ready !== true) continue;
    child.stdout!.resume();
    return { listening: `127.0.0.1:${port}`, process: child };
  }
  throw new Error(`a ${role} node ended before it was ready`);
}
