/** The lists of services of the registry in memory: one for every pattern in use, of the services that have an instance. */

import {
  emptyServiceList,
  isOfPattern,
  memberOfService,
  textFromPattern,
  textFromServiceKey,
  type Datum,
  type ServiceKey,
  type ServicePattern,
  type Version,
} from "@rollcall/core";

interface PatternList {
  readonly pattern: ServicePattern;
  readonly datum: Datum;
}

export class MemoryLists {
  readonly #nextVersion: () => Version;
  /** Services that have an instance, by their text. */
  readonly #services = new Map<string, ServiceKey>();
  readonly #lists = new Map<string, PatternList>();

  constructor(nextVersion: () => Version) {
    this.#nextVersion = nextVersion;
  }

  /** What is shown through a pattern. */
  through(pattern: ServicePattern): Datum {
    const text = textFromPattern(pattern);
    const known = this.#lists.get(text);
    if (known !== undefined) return known.datum;
    const list = { pattern, datum: emptyServiceList(pattern.namespace, this.#nextVersion()) };
    this.#lists.set(text, list);
    for (const key of this.#services.values()) follow(list, key, true, list.datum.version);
    return list.datum;
  }

  /** A service has instances or none. */
  note(key: ServiceKey, isThere: boolean): void {
    const text = textFromServiceKey(key);
    if (this.#services.has(text) === isThere) return;
    if (isThere) this.#services.set(text, key);
    else this.#services.delete(text);
    const version = this.#nextVersion();
    for (const list of this.#lists.values()) follow(list, key, isThere, version);
  }
}

function follow({ pattern, datum }: PatternList, key: ServiceKey, isThere: boolean, at: Version): void {
  if (!isOfPattern(pattern, key)) return;
  if (isThere) datum.put(memberOfService(key), at);
  else datum.remove(textFromServiceKey(key), at);
}
