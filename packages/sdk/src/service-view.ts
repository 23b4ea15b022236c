/** A service as its subscriber sees it. */

import {
  sameDigest,
  toggleDigest,
  type Datum,
  type Digest,
  type Held,
  type Instance,
  type ServiceKey,
  type StoredInstance,
  type Version,
} from "@rollcall/core";
import { instanceFromBytes } from "@rollcall/protocol";

/** The instances of a service at one moment. Frozen, and a new object for each change. */
export interface ServiceView {
  readonly service: ServiceKey;
  /** Those that the filter lets through, sorted by id. Unchanged ones are the same objects as in the view before. */
  readonly instances: readonly Instance[];
  readonly version: Version;
  /** Whether the leader of the service's slot vouches for the list. One that is not confirmed is never empty. */
  readonly confirmed: boolean;
  /**
   * Set when the list does not come from the registry, of which nothing was to be seen, but is what a former life of the
   * program has kept: where, and how long before it was read the registry had vouched for it, in milliseconds.
   */
  readonly kept?: KeptOrigin | undefined;
  /**
   * How long ago the leader of the service's slot had made this version when the push left the session node, in
   * milliseconds, measured without any wall clock. Undefined where the view did not come as a change: the first one, and
   * one that was missed for long.
   */
  readonly ageMs?: number | undefined;
}

export interface KeptOrigin {
  readonly place: string;
  readonly ageMs: number;
}

export function serviceView(view: ServiceView): ServiceView {
  return Object.freeze({ ...view });
}

interface Decoded {
  /** Of its bytes. */
  readonly digest: Digest;
  /** Undefined when the bytes are no instance. */
  readonly instance: Instance | undefined;
}

/** Up to so many changes are put into a copy of the list one by one; of more a list of their own is made, and the two merged. */
const PLACED_MAX = 16;

/**
 * The decoded instances of a datum. What did not change is not decoded again, nor looked at: a change of a large list
 * costs what has changed, and a copy of the pointers to the rest.
 */
export class DecodedInstances {
  readonly #undecodable: (id: string, error: unknown) => void;
  readonly #decoded = new Map<string, Decoded>();
  #sorted: readonly Instance[] = Object.freeze([]);
  /** What was followed last, and how far. */
  #followed: { readonly datum: Datum; readonly held: Held } | undefined;

  /** @param undecodable told of an instance that cannot be read: it is left out, for the others are fine. */
  constructor(undecodable: (id: string, error: unknown) => void) {
    this.#undecodable = undecodable;
  }

  /** The instances that `datum` holds now, sorted by id. */
  follow(datum: Datum): readonly Instance[] {
    const changed = this.#loggedChanges(datum) ?? this.#differences(datum);
    const fresh = new Map<string, Instance | undefined>();
    for (const id of changed) fresh.set(id, this.#decode(id, datum.get(id)));
    this.#sorted = Object.freeze(fresh.size > PLACED_MAX ? merged(this.#sorted, fresh) : placed(this.#sorted, fresh));
    this.#followed = { datum, held: datum.held };
    return this.#sorted;
  }

  /** The ids that the datum's log says have changed since, if the digests prove that there are no others. */
  #loggedChanges(datum: Datum): ReadonlySet<string> | undefined {
    if (this.#followed?.datum !== datum) return undefined;
    const { version, digest } = this.#followed.held;
    const ids = datum.changedSince(version);
    if (ids === undefined) return undefined;
    let reached = digest;
    for (const id of ids) {
      const before = this.#decoded.get(id);
      const after = datum.get(id);
      if (before !== undefined) reached = toggleDigest(reached, before.digest);
      if (after !== undefined) reached = toggleDigest(reached, after.digest);
    }
    return sameDigest(reached, datum.digest) ? ids : undefined;
  }

  /** The ids that differ, found by looking at all. */
  #differences(datum: Datum): ReadonlySet<string> {
    const changed = new Set<string>();
    for (const id of this.#decoded.keys()) if (datum.get(id) === undefined) changed.add(id);
    for (const { id, digest } of datum.instances()) {
      const before = this.#decoded.get(id);
      if (before === undefined || !sameDigest(before.digest, digest)) changed.add(id);
    }
    return changed;
  }

  #decode(id: string, stored: StoredInstance | undefined): Instance | undefined {
    if (stored === undefined) {
      this.#decoded.delete(id);
      return undefined;
    }
    const before = this.#decoded.get(id);
    if (before !== undefined && sameDigest(before.digest, stored.digest)) return before.instance;
    const instance = this.#instance(stored);
    this.#decoded.set(id, { digest: stored.digest, instance });
    return instance;
  }

  #instance({ id, bytes }: StoredInstance): Instance | undefined {
    try {
      const instance = instanceFromBytes(bytes);
      Object.freeze(instance.metadata);
      return Object.freeze(instance);
    } catch (thrown) {
      this.#undecodable(id, thrown);
      return undefined;
    }
  }
}

/** What has changed, by id; undefined where there is nothing any more. */
type Fresh = ReadonlyMap<string, Instance | undefined>;

function placed(before: readonly Instance[], fresh: Fresh): Instance[] {
  // Not `slice`: what V8 makes of a frozen list by that takes a hundred times as long to be frozen.
  const sorted = [...before];
  for (const [id, instance] of fresh) {
    const place = placeOf(id, sorted);
    const isThere = sorted[place]?.id === id;
    if (instance === undefined) sorted.splice(place, Number(isThere));
    else if (isThere) sorted[place] = instance;
    else sorted.splice(place, 0, instance);
  }
  return sorted;
}

function merged(before: readonly Instance[], fresh: Fresh): Instance[] {
  const arriving = [...fresh.values()].filter((instance) => instance !== undefined).toSorted(compareIds);
  const sorted: Instance[] = [];
  let next = 0;
  for (const instance of before) {
    if (fresh.has(instance.id)) continue;
    while (next < arriving.length && compareIds(arriving[next]!, instance) < 0) sorted.push(arriving[next++]!);
    sorted.push(instance);
  }
  return sorted.concat(arriving.slice(next));
}

/** Where in the sorted list the instance is, or would be. */
function placeOf(id: string, sorted: readonly Instance[]): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (sorted[middle]!.id < id) from = middle + 1;
    else to = middle;
  }
  return from;
}

function compareIds(a: Instance, b: Instance): number {
  return a.id < b.id ? -1 : 1;
}
