/**
 * What a filter takes of a service, kept up to date by looking only at what changed. Most filters decide on each instance
 * by itself. A preferred zone does not: which side the view is on, that of the zone or that of all, depends on whether
 * anybody in the zone can take work. So it is remembered who can, and when the first of them comes or the last one goes
 * everything is looked at anew.
 */

import type { Datum, EncodedInstance } from "./datum.ts";
import { isPreferred, matches, prefersZone, type Filter } from "./filter.ts";
import type { Instance } from "./instance.ts";

export class Selection {
  readonly #filter: Filter;
  readonly #read: (instance: EncodedInstance) => Instance;
  /** Ids of those that are reason enough to show no other zone. */
  readonly #preferred = new Set<string>();

  constructor(filter: Filter, read: (instance: EncodedInstance) => Instance) {
    this.#filter = filter;
    this.#read = read;
  }

  /** Brings `selected` to what the filter takes of `source`, of which these instances may have changed. */
  follow(selected: Datum, source: Datum, changedIds: Iterable<string>): void {
    const ids = [...changedIds];
    const toLookAt = this.#turns(source, ids) ? new Set([...idsOf(selected), ...idsOf(source)]) : ids;
    for (const id of toLookAt) {
      const instance = source.get(id);
      if (instance !== undefined && this.#takes(instance)) selected.put(instance, source.version);
      else selected.remove(id, source.version);
    }
    selected.adopt(source.version);
  }

  #takes(encoded: EncodedInstance): boolean {
    const instance = this.#read(encoded);
    const isElsewhere = this.#preferred.size > 0 && instance.zone !== this.#filter.zone;
    return !isElsewhere && matches(this.#filter, instance);
  }

  /** Takes note of who can take work in the preferred zone. Gives whether the view has to change sides. */
  #turns(source: Datum, changedIds: readonly string[]): boolean {
    if (!prefersZone(this.#filter)) return false;
    const wasLocal = this.#preferred.size > 0;
    for (const id of changedIds) {
      const instance = source.get(id);
      if (instance !== undefined && isPreferred(this.#filter, this.#read(instance))) this.#preferred.add(id);
      else this.#preferred.delete(id);
    }
    return wasLocal !== this.#preferred.size > 0;
  }
}

export function* idsOf(datum: Datum): IterableIterator<string> {
  for (const { id } of datum.instances()) yield id;
}
