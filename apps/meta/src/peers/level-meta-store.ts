/**
 * The record of a single meta in LevelDB: one key, replaced by synced writes, so that it is whole after any crash. The
 * folder has one owner at a time, who is therefore elected as soon as it stands.
 */

import { RegistryError, assert } from "@rollcall/core";
import { ClassicLevel } from "classic-level";

import type {
  Candidate,
  Leadership,
  MetaRecord,
  MetaStore,
  StoreListener,
  StoredControls,
} from "../store/meta-store.ts";
import { recordFromStored, storedFromRecord } from "./stored-record.ts";

const RECORD_KEY = "cluster";
const CONTROLS_VERSION_KEY = "controls-version";
/** What the keys of control records begin with, and what comes behind all of them. */
const CONTROL_PREFIX = "control!";
const CONTROLS_END = 'control"';
const EPOCH_KEY = "epoch";

export class LevelMetaStore implements MetaStore, Leadership {
  readonly #level: ClassicLevel<string, unknown>;
  #epoch = 0;

  private constructor(level: ClassicLevel<string, unknown>) {
    this.#level = level;
  }

  /** @throws RegistryError `unavailable` when the folder cannot be used, with what to do about it. */
  static async open(folder: string): Promise<LevelMetaStore> {
    const level = new ClassicLevel<string, unknown>(folder, { valueEncoding: "json" });
    try {
      await level.open();
    } catch (cause) {
      throw new RegistryError(
        "unavailable",
        `meta's store in ${JSON.stringify(folder)} cannot be opened: ${reasonOf(cause)}`,
        { cause },
      );
    }
    return new LevelMetaStore(level);
  }

  get epoch(): number {
    return this.#epoch;
  }

  async stand(candidate: Candidate, listener: StoreListener): Promise<void> {
    assert(this.#epoch === 0, "a meta stands once");
    const before = await this.#get(EPOCH_KEY);
    const epoch = (typeof before === "number" ? before : 0) + 1;
    await this.#level.put(EPOCH_KEY, epoch, { sync: true });
    this.#epoch = epoch;
    listener.leaderChanged(candidate);
    listener.elected(this);
  }

  isValid(): boolean {
    return this.#level.status === "open";
  }

  async read(): Promise<MetaRecord | undefined> {
    const stored = await this.#get(RECORD_KEY);
    return stored === undefined ? undefined : recordFromStored(stored);
  }

  async write(record: MetaRecord): Promise<void> {
    if (!this.isValid()) throw new RegistryError("closed", "meta's store is closed");
    await this.#level.put(RECORD_KEY, storedFromRecord(record), { sync: true });
  }

  async readControls(): Promise<StoredControls> {
    const version = await this.#get(CONTROLS_VERSION_KEY);
    const records = new Map<string, string>();
    for await (const [key, text] of this.#level.iterator({ gte: CONTROL_PREFIX, lt: CONTROLS_END }))
      records.set(key.slice(CONTROL_PREFIX.length), String(text));
    return { version: typeof version === "number" ? version : 0, records };
  }

  async writeControls(version: number, changes: ReadonlyMap<string, string | undefined>): Promise<void> {
    if (!this.isValid()) throw new RegistryError("closed", "meta's store is closed");
    const batch = this.#level.batch().put(CONTROLS_VERSION_KEY, version);
    for (const [id, text] of changes)
      if (text === undefined) batch.del(CONTROL_PREFIX + id);
      else batch.put(CONTROL_PREFIX + id, text);
    await batch.write({ sync: true });
  }

  async close(): Promise<void> {
    await this.#level.close();
  }

  #get(key: string): Promise<unknown> {
    return this.#level.get(key).catch((cause: unknown) => {
      throw new RegistryError("unavailable", `meta's store cannot be read: ${reasonOf(cause)}`, { cause });
    });
  }
}

/** The library wraps the cause that an operator needs: a lock held, a permission missing, a file damaged. */
function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error ? thrown.cause.message : thrown.message;
}
