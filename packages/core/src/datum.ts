/**
 * A datum: all instances of one service at one version, with the digest of that content and a bounded log of what
 * changed lately. The slot's leader holds it, a session holds a copy of it (and one per filter in use), a client holds
 * what it was pushed: all three are this one class, and what travels between them are its updates.
 *
 * Instances stay the bytes they were registered with. An update is a snapshot or a delta; both name the digest of the
 * content they lead to, and the receiver computes that digest from the bytes it got, so a wrong list is found at once.
 */

import { assert } from "./assert.ts";
import { digestOfBytes, EMPTY_DIGEST, sameDigest, toggleDigest, type Digest } from "./digest.ts";
import type { Filter } from "./filter.ts";
import type { ServiceKey } from "./service-key.ts";
import { compareVersions, isNewer, type Version } from "./version.ts";

/** An instance as it is kept and passed on: its id for addressing, its bytes for everything else. */
export interface EncodedInstance {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** A version and the digest of the content at it: what one side knows of what the other side holds. */
export interface Held {
  readonly version: Version;
  readonly digest: Digest;
}

/** What a push or a notification carries. */
export interface Update {
  readonly key: ServiceKey;
  readonly filter: Filter;
  readonly version: Version;
  /** Digest of the content after this update. */
  readonly digest: Digest;
  /** For a delta, the digest of the content it changes; undefined makes this a snapshot, which replaces everything. */
  readonly baseDigest: Digest | undefined;
  readonly instances: readonly EncodedInstance[];
  readonly removedIds: readonly string[];
  /** True when the slot's leader vouches for it, so that an empty list really means nobody is registered. */
  readonly confirmed: boolean;
}

/**
 * `applied`: the content changed. `adopted`: the same content under a newer version. `older`: not newer than what is
 * held, so ignored. `mismatch`: a delta of other content, or a digest that is wrong; only a snapshot helps.
 */
export type ApplyOutcome = "applied" | "adopted" | "older" | "mismatch";

interface StoredInstance extends EncodedInstance {
  readonly digest: Digest;
}

/** Changes remembered for deltas. A receiver further behind gets a snapshot. */
export const CHANGE_LOG_MAX = 512;

export class Datum {
  readonly key: ServiceKey;
  #version: Version;
  #digest: Digest = EMPTY_DIGEST;
  #instances = new Map<string, StoredInstance>();
  /** Ids in the order they changed. Complete for every version from `#logStart` on. */
  #log: { version: Version; id: string }[] = [];
  #logStart: Version;

  constructor(key: ServiceKey, version: Version) {
    this.key = key;
    this.#version = version;
    this.#logStart = version;
  }

  get version(): Version {
    return this.#version;
  }

  get digest(): Digest {
    return this.#digest;
  }

  get held(): Held {
    return { version: this.#version, digest: this.#digest };
  }

  get size(): number {
    return this.#instances.size;
  }

  get(id: string): EncodedInstance | undefined {
    return this.#instances.get(id);
  }

  instances(): IterableIterator<EncodedInstance> {
    return this.#instances.values();
  }

  /** Adds or replaces an instance at a newer version. Equal content changes nothing and gives false. */
  put(instance: EncodedInstance, version: Version): boolean {
    const digest = digestOfBytes(instance.bytes);
    const before = this.#instances.get(instance.id);
    if (before !== undefined && sameDigest(before.digest, digest)) return false;
    if (before !== undefined) this.#digest = toggleDigest(this.#digest, before.digest);
    this.#digest = toggleDigest(this.#digest, digest);
    this.#instances.set(instance.id, { id: instance.id, bytes: instance.bytes, digest });
    this.#changed(instance.id, version);
    return true;
  }

  /** Takes an instance out at a newer version. An absent one changes nothing and gives false. */
  remove(id: string, version: Version): boolean {
    const before = this.#instances.get(id);
    if (before === undefined) return false;
    this.#digest = toggleDigest(this.#digest, before.digest);
    this.#instances.delete(id);
    this.#changed(id, version);
    return true;
  }

  /** Moves to a newer version with the content as it is. */
  adopt(version: Version): void {
    assert(compareVersions(version, this.#version) >= 0, "a datum's version only grows");
    this.#version = version;
  }

  #changed(id: string, version: Version): void {
    this.adopt(version);
    this.#log.push({ version, id });
    // Trimmed in halves, so that the cost of trimming is spread thin.
    if (this.#log.length > 2 * CHANGE_LOG_MAX) {
      const dropped = this.#log.splice(0, CHANGE_LOG_MAX);
      this.#logStart = dropped.at(-1)!.version;
    }
  }

  /** Ids that may differ from what the content was at `base`; undefined when the log does not reach back that far. */
  changedSince(base: Version): ReadonlySet<string> | undefined {
    if (isNewer(this.#logStart, base)) return undefined;
    const ids = new Set<string>();
    for (let index = this.#log.length - 1; index >= 0 && isNewer(this.#log[index]!.version, base); index--) {
      ids.add(this.#log[index]!.id);
    }
    return ids;
  }

  /** The whole content. */
  snapshot(filter: Filter): Update {
    return {
      ...this.#update(filter),
      baseDigest: undefined,
      instances: [...this.#instances.values()],
      removedIds: [],
    };
  }

  /** What leads a holder of `base` to the present content, or undefined when a snapshot is needed or hardly larger. */
  delta(base: Held, filter: Filter): Update | undefined {
    if (sameDigest(base.digest, this.#digest))
      return { ...this.#update(filter), baseDigest: base.digest, instances: [], removedIds: [] };
    const ids = this.changedSince(base.version);
    if (ids === undefined || ids.size > this.size / 2 + 1) return undefined;
    const instances: EncodedInstance[] = [];
    const removedIds: string[] = [];
    for (const id of ids) {
      const instance = this.#instances.get(id);
      if (instance === undefined) removedIds.push(id);
      else instances.push(instance);
    }
    return { ...this.#update(filter), baseDigest: base.digest, instances, removedIds };
  }

  #update(filter: Filter): Pick<Update, "key" | "filter" | "version" | "digest" | "confirmed"> {
    return { key: this.key, filter, version: this.#version, digest: this.#digest, confirmed: true };
  }

  /** Brings this copy to what `update` says, or refuses it and stays as it was. */
  apply(update: Update): ApplyOutcome {
    if (compareVersions(update.version, this.#version) <= 0) return "older";
    if (sameDigest(update.digest, this.#digest)) {
      this.adopt(update.version);
      return "adopted";
    }
    const outcome =
      update.baseDigest === undefined ? this.#applySnapshot(update) : this.#applyDelta(update, update.baseDigest);
    return outcome ? "applied" : "mismatch";
  }

  #applySnapshot(update: Update): boolean {
    const instances = storedInstances(update.instances);
    if (!sameDigest(digestOfSet(instances.values()), update.digest)) return false;
    const changed = [...differingIds(this.#instances, instances)];
    this.#instances = instances;
    this.#digest = update.digest;
    for (const id of changed) this.#changed(id, update.version);
    return true;
  }

  #applyDelta(update: Update, baseDigest: Digest): boolean {
    if (!sameDigest(baseDigest, this.#digest)) return false;
    const arriving = storedInstances(update.instances);
    // The digest is checked before anything is touched: a delta that does not lead where it says changes nothing.
    let digest = this.#digest;
    for (const id of new Set([...update.removedIds, ...arriving.keys()])) {
      const before = this.#instances.get(id);
      if (before !== undefined) digest = toggleDigest(digest, before.digest);
    }
    for (const instance of arriving.values()) digest = toggleDigest(digest, instance.digest);
    if (!sameDigest(digest, update.digest)) return false;
    for (const id of update.removedIds) if (!arriving.has(id)) this.remove(id, update.version);
    for (const instance of arriving.values()) this.put(instance, update.version);
    this.adopt(update.version);
    return true;
  }
}

function storedInstances(instances: readonly EncodedInstance[]): Map<string, StoredInstance> {
  return new Map(instances.map(({ id, bytes }) => [id, { id, bytes, digest: digestOfBytes(bytes) }]));
}

function digestOfSet(instances: Iterable<StoredInstance>): Digest {
  let digest = EMPTY_DIGEST;
  for (const instance of instances) digest = toggleDigest(digest, instance.digest);
  return digest;
}

function* differingIds(
  a: ReadonlyMap<string, StoredInstance>,
  b: ReadonlyMap<string, StoredInstance>,
): Iterable<string> {
  for (const id of a.keys()) if (!b.has(id)) yield id;
  for (const [id, instance] of b) {
    const before = a.get(id);
    if (before === undefined || !sameDigest(before.digest, instance.digest)) yield id;
  }
}
