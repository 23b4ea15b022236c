/**
 * What meta's store has acknowledged last, in a small file beside LevelDB.
 *
 * LevelDB opens a damaged folder without a word: what it cannot read of its log it leaves out. So the cluster may come back
 * older than it was acknowledged, or not at all, and a meta that believed that would take epochs back, or found another
 * cluster. Here stands how many writes there must be, and the digest of all that they have left. The file is written
 * after each write of LevelDB and before that is acknowledged, in place and in turn to one of two places, so that a write
 * that is cut off leaves the one before.
 */

import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";

import { RegistryError } from "@rollcall/core";
import { z } from "zod";

const acknowledgedSchema = z.object({
  /** How many writes there were. */
  writes: z.int().positive(),
  /** Of everything that is stored. */
  digest: z.string(),
});

export type Acknowledged = Readonly<z.infer<typeof acknowledgedSchema>>;

/** In the folder of the store. LevelDB leaves alone what it does not know. */
export const FILE_NAME = "ACKNOWLEDGED";

/** Of each of the two places: no disk writes less at once. */
const PLACE_BYTES = 512;

export class AcknowledgedFile {
  readonly #file: FileHandle;
  /** As of when it was opened; undefined when nothing ever was. */
  readonly last: Acknowledged | undefined;

  private constructor(file: FileHandle, last: Acknowledged | undefined) {
    this.#file = file;
    this.last = last;
  }

  /** @throws RegistryError `unavailable` when there must have been something in the file and none of it can be read. */
  static async open(folder: string): Promise<AcknowledgedFile> {
    const path = join(folder, FILE_NAME);
    // Made when it is not there, and never cut.
    await (await open(path, "a")).close();
    await syncFolder(folder);
    const file = await open(path, "r+");
    const content = await file.readFile();
    const places = [0, PLACE_BYTES].map((from) => content.subarray(from, from + PLACE_BYTES));
    const entries = places.flatMap(acknowledgedFrom);
    // The very first write may have been cut off: then one place is still empty, and nothing was acknowledged.
    if (entries.length === 0 && places.every((place) => place.some((byte) => byte !== 0))) {
      await file.close();
      throw new RegistryError("unavailable", `${FILE_NAME} in it is damaged`);
    }
    return new AcknowledgedFile(file, entries.toSorted((a, b) => b.writes - a.writes)[0]);
  }

  /** Resolves when it is on disk. One call at a time. */
  async write(acknowledged: Acknowledged): Promise<void> {
    await this.#file.write(bytesFrom(acknowledged), 0, PLACE_BYTES, (acknowledged.writes % 2) * PLACE_BYTES);
    await this.#file.datasync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** A line with its checksum, filled up with spaces. */
function bytesFrom(acknowledged: Acknowledged): Buffer {
  const text = JSON.stringify(acknowledged);
  return Buffer.from(`${`${crc32(text)} ${text}`.padEnd(PLACE_BYTES - 1)}\n`);
}

function acknowledgedFrom(bytes: Buffer): Acknowledged[] {
  const [, checksum, text = ""] = /^(\d+) (.*?) *\n$/.exec(bytes.toString("utf8")) ?? [];
  if (checksum === undefined || Number(checksum) !== crc32(text)) return [];
  return [acknowledgedSchema.parse(JSON.parse(text))];
}

/** So that the name of a new file is there after a loss of power, too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  // Not every system can.
  await handle?.sync().catch(() => {});
  await handle?.close();
}
