/**
 * The warm copy in LevelDB. Whatever is wrong with the folder, the node starts: damage is set aside, and a folder that
 * cannot be used is tried again with each write.
 */

import { ALL_SLOTS, RegistryError, type Log, type SlotId, type Version } from "@rollcall/core";

import type { LoadReport, SlotWrite, StoredClaim, WarmBatch, WarmStore } from "../warm/warm-store.ts";
import {
  DamagedEntry,
  HEADER_KEY,
  SlotReader,
  bytesFromHeader,
  bytesFromStoredClaim,
  bytesFromVersion,
  claimKey,
  slotRange,
  versionKey,
} from "./level-warm-entries.ts";
import {
  beginAnew,
  formatOf,
  openWarmFolder,
  reasonOf,
  type AsideLabel,
  type Level,
  type Migration,
  type OpenedFolder,
  type WarmFolder,
} from "./level-warm-folder.ts";

/** Entries read at once: what is decoded without a pause, at about 3 us each. */
const READ_MAX = 1_000;
/** Bytes read at once. */
const READ_BYTES = 1_024 * 1_024;

type Batch = ReturnType<Level["batch"]>;

/** What came of loading, while it goes on. */
interface Tally {
  claims: number;
  damaged: number;
  /** The first thing that was wrong. */
  reason: string | undefined;
  readonly versions: Map<SlotId, Version>;
}

export class LevelWarmStore implements WarmStore {
  readonly #place: WarmFolder;
  #opened: OpenedFolder;
  #closed = false;
  /** What is under way. */
  #work: Promise<unknown> = Promise.resolve();

  private constructor(place: WarmFolder, opened: OpenedFolder) {
    this.#place = place;
    this.#opened = opened;
  }

  /**
   * Never rejects. A folder that is damaged, or written by a newer version, is renamed to `<folder>.damaged-1` or
   * `<folder>.newer-format-1`, so its parent should be a folder of ours as well.
   * @param options.migrations what leads from each format to the next, for tests
   */
  static async open(
    folder: string,
    log: Log,
    options: { readonly migrations?: readonly Migration[] } = {},
  ): Promise<LevelWarmStore> {
    const place = { folder, log, migrations: options.migrations };
    const opened = await openWarmFolder(place);
    if (opened.kind === "unusable") {
      log.error("the warm copy cannot be used; the node runs without one and tries again", {
        folder,
        reason: opened.reason,
      });
    }
    return new LevelWarmStore(place, opened);
  }

  load(take: (claim: StoredClaim) => void): Promise<LoadReport> {
    return this.#alone(() => this.#load(take));
  }

  write(batch: WarmBatch): Promise<void> {
    return this.#alone(() => this.#write(batch));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#work.catch(() => {});
    await this.#letGo("the warm copy's store is closed");
  }

  async #alone<Result>(action: () => Promise<Result>): Promise<Result> {
    if (this.#closed) throw new RegistryError("closed", "the warm copy's store is closed");
    const result = action();
    this.#work = result;
    return result;
  }

  async #load(take: (claim: StoredClaim) => void): Promise<LoadReport> {
    const opened = this.#opened;
    const tally: Tally = { claims: 0, damaged: 0, reason: undefined, versions: new Map() };
    if (opened.kind === "unusable") return reportOf(tally, undefined, opened.reason);
    for (const slot of ALL_SLOTS) await loadSlot(opened.level, slot, take, tally);
    if (tally.reason === undefined) return reportOf(tally, opened.clusterId, undefined);
    const problem = `${tally.claims} claims were read, ${tally.damaged} entries left out; first damage: ${tally.reason}`;
    await this.#beginAnew("damaged", problem);
    return reportOf(tally, opened.clusterId, problem);
  }

  async #write({ clusterId, slots }: WarmBatch): Promise<void> {
    let level = await this.#usable();
    try {
      const { clusterId: of } = this.#opened as OpenedFolder & { kind: "open" };
      if (of !== undefined && of !== clusterId) {
        await this.#beginAnew("other-cluster", `it is of cluster ${of}, and this node is now of cluster ${clusterId}`);
        level = await this.#usable();
      }
      for (const { slot, emptied } of slots) if (emptied) await level.clear(slotRange(slot));
      const batch = level.batch();
      batch.put(HEADER_KEY, bytesFromHeader({ format: formatOf(this.#place), clusterId }));
      for (const write of slots) addSlot(batch, write);
      await batch.write();
      this.#opened = { kind: "open", level, clusterId };
    } catch (thrown) {
      // After a failed write LevelDB refuses all further ones, and its log may end in half an entry: opening it mends both.
      await this.#letGo(reasonOf(thrown));
      throw this.#unavailable(reasonOf(thrown), thrown);
    }
  }

  async #usable(): Promise<Level> {
    if (this.#opened.kind === "unusable") this.#opened = await openWarmFolder(this.#place);
    if (this.#opened.kind === "unusable") throw this.#unavailable(this.#opened.reason);
    return this.#opened.level;
  }

  async #beginAnew(label: AsideLabel, reason: string): Promise<void> {
    await this.#letGo(reason);
    this.#opened = await beginAnew(this.#place, label, reason);
    if (this.#opened.kind === "open") return;
    this.#place.log.error("the warm copy cannot be used", { folder: this.#place.folder, reason: this.#opened.reason });
  }

  async #letGo(reason: string): Promise<void> {
    const opened = this.#opened;
    this.#opened = { kind: "unusable", reason };
    if (opened.kind === "open") await opened.level.close().catch(() => {});
  }

  #unavailable(reason: string, cause?: unknown): RegistryError {
    const folder = JSON.stringify(this.#place.folder);
    return new RegistryError("unavailable", `the warm copy in ${folder} cannot be used: ${reason}`, { cause });
  }
}

function reportOf(
  { claims, damaged, versions }: Tally,
  clusterId: string | undefined,
  problem: string | undefined,
): LoadReport {
  return { clusterId, claims, damaged, versions, problem };
}

function addSlot(batch: Batch, { slot, puts, deletes, version }: SlotWrite): void {
  for (const name of deletes) batch.del(claimKey(slot, name));
  for (const { keyText, claim } of puts) {
    const key = claimKey(slot, { keyText, instanceId: claim.instanceId, clientId: claim.clientId });
    batch.put(key, bytesFromStoredClaim(key, claim));
  }
  if (version === undefined) return;
  const key = versionKey(slot);
  batch.put(key, bytesFromVersion(key, version));
}

async function loadSlot(level: Level, slot: SlotId, take: (claim: StoredClaim) => void, tally: Tally): Promise<void> {
  const reader = new SlotReader(slot);
  const iterator = level.iterator({ ...slotRange(slot), highWaterMarkBytes: READ_BYTES });
  try {
    for (;;) {
      const entries = await iterator.nextv(READ_MAX).catch((thrown: unknown) => reasonOf(thrown));
      if (typeof entries === "string") tally.reason ??= `slot ${slot}: ${entries}`;
      if (typeof entries === "string" || entries.length === 0) return;
      for (const [key, value] of entries) takeEntry(slot, entryOrDamage(reader, key, value), take, tally);
    }
  } finally {
    await iterator.close();
  }
}

function takeEntry(
  slot: SlotId,
  content: StoredClaim | Version | DamagedEntry,
  take: (claim: StoredClaim) => void,
  tally: Tally,
): void {
  if (content instanceof DamagedEntry) {
    tally.damaged++;
    tally.reason ??= `slot ${slot}: ${content.message}`;
  } else if ("claim" in content) {
    take(content);
    tally.claims++;
  } else {
    tally.versions.set(slot, content);
  }
}

function entryOrDamage(reader: SlotReader, key: Buffer, value: Buffer): StoredClaim | Version | DamagedEntry {
  try {
    return reader.read(key, value);
  } catch (thrown) {
    if (thrown instanceof DamagedEntry) return thrown;
    throw thrown;
  }
}
