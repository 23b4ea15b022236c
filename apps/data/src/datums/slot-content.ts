/**
 * Everything a data node has of one slot: services with their claims, what each session holds of it in sums, and the
 * changes of late. Its leader issues the versions; a follower takes the claims and the versions as the leader sends them.
 */

import {
  EMPTY_DIGEST,
  assert,
  compareVersions,
  isNewer,
  sameDigest,
  textFromServiceKey,
  type ByteStore,
  type ClaimRecord,
  type Digest,
  type Epoch,
  type IdRange,
  type ServiceClaims,
  type ServiceDigest,
  type ServiceHoldings,
  type ServiceKey,
  type SlotId,
  type Version,
} from "@rollcall/core";

import { ChangeLog } from "./change-log.ts";
import { STATIC_HOLDER, recordOfClaim, type Claim } from "./claim.ts";
import type { Names } from "./names.ts";
import { RegisteredService, type ClaimLedger, type Showing } from "./registered-service.ts";
import { SessionSums, differ, digestOfClaims } from "./session-sums.ts";

/** Whoever keeps a copy of the claims elsewhere, or a clock for them. */
export interface ClaimWatcher {
  changed(claim: Claim): void;
  discarded(claim: Claim): void;
}

/** What all slots of a node keep together. */
export interface SharedMemory {
  readonly bytes: ByteStore;
  readonly names: Names;
  readonly showing: Showing;
}

export class SlotContent implements ClaimLedger {
  readonly slot: SlotId;
  readonly bytes: ByteStore;
  readonly names: Names;
  readonly showing: Showing;
  readonly #watcher: ClaimWatcher;
  readonly #services = new Map<string, RegisteredService>();
  readonly #sums = new SessionSums();
  readonly #log = new ChangeLog();
  #version: Version;
  /** What it was at when this node began to lead it: all that the leader before is known to have issued. */
  #basis: Version;
  #wasComplete = false;
  #claimBytes = 0;

  constructor(slot: SlotId, version: Version, { bytes, names, showing }: SharedMemory, watcher: ClaimWatcher) {
    this.slot = slot;
    this.bytes = bytes;
    this.names = names;
    this.showing = showing;
    this.#version = version;
    this.#basis = version;
    this.#watcher = watcher;
    this.#log.clear(version.counter);
  }

  // What there is ----------------------------------------------------------------------------------------------------

  /** Of the newest change. */
  get version(): Version {
    return this.#version;
  }

  get leaderEpoch(): Epoch {
    return this.#version.epoch;
  }

  get basis(): Version {
    return this.#basis;
  }

  /**
   * Whether it has been all there was at some moment, here or in an earlier life of this node: then it lacks only what
   * came later. Otherwise it may lack anything.
   */
  get wasComplete(): boolean {
    return this.#wasComplete;
  }

  /** It is all there is now. Gives whether that is so for the first time. */
  completed(): boolean {
    const isFirst = !this.#wasComplete;
    this.#wasComplete = true;
    return isFirst;
  }

  /** Of all that lives here, and who holds it. */
  get digest(): Digest {
    return this.#sums.digest;
  }

  /** What all its claims come to. */
  get claimBytes(): number {
    return this.#claimBytes;
  }

  get isEmpty(): boolean {
    return this.#services.size === 0;
  }

  services(): IterableIterator<RegisteredService> {
    return this.#services.values();
  }

  *claims(): IterableIterator<Claim> {
    for (const service of this.#services.values()) yield* service.claims();
  }

  /** Claims that come from control records, and are not removed. */
  staticClaims(): Claim[] {
    if (!this.holdsAnything(STATIC_HOLDER)) return [];
    return [...this.claims()].filter((claim) => isHeldBy(claim, STATIC_HOLDER));
  }

  find(keyText: string): RegisteredService | undefined {
    return this.#services.get(keyText);
  }

  /** The service, made empty when nobody has registered or asked for it yet. */
  obtain(key: ServiceKey): RegisteredService {
    const keyText = textFromServiceKey(key);
    const known = this.#services.get(keyText);
    if (known !== undefined) return known;
    const service = new RegisteredService(key, keyText, this.slot, this.#version, this);
    this.#services.set(keyText, service);
    return service;
  }

  /** Lets go of a service that has neither registrations nor tombstones. */
  release(service: RegisteredService): void {
    if (service.isEmpty && this.#services.get(service.keyText) === service) this.#services.delete(service.keyText);
  }

  // As the leader ----------------------------------------------------------------------------------------------------

  /** Begins to lead: everything issued from now on is above whatever an earlier epoch issued. */
  lead(leaderEpoch: Epoch): void {
    assert(leaderEpoch > this.#version.epoch, `slot ${this.slot} is led at an epoch above ${this.#version.epoch}`);
    this.#basis = this.#version;
    this.#version = { epoch: leaderEpoch, counter: 0 };
    this.#log.clear(0);
    for (const { datum } of this.#services.values()) {
      const before = datum.version;
      datum.adopt(this.#version);
      // The leader before may have issued more than was passed on.
      datum.skippedFrom(before);
    }
  }

  /** Claims changed after `base`, oldest change first, at most `max`; undefined when the log does not reach back to it. */
  changedSince(
    base: Version,
    max: number,
  ): { readonly services: readonly ServiceClaims[]; readonly version: Version } | undefined {
    const { epoch } = this.#version;
    const isBasis = compareVersions(base, this.#basis) === 0;
    const counter = base.epoch === epoch ? base.counter : isBasis ? 0 : undefined;
    const changes = counter === undefined ? undefined : this.#log.since(counter, max);
    if (changes === undefined) return undefined;
    return { services: claimsByService(changes.claims), version: { epoch, counter: changes.counter } };
  }

  /** All claims of a service, in the order of instance ids. */
  claimsOf(key: ServiceKey): readonly ClaimRecord[] {
    const service = this.#services.get(textFromServiceKey(key));
    return service?.claimsIn({ after: "", upTo: "" }).map((claim) => recordOfClaim(claim)) ?? [];
  }

  /** What each service that has anything comes to. */
  serviceDigests(): ServiceDigest[] {
    const digests: ServiceDigest[] = [];
    for (const service of this.#services.values()) {
      const digest = digestOfClaims(service.claims());
      if (digest !== undefined) digests.push({ key: service.key, digest });
    }
    return digests;
  }

  // What sessions hold -----------------------------------------------------------------------------------------------

  /** Sessions that something is registered through with a connection. What lives by a lease needs no session to stay. */
  sessions(): IterableIterator<string> {
    return this.#sums.sessions();
  }

  holdsAnything(session: string): boolean {
    return !sameDigest(this.#sums.connectionsOf(session), EMPTY_DIGEST);
  }

  /** Of what the session holds here with connections. */
  digestOfSession(session: string): Digest {
    return this.#sums.connectionsOf(session);
  }

  /** Services of which the session holds something else than it says. */
  differences(session: string, said: readonly ServiceDigest[]): ServiceKey[] {
    const saidDigests = new Map(said.map(({ key, digest }) => [textFromServiceKey(key), digest]));
    const keys = said.filter(({ key }) => !this.#services.has(textFromServiceKey(key))).map(({ key }) => key);
    for (const service of this.#services.values()) {
      const sums = new SessionSums();
      for (const claim of service.claims()) if (isHeldBy(claim, session)) sums.add(claim);
      const here = sums.isEmpty ? undefined : sums.connectionsOf(session);
      if (differ(here, saidDigests.get(service.keyText))) keys.push(service.key);
    }
    return keys;
  }

  /** Claims of the session that it does not hold, by its own list. */
  unlisted(session: string, { key, held, ...range }: ServiceHoldings): Claim[] {
    const service = this.#services.get(textFromServiceKey(key));
    const listed = new Set(held.map(({ instanceId, clientId }) => `${instanceId} ${clientId}`));
    return (
      service
        ?.claimsIn(range)
        .filter((claim) => isHeldBy(claim, session) && !listed.has(`${claim.instanceId} ${claim.clientId}`)) ?? []
    );
  }

  /** Is at `version`, as it was left by an earlier life of this node. */
  restored(version: Version): void {
    this.#version = version;
    this.#wasComplete = true;
    this.#log.clear(version.counter);
    for (const { datum } of this.#services.values()) {
      const before = datum.version;
      datum.adopt(version);
      // What was left there does not tell when it came.
      datum.skippedFrom(before);
    }
  }

  // As a follower ----------------------------------------------------------------------------------------------------

  /** Takes the leader's word on these claims, whatever was there, and is at `version` then. */
  take(services: readonly ServiceClaims[], version: Version): void {
    assert(!isNewer(this.#version, version), `the version of slot ${this.slot} only grows`);
    this.#version = version;
    for (const { key, claims } of services) {
      const service = this.obtain(key);
      for (const record of claims) service.take(record, version);
    }
    // Whoever leads next begins a log of its own.
    this.#log.clear(version.counter);
  }

  /** Replaces all claims of a service within the range. */
  replace({ key, claims }: ServiceClaims, range: IdRange): void {
    const service = this.obtain(key);
    const listed = new Set(claims.map(({ instanceId, clientId }) => `${instanceId} ${clientId}`));
    for (const claim of service.claimsIn(range))
      if (!listed.has(`${claim.instanceId} ${claim.clientId}`)) service.discard(claim, this.#version);
    for (const record of claims) service.take(record, this.#version);
    this.release(service);
  }

  // As the ledger of its services ------------------------------------------------------------------------------------

  next(): Version {
    this.#version = { epoch: this.#version.epoch, counter: this.#version.counter + 1 };
    return this.#version;
  }

  left(claim: Claim): void {
    this.#sums.remove(claim);
    this.#claimBytes -= claim.size;
  }

  entered(claim: Claim, version: Version): void {
    this.#sums.add(claim);
    this.#claimBytes += claim.size;
    if (version.epoch === this.#version.epoch) this.#log.add(version.counter, claim);
    this.#watcher.changed(claim);
  }

  discarded(claim: Claim): void {
    this.#watcher.discarded(claim);
  }
}

function isHeldBy(claim: Claim, session: string): boolean {
  return claim.session === session && claim.leaseMs === 0 && !claim.removed;
}

function claimsByService(claims: Iterable<Claim>): ServiceClaims[] {
  const byService = new Map<RegisteredService, ClaimRecord[]>();
  for (const claim of claims) {
    const records = byService.get(claim.service);
    if (records === undefined) byService.set(claim.service, [recordOfClaim(claim)]);
    else records.push(recordOfClaim(claim));
  }
  return [...byService].map(([{ key }, records]) => ({ key, claims: records }));
}
