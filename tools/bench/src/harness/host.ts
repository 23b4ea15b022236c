/** Where and of what a result was taken: without it figures say nothing. */

import { execFileSync } from "node:child_process";
import { cpus, totalmem } from "node:os";

export interface Host {
  readonly commit: string;
  /** What was measured was changed after that commit. */
  readonly changed: boolean;
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  /** When it began. */
  readonly date: string;
}

export function describeHost(now: Date): Host {
  const processors = cpus();
  return {
    commit: git("rev-parse", "HEAD"),
    changed: git("status", "--porcelain", "--", "apps", "packages") !== "",
    node: process.version,
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    date: now.toISOString(),
  };
}

function git(...args: readonly string[]): string {
  return execFileSync("git", args, { encoding: "utf8" }).trim();
}
