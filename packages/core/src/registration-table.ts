/**
 * Registrations, found by what they are of: a table over the three names that makes no text of them, for there are as
 * many entries as instances, and each is looked for with every write.
 *
 * Open addressing: an entry lies at the place that its hash names or, where that is taken, at the next free one behind
 * it. When one is taken out, those behind that may lie further in front move up, so that no search stops short of them.
 */

import { hashOfServiceKey, sameServiceKey, type ServiceKey } from "./service-key.ts";

/** What tells a registration from all others. */
export interface RegistrationNames {
  readonly key: ServiceKey;
  readonly instanceId: string;
  /** Empty for one that was made without a connection. */
  readonly clientId: string;
}

const PLACES_MIN = 16;

/** Of the places at most so many are taken: with more, searches become long. */
const FILLED_MAX = 0.7;

export class RegistrationTable<Entry extends RegistrationNames> {
  #entries: (Entry | undefined)[] = emptyPlaces(PLACES_MIN);
  #hashes = new Int32Array(PLACES_MIN);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  find(names: RegistrationNames): Entry | undefined {
    return this.#entries[this.#placeOf(names, hashOf(names))];
  }

  /** Adds an entry, in place of one of the same names if there is one. */
  set(entry: Entry): void {
    const hash = hashOf(entry);
    const place = this.#placeOf(entry, hash);
    const isNew = this.#entries[place] === undefined;
    this.#entries[place] = entry;
    this.#hashes[place] = hash;
    if (isNew && ++this.#size > FILLED_MAX * this.#entries.length) this.#resize(2 * this.#entries.length);
  }

  delete(names: RegistrationNames): boolean {
    const place = this.#placeOf(names, hashOf(names));
    if (this.#entries[place] === undefined) return false;
    this.#closeGap(place);
    this.#size--;
    return true;
  }

  /** Where the entry of these names lies, or the free place where it would. */
  #placeOf(names: RegistrationNames, hash: number): number {
    const entries = this.#entries;
    const last = entries.length - 1;
    for (let place = hash & last; ; place = (place + 1) & last) {
      const entry = entries[place];
      if (entry === undefined || (this.#hashes[place] === hash && isOf(entry, names))) return place;
    }
  }

  #closeGap(gap: number): void {
    const last = this.#entries.length - 1;
    let free = gap;
    for (let place = (gap + 1) & last; this.#entries[place] !== undefined; place = (place + 1) & last) {
      // It may lie anywhere from where its hash names; it moves if the free place is not before that.
      const behindHome = (place - this.#hashes[place]!) & last;
      if (behindHome < ((place - free) & last)) continue;
      this.#entries[free] = this.#entries[place];
      this.#hashes[free] = this.#hashes[place]!;
      free = place;
    }
    this.#entries[free] = undefined;
  }

  #resize(places: number): void {
    const [entries, hashes] = [this.#entries, this.#hashes];
    this.#entries = emptyPlaces(places);
    this.#hashes = new Int32Array(places);
    for (let from = 0; from < entries.length; from++) {
      const entry = entries[from];
      if (entry === undefined) continue;
      const hash = hashes[from]!;
      let place = hash & (places - 1);
      while (this.#entries[place] !== undefined) place = (place + 1) & (places - 1);
      this.#entries[place] = entry;
      this.#hashes[place] = hash;
    }
  }
}

function emptyPlaces<Entry>(places: number): (Entry | undefined)[] {
  return Array.from<Entry | undefined>({ length: places });
}

function isOf(entry: RegistrationNames, { key, instanceId, clientId }: RegistrationNames): boolean {
  return entry.instanceId === instanceId && entry.clientId === clientId && sameServiceKey(entry.key, key);
}

function hashOf({ key, instanceId, clientId }: RegistrationNames): number {
  const hash = hashOfText(clientId, hashOfText(instanceId, hashOfServiceKey(key)));
  return hash ^ (hash >>> 15);
}

/** FNV-1a, over UTF-16. It only spreads entries of this process over places. */
function hashOfText(text: string, seed: number): number {
  let hash = seed;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}
