/** A folder for the time of a benchmark, which is gone when the process is, whatever ended it. */

import { existsSync, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { atExit } from "./at-exit.ts";

/** What is kept in memory has no disk as its limit. */
export type Medium = "memory" | "disk";

export interface OwnFolder extends AsyncDisposable {
  readonly path: string;
}

export async function makeOwnFolder(medium: Medium, name: string): Promise<OwnFolder> {
  const parent = medium === "memory" && existsSync(MEMORY) ? MEMORY : tmpdir();
  const path = await mkdtemp(join(parent, `rollcall-${name}-`));
  // Servers that were killed a moment ago may still be writing.
  const forget = atExit(() => rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 }));
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
      forget();
    },
  };
}

const MEMORY = "/dev/shm";
