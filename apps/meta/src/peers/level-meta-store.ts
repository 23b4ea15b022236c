/**
 * The record of a single meta in LevelDB: one key, replaced by synced writes, so that it is whole after any crash. The
 * folder has one owner at a time, who is therefore elected as soon as it stands. A folder that has lost anything of what
 * was acknowledged is not used: whoever believed it would take epochs back, or found another cluster.
 */

import {
  EMPTY_DIGEST,
  RegistryError,
  assert,
  digestOfText,
  formatDigest,
  mixDigests,
  toggleDigest,
  type Digest,
} from "@rollcall/core";
import { ClassicLevel } from "classic-level";

import type {
  Candidate,
  Leadership,
  MetaRecord,
  MetaStore,
  StoreListener,
  StoredControls,
} from "../store/meta-store.ts";
import { AcknowledgedFile, FILE_NAME } from "./acknowledged-file.ts";
import { recordFromStored, storedFromRecord } from "./stored-record.ts";

const RECORD_KEY = "cluster";
const CONTROLS_VERSION_KEY = "controls-version";
/** What the keys of control records begin with, and what comes behind all of them. */
const CONTROL_PREFIX = "control!";
const CONTROLS_END = 'control"';
const EPOCH_KEY = "epoch";
/** Counts writes; no part of the digest. */
const WRITES_KEY = "writes";

/** Values are texts of JSON. */
type Level = ClassicLevel;

/** What is stored, by digests. */
interface Contents {
  readonly writes: number;
  readonly digest: Digest;
}

export class LevelMetaStore implements MetaStore, Leadership {
  readonly #level: Level;
  readonly #acknowledged: AcknowledgedFile;
  #contents: Contents;
  /** Of each key: what leaves the digest of all when it is replaced. */
  readonly #digests: Map<string, Digest>;
  /** One write at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  #epoch = 0;

  private constructor(level: Level, acknowledged: AcknowledgedFile, contents: Contents, digests: Map<string, Digest>) {
    this.#level = level;
    this.#acknowledged = acknowledged;
    this.#contents = contents;
    this.#digests = digests;
  }

  /** @throws RegistryError `unavailable` when the folder cannot be used, with what to do about it. */
  static async open(folder: string): Promise<LevelMetaStore> {
    const level: Level = new ClassicLevel(folder);
    let acknowledged: AcknowledgedFile | undefined;
    try {
      await level.open();
      acknowledged = await AcknowledgedFile.open(folder);
      const digests = new Map<string, Digest>();
      let [writes, digest] = [0, EMPTY_DIGEST];
      for await (const [key, text] of level.iterator()) {
        if (key === WRITES_KEY) writes = Number(text);
        else digests.set(key, digestOfEntry(key, text));
      }
      for (const each of digests.values()) digest = toggleDigest(digest, each);
      const contents = { writes, digest };
      checkContents(contents, acknowledged);
      return new LevelMetaStore(level, acknowledged, contents, digests);
    } catch (cause) {
      await acknowledged?.close();
      await level.close();
      throw new RegistryError(
        "unavailable",
        `meta's store in ${JSON.stringify(folder)} cannot be opened: ${reasonOf(cause)}`,
        { cause },
      );
    }
  }

  get epoch(): number {
    return this.#epoch;
  }

  async stand(candidate: Candidate, listener: StoreListener): Promise<void> {
    assert(this.#epoch === 0, "a meta stands once");
    const before = await this.#get(EPOCH_KEY);
    const epoch = (typeof before === "number" ? before : 0) + 1;
    await this.#commit(new Map([[EPOCH_KEY, epoch]]));
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

  write(record: MetaRecord): Promise<void> {
    return this.#commit(new Map([[RECORD_KEY, storedFromRecord(record)]]));
  }

  async readControls(): Promise<StoredControls> {
    const version = await this.#get(CONTROLS_VERSION_KEY);
    const records = new Map<string, string>();
    for await (const [key, text] of this.#level.iterator({ gte: CONTROL_PREFIX, lt: CONTROLS_END }))
      records.set(key.slice(CONTROL_PREFIX.length), String(JSON.parse(text)));
    return { version: typeof version === "number" ? version : 0, records };
  }

  writeControls(version: number, changes: ReadonlyMap<string, string | undefined>): Promise<void> {
    const records = [...changes].map(([id, text]) => [CONTROL_PREFIX + id, text] as const);
    return this.#commit(new Map<string, unknown>([[CONTROLS_VERSION_KEY, version], ...records]));
  }

  async close(): Promise<void> {
    if (!this.isValid()) return;
    await this.#level.close();
    await this.#turn;
    await this.#acknowledged.close();
  }

  /** Stores these values under their keys, and takes out the keys of those that are undefined, all at once. */
  #commit(values: ReadonlyMap<string, unknown>): Promise<void> {
    // What is changed after the call does not change what is written.
    const texts = [...values].map(([key, value]) => [key, JSON.stringify(value) as string | undefined] as const);
    const written = this.#turn.then(() => this.#write(texts));
    this.#turn = written.catch(() => {});
    return written;
  }

  async #write(texts: readonly (readonly [key: string, text: string | undefined])[]): Promise<void> {
    if (!this.isValid()) throw new RegistryError("closed", "meta's store is closed");
    const writes = this.#contents.writes + 1;
    const batch = this.#level.batch().put(WRITES_KEY, `${writes}`);
    let { digest } = this.#contents;
    for (const [key, text] of texts) {
      digest = toggleDigest(digest, this.#digests.get(key) ?? EMPTY_DIGEST);
      if (text === undefined) batch.del(key);
      else batch.put(key, text);
      if (text !== undefined) digest = toggleDigest(digest, digestOfEntry(key, text));
    }
    await batch.write({ sync: true });
    this.#contents = { writes, digest };
    for (const [key, text] of texts)
      if (text === undefined) this.#digests.delete(key);
      else this.#digests.set(key, digestOfEntry(key, text));
    await this.#acknowledged.write({ writes, digest: formatDigest(digest) });
  }

  async #get(key: string): Promise<unknown> {
    try {
      const text = await this.#level.get(key);
      return text === undefined ? undefined : JSON.parse(text);
    } catch (cause) {
      throw new RegistryError("unavailable", `meta's store cannot be read: ${reasonOf(cause)}`, { cause });
    }
  }
}

/**
 * More writes than were acknowledged are fine: the last one was not waited for. Fewer are not, nor others than these.
 * @throws RegistryError `unavailable`
 */
function checkContents({ writes, digest }: Contents, { last }: AcknowledgedFile): void {
  if (last === undefined || writes > last.writes) return;
  if (writes === last.writes && formatDigest(digest) === last.digest) return;
  const what =
    writes < last.writes
      ? `${writes} of ${last.writes} writes are there`
      : `what ${writes} writes have left is not all there`;
  throw new RegistryError(
    "unavailable",
    `it has lost what was acknowledged: ${what}. Move the folder away and start from a backup; ` +
      `if an older version of Rollcall has written here meanwhile, delete ${FILE_NAME} in it`,
  );
}

function digestOfEntry(key: string, text: string): Digest {
  return mixDigests(digestOfText(key), digestOfText(text));
}

/** The library wraps the cause that an operator needs: a lock held, a permission missing, a file damaged. */
function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error ? thrown.cause.message : thrown.message;
}
