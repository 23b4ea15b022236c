/**
 * The schema as it was before one of its newest changes, from the history of this clone: what a node of a version before
 * this one knows of messages.
 */

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { createFileRegistry, fromBinary, type FileRegistry } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const SCHEMA = "packages/protocol/proto";
const MESSAGES = `${SCHEMA}/rollcall`;

const read = new Map<number, FileRegistry>();

/** @param changes how many changes of the schema ago, from 1: before the newest one */
export function formerSchema(changes: number): FileRegistry {
  const known = read.get(changes);
  if (known !== undefined) return known;
  const commits = git("log", `-${changes}`, "--format=%H", "--", MESSAGES).toString().trim().split("\n");
  const changed = commits[changes - 1];
  if (changed === undefined) throw new Error(NO_HISTORY);
  const schema = createFileRegistry(fromBinary(FileDescriptorSetSchema, imageOf(sourcesBefore(changed))));
  read.set(changes, schema);
  return schema;
}

const NO_HISTORY =
  "this clone has too little history to tell what the schema was before: `git fetch --unshallow` brings it, or clone without --depth";

function sourcesBefore(commit: string): Buffer {
  try {
    return git("archive", "--format=tar", `${commit}~1`, "buf.yaml", SCHEMA);
  } catch (cause) {
    throw new Error(NO_HISTORY, { cause });
  }
}

function imageOf(sources: Buffer): Buffer {
  return execFileSync(join(ROOT, "node_modules/.bin/buf"), ["build", "-#format=tar", "--output", "-#format=binpb"], {
    cwd: ROOT,
    input: sources,
  });
}

function git(...args: readonly string[]): Buffer {
  return execFileSync("git", args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
}
