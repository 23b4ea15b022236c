/** A service as its subscriber sees it. */

import { type Datum, type EncodedInstance, type Instance, type ServiceKey, type Version } from "@rollcall/core";
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
  readonly bytes: Uint8Array;
  /** Undefined when the bytes are no instance. */
  readonly instance: Instance | undefined;
}

/** The decoded instances of a datum. What did not change is not decoded again, and its place in the order stays. */
export class DecodedInstances {
  readonly #undecodable: (id: string, error: unknown) => void;
  readonly #decoded = new Map<string, Decoded>();
  #sorted: readonly Instance[] = Object.freeze([]);

  /** @param undecodable told of an instance that cannot be read: it is left out, for the others are fine. */
  constructor(undecodable: (id: string, error: unknown) => void) {
    this.#undecodable = undecodable;
  }

  /** The instances that `datum` holds now, sorted by id. */
  follow(datum: Datum): readonly Instance[] {
    const changed = new Set<string>();
    for (const id of this.#decoded.keys()) {
      if (datum.get(id) !== undefined) continue;
      this.#decoded.delete(id);
      changed.add(id);
    }
    for (const encoded of datum.instances()) {
      const before = this.#decoded.get(encoded.id);
      if (before !== undefined && sameBytes(before.bytes, encoded.bytes)) continue;
      this.#decoded.set(encoded.id, { bytes: encoded.bytes, instance: this.#decode(encoded) });
      changed.add(encoded.id);
    }
    const fresh = [...changed]
      .map((id) => this.#decoded.get(id)?.instance)
      .filter((instance) => instance !== undefined);
    const kept = this.#sorted.filter((instance) => !changed.has(instance.id));
    this.#sorted = Object.freeze(merged(kept, fresh.toSorted(compareIds)));
    return this.#sorted;
  }

  #decode({ id, bytes }: EncodedInstance): Instance | undefined {
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

/** One sorted list of two. */
function merged(kept: readonly Instance[], fresh: readonly Instance[]): Instance[] {
  const result: Instance[] = [];
  let next = 0;
  for (const instance of kept) {
    while (next < fresh.length && compareIds(fresh[next]!, instance) < 0) result.push(fresh[next++]!);
    result.push(instance);
  }
  return result.concat(fresh.slice(next));
}

function compareIds(a: Instance, b: Instance): number {
  return a.id < b.id ? -1 : 1;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && a.every((byte, index) => byte === b[index]));
}
