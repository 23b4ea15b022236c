/**
 * One service of the registry in memory: who claims which instance, and what is shown of that, once for every filter in
 * use. The newest claim of an instance is shown; when it goes, the one before it shows again.
 */

import {
  Datum,
  Selection,
  compareRegistrationVersions,
  idsOf,
  isNewerStamp,
  takesAllHealthy,
  takesEverything,
  textFromFilter,
  type Filter,
  type RegistrationStamp,
  type ServiceKey,
  type Version,
} from "@rollcall/core";
import { instanceFromBytes } from "@rollcall/protocol";

/** One client's word on one instance. */
export interface Claim extends RegistrationStamp {
  readonly clientId: string;
  /** The encoded instance; of no meaning in a claim that was removed. */
  readonly bytes: Uint8Array;
}

interface SelectedDatum {
  readonly selection: Selection;
  readonly datum: Datum;
}

export class MemoryService {
  readonly key: ServiceKey;
  readonly #nextVersion: () => Version;
  /** By instance, then by client. A removed one stays, so that nothing older comes in its place. */
  readonly #claims = new Map<string, Map<string, Claim>>();
  /** By the text of their filters. */
  readonly #views = new Map<string, SelectedDatum>();
  /** Everything that is shown. */
  readonly datum: Datum;

  constructor(key: ServiceKey, first: Version, nextVersion: () => Version) {
    this.key = key;
    this.#nextVersion = nextVersion;
    this.datum = new Datum(key, first);
  }

  /** What is shown through a filter. */
  through(filter: Filter): Datum {
    // Nobody probes here, so all are healthy.
    if (takesEverything(filter) || takesAllHealthy(filter)) return this.datum;
    const text = textFromFilter(filter);
    const known = this.#views.get(text);
    if (known !== undefined) return known.datum;
    const selection = new Selection(filter, ({ bytes }) => instanceFromBytes(bytes));
    const view = { selection, datum: new Datum(this.key, this.datum.version) };
    this.#views.set(text, view);
    selection.follow(view.datum, this.datum, idsOf(this.datum));
    return view.datum;
  }

  /** Takes in a claim or its end, unless a newer one is known. */
  claim(instanceId: string, claim: Claim): void {
    const claims = this.#claims.get(instanceId) ?? new Map<string, Claim>();
    this.#claims.set(instanceId, claims);
    const before = claims.get(claim.clientId);
    if (before !== undefined && !isNewerStamp(claim, before)) return;
    claims.set(claim.clientId, claim);
    this.#show(instanceId, claims);
  }

  /** Forgets everything that a client has claimed. */
  forget(clientId: string): void {
    for (const [instanceId, claims] of this.#claims) {
      if (!claims.delete(clientId)) continue;
      this.#show(instanceId, claims);
      if (claims.size === 0) this.#claims.delete(instanceId);
    }
  }

  #show(id: string, claims: ReadonlyMap<string, Claim>): void {
    const [newest] = [...claims.values()].filter(({ removed }) => !removed).toSorted(newestFirst);
    const version = this.#nextVersion();
    if (newest === undefined) this.datum.remove(id, version);
    else this.datum.put({ id, bytes: newest.bytes }, version);
    for (const { selection, datum } of this.#views.values()) selection.follow(datum, this.datum, [id]);
  }
}

function newestFirst(a: Claim, b: Claim): number {
  return compareRegistrationVersions(b.version, a.version) || (a.clientId < b.clientId ? 1 : -1);
}
