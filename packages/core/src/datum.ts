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
import type { Traceparent } from "./tracing.ts";
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
  readonly origin?: ChangeOrigin | undefined;
}

/** Where the newest change of an update comes from. For measuring; nothing that is held depends on it. */
export interface ChangeOrigin {
  /** Of the newest sampled change that the update brings. */
  readonly traceparent: Traceparent | undefined;
  /** How long ago the slot's leader made the version, in microseconds, when the update was cut. */
  readonly ageUs: number;
}

/**
 * `applied`: the content changed. `adopted`: the same content under a newer version. `older`: not newer than what is
 * held, so ignored. `mismatch`: a delta of other content, or a digest that is wrong; only a snapshot helps.
 */
export type ApplyOutcome = "applied" | "adopted" | "older" | "mismatch";

/** An instance as a datum keeps it. */
export interface StoredInstance extends EncodedInstance {
  /** Of the bytes. */
  readonly digest: Digest;
}

/** Changes remembered for deltas at most. */
export const CHANGE_LOG_MAX = 512;
/** Changes remembered of the smallest list. */
const CHANGE_LOG_MIN = 16;

/**
 * How many changes of a list of that size are remembered. A receiver further behind gets a snapshot, which costs no more
 * than four times the delta; while a longer log would cost more memory than the instances it is about.
 */
export function changesRemembered(size: number): number {
  return Math.min(CHANGE_LOG_MAX, Math.max(CHANGE_LOG_MIN, size >> 2));
}

/** Gaps remembered: one for each change of leaders that a receiver may have slept through. */
const GAPS_MAX = 8;

export class Datum {
  readonly key: ServiceKey;
  #version: Version;
  #digest: Digest = EMPTY_DIGEST;
  #held: Held | undefined;
  #instances = new Map<string, StoredInstance>();
  /** Ids in the order they changed, and the versions at which they did. Complete for every version from `#logStart` on. */
  #changedIds: string[] = [];
  #changedAt: Version[] = [];
  #logStart: Version;
  /** Between these, both excluded, things may have come and gone without a trace here. Oldest first. */
  #gaps: { readonly after: Version; readonly before: Version }[] = [];

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

  /** One object for as long as the content stays, so that ten thousand who hold it do not need one each. */
  get held(): Held {
    if (this.#held?.version !== this.#version || this.#held.digest !== this.#digest)
      this.#held = { version: this.#version, digest: this.#digest };
    return this.#held;
  }

  get size(): number {
    return this.#instances.size;
  }

  get(id: string): StoredInstance | undefined {
    return this.#instances.get(id);
  }

  instances(): IterableIterator<StoredInstance> {
    return this.#instances.values();
  }

  /** Adds or replaces an instance at a newer version. Equal content changes nothing and gives false. */
  put({ id, bytes }: EncodedInstance, version: Version): boolean {
    return this.replace(id, version, () => storedInstance({ id, bytes }));
  }

  /** Takes an instance out at a newer version. An absent one changes nothing and gives false. */
  remove(id: string, version: Version): boolean {
    return this.replace(id, version, () => undefined);
  }

  /**
   * Replaces what is held of `id` by what `next` gives, which may be the same object with another content: it is only
   * in `next` that it may change. Equal content changes nothing and gives false.
   */
  replace(id: string, version: Version, next: () => StoredInstance | undefined): boolean {
    const before = this.#instances.get(id)?.digest;
    const instance = next();
    if (instance === undefined) this.#instances.delete(id);
    else this.#instances.set(id, instance);
    const after = instance?.digest;
    if (before === undefined ? after === undefined : after !== undefined && sameDigest(before, after)) return false;
    if (before !== undefined) this.#digest = toggleDigest(this.#digest, before);
    if (after !== undefined) this.#digest = toggleDigest(this.#digest, after);
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
    this.#changedIds.push(id);
    this.#changedAt.push(version);
    // Trimmed by a third at a time, so that the cost of trimming is spread thin.
    const remembered = changesRemembered(this.size);
    const count = this.#changedIds.length;
    if (count > remembered + (remembered >> 1)) this.#forgetChanges(count - remembered);
  }

  #forgetChanges(count: number): void {
    this.#logStart = this.#changedAt[count - 1]!;
    this.#changedIds.splice(0, count);
    this.#changedAt.splice(0, count);
  }

  /** It went from `after` to where it is now without hearing of what was in between. */
  skippedFrom(after: Version): void {
    this.#gaps.push({ after, before: this.#version });
    if (this.#gaps.length > GAPS_MAX) this.#logStart = latest(this.#logStart, this.#gaps.shift()!.before);
  }

  /** Ids that may differ from what the content was at `base`; undefined when the log does not tell. */
  changedSince(base: Version): ReadonlySet<string> | undefined {
    if (isNewer(this.#logStart, base)) return undefined;
    if (this.#gaps.some(({ after, before }) => isNewer(base, after) && isNewer(before, base))) return undefined;
    const ids = new Set<string>();
    for (let index = this.#changedIds.length - 1; index >= 0 && isNewer(this.#changedAt[index]!, base); index--) {
      ids.add(this.#changedIds[index]!);
    }
    return ids;
  }

  /** The whole content. @param confirmed whether the slot's leader vouches for it */
  snapshot(filter: Filter, confirmed: boolean): Update {
    return {
      ...this.#update(filter, confirmed),
      baseDigest: undefined,
      instances: [...this.#instances.values()],
      removedIds: [],
    };
  }

  /** What leads a holder of `base` to the present content, or undefined when a snapshot is needed or hardly larger. */
  delta(base: Held, filter: Filter, confirmed: boolean): Update | undefined {
    if (sameDigest(base.digest, this.#digest))
      return { ...this.#update(filter, confirmed), baseDigest: base.digest, instances: [], removedIds: [] };
    const ids = this.changedSince(base.version);
    // Whoever holds something else at this very version holds something wrong, and no change leads from there to here.
    const isWrong = compareVersions(base.version, this.#version) === 0;
    if (ids === undefined || isWrong || ids.size > this.size / 2 + 1) return undefined;
    const instances: EncodedInstance[] = [];
    const removedIds: string[] = [];
    for (const id of ids) {
      const instance = this.#instances.get(id);
      if (instance === undefined) removedIds.push(id);
      else instances.push(instance);
    }
    return { ...this.#update(filter, confirmed), baseDigest: base.digest, instances, removedIds };
  }

  #update(filter: Filter, confirmed: boolean): Pick<Update, "key" | "filter" | "version" | "digest" | "confirmed"> {
    return { key: this.key, filter, version: this.#version, digest: this.#digest, confirmed };
  }

  /**
   * Brings this copy to what `update` says, or refuses it and stays as it was. At equal version a snapshot of other
   * content is taken: whoever issued the version has found out that this copy is wrong.
   */
  apply(update: Update): ApplyOutcome {
    const order = compareVersions(update.version, this.#version);
    const isRepair = order === 0 && update.baseDigest === undefined && !sameDigest(update.digest, this.#digest);
    if (order <= 0 && !isRepair) return "older";
    if (sameDigest(update.digest, this.#digest)) {
      const before = this.#version;
      this.adopt(update.version);
      this.skippedFrom(before);
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
    const before = this.#version;
    this.#instances = instances;
    this.#digest = update.digest;
    for (const id of changed) this.#changed(id, update.version);
    this.skippedFrom(before);
    return true;
  }

  #applyDelta(update: Update, baseDigest: Digest): boolean {
    if (!sameDigest(baseDigest, this.#digest)) return false;
    const arriving = update.instances.map(storedInstance);
    // The digest is checked before anything is touched: a delta that does not lead where it says changes nothing. Nor does
    // one that names an instance twice.
    let digest = this.#digest;
    for (const id of update.removedIds) {
      const before = this.#instances.get(id);
      if (before !== undefined) digest = toggleDigest(digest, before.digest);
    }
    for (const instance of arriving) {
      const before = this.#instances.get(instance.id);
      if (before !== undefined) digest = toggleDigest(digest, before.digest);
      digest = toggleDigest(digest, instance.digest);
    }
    if (!sameDigest(digest, update.digest)) return false;
    for (const id of update.removedIds) {
      // What came and went since the base was never here, but may be with those who are in between.
      if (!this.remove(id, update.version)) this.#changed(id, update.version);
    }
    for (const instance of arriving) this.replace(instance.id, update.version, () => instance);
    this.adopt(update.version);
    return true;
  }
}

function latest(a: Version, b: Version): Version {
  return isNewer(a, b) ? a : b;
}

function storedInstances(instances: readonly EncodedInstance[]): Map<string, StoredInstance> {
  return new Map(instances.map((instance) => [instance.id, storedInstance(instance)]));
}

function storedInstance({ id, bytes }: EncodedInstance): StoredInstance {
  return { id, bytes, digest: digestOfBytes(bytes) };
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
