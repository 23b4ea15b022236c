/**
 * The warm copy in LevelDB. Whatever is wrong with the folder, the node starts: damage is set aside, and a folder that
 * cannot be used is tried again with each write.
 */

import { ALL_SLOTS, RegistryError, type Log, type SlotId } from "@rollcall/core";
import { bytesFromClaimBlock } from "@rollcall/protocol";

import type { LoadReport, SlotWrite, StoredClaim, WarmBatch, WarmStore } from "../warm/warm-store.ts";
import { HEADER_KEY, blockKey, bytesFromHeader, sealed, slotRange } from "./level-warm-entries.ts";
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
import { readSlot, type Tally } from "./level-warm-reading.ts";

type Batch = ReturnType<Level["batch"]>;
type OpenFolder = OpenedFolder & { readonly kind: "open" };

/** What is known of a slot's blocks, so that nobody has to look for them. */
interface SlotBlocks {
  /** Blocks of this life, by number. */
  numbers: number[];
  /** There may be some of former lives. */
  hasFormer: boolean;
  bytes: number;
  /** While it is written as a whole: how much of that was there before. */
  before: { readonly count: number; readonly bytes: number } | undefined;
}

export class LevelWarmStore implements WarmStore {
  readonly #place: WarmFolder;
  #opened: OpenedFolder;
  #closed = false;
  /** Number of the last block. */
  #number = 0;
  readonly #blocks = new Map<SlotId, SlotBlocks>();
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

  bytesOf(slot: SlotId): number {
    return this.#blocks.get(slot)?.bytes ?? 0;
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
    for (const slot of ALL_SLOTS) {
      const bytes = await readSlot(opened.level, slot, take, tally);
      this.#blocks.set(slot, { numbers: [], hasFormer: bytes > 0, bytes, before: undefined });
    }
    if (tally.reason === undefined) return reportOf(tally, opened.clusterId, undefined);
    const problem = `${tally.claims} claims were read, ${tally.damaged} blocks left out; first damage: ${tally.reason}`;
    await this.#beginAnew("damaged", problem);
    return reportOf(tally, opened.clusterId, problem);
  }

  async #write({ clusterId, slots }: WarmBatch): Promise<void> {
    // First of all, for what is shown of claims is good only now.
    const writes = slots.map((write) => ({ write, block: bytesFromClaimBlock(write) }));
    let opened = await this.#usable();
    try {
      const of = opened.clusterId;
      if (of !== undefined && of !== clusterId) {
        await this.#beginAnew("other-cluster", `it is of cluster ${of}, and this node is now of cluster ${clusterId}`);
        opened = await this.#usable();
      }
      const { level, life } = opened;
      const batch = level.batch();
      batch.put(HEADER_KEY, bytesFromHeader({ format: formatOf(this.#place), clusterId, life }));
      for (const { write, block } of writes) await this.#addSlot(batch, opened, write, block);
      await batch.write();
      this.#opened = { ...opened, clusterId };
    } catch (thrown) {
      // After a failed write LevelDB refuses all further ones, and its log may end in half an entry: opening it mends both.
      await this.#letGo(reasonOf(thrown));
      throw this.#unavailable(reasonOf(thrown), thrown);
    }
  }

  async #addSlot(batch: Batch, { level, life }: OpenFolder, write: SlotWrite, block: Uint8Array): Promise<void> {
    const { slot, begins, ends } = write;
    const blocks = this.#blocks.get(slot) ?? { numbers: [], hasFormer: true, bytes: 0, before: undefined };
    this.#blocks.set(slot, blocks);
    if (begins) blocks.before = { count: blocks.numbers.length, bytes: blocks.bytes };
    if (block.length > 0) {
      const key = blockKey(slot, life, ++this.#number);
      const value = sealed(key, block);
      batch.put(key, value);
      blocks.numbers.push(this.#number);
      blocks.bytes += key.length + value.length;
    }
    if (!ends || blocks.before === undefined) return;
    for (const number of blocks.numbers.splice(0, blocks.before.count)) batch.del(blockKey(slot, life, number));
    if (blocks.hasFormer) {
      const formerLives = { ...slotRange(slot), lt: blockKey(slot, life, 0) };
      for (const key of await level.keys(formerLives).all()) batch.del(key);
    }
    blocks.hasFormer = false;
    blocks.bytes -= blocks.before.bytes;
    blocks.before = undefined;
  }

  async #usable(): Promise<OpenFolder> {
    if (this.#opened.kind === "unusable") this.#opened = await openWarmFolder(this.#place);
    if (this.#opened.kind === "unusable") throw this.#unavailable(this.#opened.reason);
    return this.#opened;
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
    this.#blocks.clear();
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
