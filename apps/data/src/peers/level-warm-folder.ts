/**
 * The folder of a warm copy: opening it whatever state it is in. What cannot be used as it is (damaged, of a newer
 * format) is set aside under another name, for whoever wants to look, and a fresh one is begun; where that is not
 * possible either, the answer is why. Nothing here throws, for no state of a disk may stop a node's start.
 */

import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

import type { Log } from "@rollcall/core";
import { ClassicLevel } from "classic-level";

import { damageInTables } from "./level-tables.ts";
import { blocksFromClaims } from "./level-warm-format-1.ts";
import { HEADER_KEY, bytesFromHeader, headerFromBytes, type WarmHeader } from "./level-warm-entries.ts";

export type Level = ClassicLevel<Buffer, Buffer>;

/** Brings the content of one format to the next. It may be cut by a crash and is then run again from the start. */
export type Migration = (level: Level) => Promise<void>;

/**
 * At place n what leads from format n + 1 to format n + 2; so the format written today is one more than there are. To
 * change the format, append the step from the present one, and keep a folder of the present format as a test.
 */
const MIGRATIONS: readonly Migration[] = [blocksFromClaims];

/**
 * What LevelDB gathers before it makes a table of it, up to twice. With the usual 4 MiB each table was soon merged with
 * others, which cost a quarter of all that it takes to write blocks.
 */
const WRITE_BUFFER_BYTES = 16 * 1_024 * 1_024;

export interface WarmFolder {
  readonly folder: string;
  readonly log: Log;
  readonly migrations?: readonly Migration[] | undefined;
}

export type OpenedFolder =
  /** `clusterId`: whose content it is; undefined for a folder that has never been written. `life`: the one that begins. */
  | { readonly kind: "open"; readonly level: Level; readonly clusterId: string | undefined; readonly life: number }
  | { readonly kind: "unusable"; readonly reason: string };

type Attempt = OpenedFolder | { readonly kind: "aside"; readonly label: AsideLabel; readonly reason: string };

/** What stands behind the folder's name when it is set aside, with a number. */
export type AsideLabel = "damaged" | "newer-format" | "other-cluster";

/** Opens the folder, or a fresh one in its place. */
export async function openWarmFolder(place: WarmFolder): Promise<OpenedFolder> {
  const attempt = await tryToOpen(place);
  return attempt.kind === "aside" ? beginAnew(place, attempt.label, attempt.reason) : attempt;
}

/** Sets the folder aside, which must not be open, and opens a fresh one in its place. */
export async function beginAnew(place: WarmFolder, label: AsideLabel, reason: string): Promise<OpenedFolder> {
  const { folder, log } = place;
  try {
    const setAside = await renameAside(folder, label);
    log.error("the warm copy was set aside and a fresh one begun; delete it when nobody needs to look at it", {
      folder,
      reason,
      setAside,
    });
  } catch (thrown) {
    return { kind: "unusable", reason: `${reason}; and it cannot be set aside: ${reasonOf(thrown)}` };
  }
  const attempt = await tryToOpen(place);
  return attempt.kind === "aside" ? { kind: "unusable", reason: attempt.reason } : attempt;
}

/** The format that is written. */
export function formatOf({ migrations = MIGRATIONS }: Pick<WarmFolder, "migrations">): number {
  return migrations.length + 1;
}

async function tryToOpen(place: WarmFolder): Promise<Attempt> {
  const { folder } = place;
  // First of all, for what another process is writing looks damaged.
  const user = await userOf(folder);
  if (user !== undefined) return { kind: "unusable", reason: `another process uses it: ${user}` };
  const opening = await openUnlessDamaged(folder).catch(reasonOf);
  if (typeof opening === "string") {
    const obstacle = await obstacleToWriting(folder);
    return obstacle === undefined
      ? { kind: "aside", label: "damaged", reason: opening }
      : { kind: "unusable", reason: obstacle };
  }
  const attempt = await tryToRead(opening, place);
  if (attempt.kind !== "open") await opening.close().catch(() => {});
  return attempt;
}

/** What is damaged, if LevelDB could not tell that by itself. @throws what LevelDB complains of. */
async function openUnlessDamaged(folder: string): Promise<Level | string> {
  const damage = (await lostIndexOf(folder)) ?? (await damageInTables(folder));
  if (damage !== undefined) return damage;
  const level = levelIn(folder);
  await level.open();
  return level;
}

async function tryToRead(level: Level, place: WarmFolder): Promise<Attempt> {
  try {
    const stored = await level.get(HEADER_KEY);
    if (stored === undefined) {
      const [first] = await level.keys({ limit: 1 }).all();
      return first === undefined
        ? { kind: "open", level, clusterId: undefined, life: 1 }
        : { kind: "aside", label: "damaged", reason: "the entry that says what the others are is missing" };
    }
    const header = headerFromBytes(stored);
    const format = formatOf(place);
    if (header.format > format) {
      const reason = `it has format ${header.format}, and this version of Rollcall knows formats up to ${format}`;
      return { kind: "aside", label: "newer-format", reason };
    }
    await migrate(level, header, place);
    return { kind: "open", level, clusterId: header.clusterId, life: header.life + 1 };
  } catch (thrown) {
    return { kind: "aside", label: "damaged", reason: reasonOf(thrown) };
  }
}

async function migrate(level: Level, header: WarmHeader, place: WarmFolder): Promise<void> {
  const { folder, log, migrations = MIGRATIONS } = place;
  for (const [at, step] of migrations.slice(header.format - 1).entries()) {
    const format = header.format + at + 1;
    await step(level);
    await level.put(HEADER_KEY, bytesFromHeader({ ...header, format }), { sync: true });
    log.info("warm copy brought to a newer format", { folder, format });
  }
}

/** It opens itself in the next microtask unless it is told how. */
function levelIn(folder: string): Level {
  const writeBufferSize = WRITE_BUFFER_BYTES;
  // Uncompressed, so that tables can be checked.
  return new ClassicLevel(folder, {
    keyEncoding: "buffer",
    valueEncoding: "buffer",
    compression: false,
    writeBufferSize,
  });
}

/** What LevelDB says when another process has the folder open. It takes the lock before it looks at anything else. */
async function userOf(folder: string): Promise<string | undefined> {
  const level = levelIn(folder);
  try {
    // Whether there is something or not, one of the two makes it let go at once.
    await level.open({ createIfMissing: false, errorIfExists: true });
  } catch (thrown) {
    return codeOf(thrown) === "LEVEL_LOCKED" ? reasonOf(thrown) : undefined;
  }
  await level.close();
  return undefined;
}

/** Without it LevelDB would take the folder for empty, and delete the rest. */
async function lostIndexOf(folder: string): Promise<string | undefined> {
  const names = await readdir(folder).catch((): string[] => []);
  if (names.includes("CURRENT")) return undefined;
  return names.some((name) => name.startsWith("MANIFEST-") || name.endsWith(".ldb"))
    ? "the file CURRENT is missing, which names all others"
    : undefined;
}

/** Why no file can be written there; undefined when one can. Enough is written to notice a full disk. */
async function obstacleToWriting(folder: string): Promise<string | undefined> {
  const probe = join(folder, "probe.tmp");
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(probe, Buffer.alloc(64 * 1024));
    return undefined;
  } catch (thrown) {
    return reasonOf(thrown);
  } finally {
    await rm(probe, { force: true }).catch(() => {});
  }
}

async function renameAside(folder: string, label: AsideLabel): Promise<string> {
  const path = resolve(folder);
  const taken = new Set(await readdir(dirname(path)));
  let count = 1;
  while (taken.has(`${basename(path)}.${label}-${count}`)) count++;
  const aside = `${path}.${label}-${count}`;
  await rename(path, aside);
  return aside;
}

/** The library wraps the cause that an operator needs: a lock held, a permission missing, a file damaged. */
export function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error ? reasonOf(thrown.cause) : thrown.message;
}

function codeOf(thrown: unknown): unknown {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  return cause instanceof Error && "code" in cause ? cause.code : undefined;
}
