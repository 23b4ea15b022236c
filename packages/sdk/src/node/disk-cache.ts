/**
 * Copies of lists on disk, one file for each. A file is written beside its place and then renamed, so what is there is
 * whole; that it also is what was written, the checksum in it tells. Several programs may share a folder: they keep the
 * same lists, and the last one to write wins.
 */

import { readFileSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { invalidField } from "@rollcall/core";

import type { CopyCache, CopyStore, StoredCopy } from "../index.ts";

export interface DiskCacheOptions {
  /** A folder. It is made when it is not there. */
  readonly path: string;
  /**
   * How long after the registry has last vouched for a list it is of use, in milliseconds. Default 86,400,000, a day:
   * addresses are given to others in the end.
   */
  readonly maxAgeMs?: number | undefined;
  /** Bytes of all lists that are kept; the ones written longest ago go. Default 67,108,864. */
  readonly maxBytes?: number | undefined;
}

const MAX_AGE_MS = 86_400_000;
const MAX_BYTES = 64 * 1_024 * 1_024;

const COPY = ".copy";
const HALF_WRITTEN = ".tmp";

/** Only for the user: what an instance tells about itself may not be for everybody. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** @throws RegistryError `invalid_field` naming the option. Nothing on the disk is touched yet, or makes it throw. */
export function createDiskCache({ path, maxAgeMs = MAX_AGE_MS, maxBytes = MAX_BYTES }: DiskCacheOptions): CopyCache {
  if (typeof path !== "string" || path === "") throw invalidField("cache.path", "the path of a folder", path);
  if (!(maxAgeMs > 0)) throw invalidField("cache.maxAgeMs", "a number of milliseconds above 0", maxAgeMs);
  if (!(maxBytes > 0)) throw invalidField("cache.maxBytes", "a number of bytes above 0", maxBytes);
  return { maxAgeMs, store: new DiskStore({ path, maxAgeMs, maxBytes }) };
}

interface Limits {
  readonly path: string;
  readonly maxAgeMs: number;
  readonly maxBytes: number;
}

class DiskStore implements CopyStore {
  readonly place: string;
  readonly #limits: Limits;
  /** Bytes that may be written before the folder has to be looked at again. */
  #spareBytes = 0;

  constructor(limits: Limits) {
    this.place = limits.path;
    this.#limits = limits;
  }

  wallTime(): number {
    return Date.now();
  }

  read(name: string): StoredCopy {
    try {
      return { kind: "found", bytes: readFileSync(this.#fileOf(name)) };
    } catch (thrown) {
      return isMissing(thrown) ? { kind: "none" } : { kind: "failed", problem: messageOf(thrown) };
    }
  }

  async write(name: string, bytes: Uint8Array): Promise<string | undefined> {
    const { path, maxBytes } = this.#limits;
    if (bytes.length > maxBytes) return `a list of ${bytes.length} bytes is larger than all may be, ${maxBytes}`;
    const file = this.#fileOf(name);
    const beside = `${file}.${process.pid}${HALF_WRITTEN}`;
    try {
      await mkdir(path, { recursive: true, mode: FOLDER_MODE });
      if (bytes.length > this.#spareBytes) await this.#makeRoom(bytes.length);
      await writeFile(beside, bytes, { mode: FILE_MODE });
      await rename(beside, file);
      this.#spareBytes -= bytes.length;
      return undefined;
    } catch (thrown) {
      await rm(beside, { force: true }).catch(() => {});
      return messageOf(thrown);
    }
  }

  async remove(name: string): Promise<string | undefined> {
    try {
      await rm(this.#fileOf(name), { force: true });
      return undefined;
    } catch (thrown) {
      return messageOf(thrown);
    }
  }

  #fileOf(name: string): string {
    return join(this.#limits.path, name + COPY);
  }

  /** Removes what is too old, and then what was written longest ago, until so many bytes more have room. */
  async #makeRoom(bytes: number): Promise<void> {
    const { maxAgeMs, maxBytes } = this.#limits;
    const oldest = (await this.#files()).toSorted((a, b) => a.writtenAt - b.writtenAt);
    let used = oldest.reduce((sum, { size }) => sum + size, 0);
    for (const { file, size, writtenAt } of oldest) {
      if (Date.now() - writtenAt <= maxAgeMs && used + bytes <= maxBytes) break;
      await rm(file, { force: true });
      used -= size;
    }
    this.#spareBytes = maxBytes - used;
  }

  /** What programs have written there, half or whole. Another one may remove a file meanwhile. */
  async #files(): Promise<{ file: string; size: number; writtenAt: number }[]> {
    const names = await readdir(this.#limits.path);
    const files = [];
    for (const name of names.filter((name) => name.endsWith(COPY) || name.endsWith(HALF_WRITTEN))) {
      const file = join(this.#limits.path, name);
      const found = await stat(file).catch(() => undefined);
      if (found !== undefined) files.push({ file, size: found.size, writtenAt: found.mtimeMs });
    }
    return files;
  }
}

function isMissing(thrown: unknown): boolean {
  return (thrown as NodeJS.ErrnoException).code === "ENOENT";
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
