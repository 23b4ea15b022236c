/** One slot's content as plainly as it can be written, for both roles, so that tests of replication can see through it. */

import {
  EMPTY_DIGEST,
  assert,
  compareVersions,
  digestOfBytes,
  digestOfRegistration,
  digestOfText,
  epoch,
  mixDigests,
  textFromServiceKey,
  toggleDigest,
  type ClaimRecord,
  type Digest,
  type Epoch,
  type IdRange,
  type ServiceClaims,
  type ServiceDigest,
  type ServiceKey,
  type SlotId,
  type Version,
} from "@rollcall/core";

import type { FollowedSlot, LedSlot } from "../src/replication/slot-roles.ts";

interface ModelService {
  readonly key: ServiceKey;
  readonly claims: Map<string, ClaimRecord>;
}

export class ModelSlot implements LedSlot, FollowedSlot {
  readonly slot: SlotId;
  version: Version = { epoch: epoch(0), counter: 0 };
  digest: Digest = EMPTY_DIGEST;
  /** Called after each change made by a leader. */
  changed: () => void = () => {};
  readonly #logMax: number;
  readonly #services = new Map<string, ModelService>();
  #basis = this.version;
  #log: { readonly counter: number; readonly keyText: string; readonly name: string }[] = [];
  #logStart = 0;

  constructor(slot: SlotId, logMax = 512) {
    this.slot = slot;
    this.#logMax = logMax;
  }

  get leaderEpoch(): Epoch {
    return this.version.epoch;
  }

  /** All that lives, as text. */
  live(): string[] {
    return this.#texts(({ removed }) => !removed);
  }

  /** What is remembered as removed, as text. */
  removed(): string[] {
    return this.#texts(({ removed }) => removed);
  }

  // As a leader ------------------------------------------------------------------------------------------------------

  lead(leaderEpoch: number): this {
    this.#basis = this.version;
    this.version = { epoch: epoch(leaderEpoch), counter: 0 };
    this.#log = [];
    this.#logStart = 0;
    return this;
  }

  register(key: ServiceKey, id: string, text = "", clientId = "client-1"): void {
    this.#change(key, id, clientId, { removed: false, instance: new TextEncoder().encode(`${id} ${text}`) });
  }

  unregister(key: ServiceKey, id: string, clientId = "client-1"): void {
    this.#change(key, id, clientId, { removed: true, instance: new Uint8Array(0) });
  }

  changedSince(base: Version, max: number) {
    const isBasis = compareVersions(base, this.#basis) === 0;
    const from = base.epoch === this.version.epoch ? base.counter : isBasis ? 0 : undefined;
    if (from === undefined || from < this.#logStart) return undefined;
    const byService = new Map<string, Map<string, ClaimRecord>>();
    let claims = 0;
    let counter = from;
    for (const change of this.#log) {
      if (change.counter <= from) continue;
      if (claims >= max) break;
      const { claims: ours } = this.#services.get(change.keyText)!;
      const changed = byService.get(change.keyText) ?? new Map<string, ClaimRecord>();
      byService.set(change.keyText, changed);
      if (!changed.has(change.name)) claims++;
      changed.set(change.name, ours.get(change.name)!);
      counter = change.counter;
    }
    const services = [...byService].map(([keyText, changed]) => ({
      key: this.#services.get(keyText)!.key,
      claims: [...changed.values()],
    }));
    return { services, version: { epoch: this.version.epoch, counter } };
  }

  serviceDigests(): ServiceDigest[] {
    return [...this.#services.values()].flatMap(({ key, claims }) => {
      const live = [...claims.values()].filter(({ removed }) => !removed);
      const digest = live.reduce((sum, claim) => toggleDigest(sum, digestOf(key, claim)), EMPTY_DIGEST);
      return live.length === 0 ? [] : [{ key, digest }];
    });
  }

  claimsOf(key: ServiceKey): ClaimRecord[] {
    const claims = this.#services.get(textFromServiceKey(key))?.claims.values() ?? [];
    return [...claims].toSorted((a, b) => (a.instanceId < b.instanceId ? -1 : Number(a.instanceId > b.instanceId)));
  }

  // As a follower ----------------------------------------------------------------------------------------------------

  take(services: readonly ServiceClaims[], version: Version): void {
    assert(compareVersions(version, this.version) >= 0, "a version only grows");
    this.version = version;
    for (const { key, claims } of services) for (const claim of claims) this.#put(key, claim);
  }

  replace({ key, claims }: ServiceClaims, { after, upTo }: IdRange): void {
    const service = this.#obtain(key);
    for (const [name, claim] of service.claims) {
      const isInRange = claim.instanceId > after && (upTo === "" || claim.instanceId <= upTo);
      if (isInRange) this.#delete(service, name, claim);
    }
    for (const claim of claims) this.#put(key, claim);
  }

  /** Loses a claim without anyone noticing. */
  damage(key: ServiceKey, { instanceId, clientId }: Pick<ClaimRecord, "instanceId" | "clientId">): void {
    const service = this.#obtain(key);
    const name = `${instanceId} ${clientId}`;
    const claim = service.claims.get(name);
    assert(claim !== undefined, `${name} is there to be damaged`);
    this.#delete(service, name, claim);
  }

  // Both -------------------------------------------------------------------------------------------------------------

  #texts(includes: (claim: ClaimRecord) => boolean): string[] {
    return [...this.#services]
      .flatMap(([keyText, { claims }]) =>
        [...claims].filter(([, claim]) => includes(claim)).map(([name, claim]) => describe(keyText, name, claim)),
      )
      .toSorted();
  }

  #change(key: ServiceKey, id: string, clientId: string, news: Pick<ClaimRecord, "removed" | "instance">): void {
    const keyText = textFromServiceKey(key);
    const name = `${id} ${clientId}`;
    const counter = this.version.counter + 1;
    this.version = { epoch: this.version.epoch, counter };
    this.#put(key, {
      instanceId: id,
      clientId,
      version: { incarnation: this.version.epoch, counter },
      presumed: false,
      unhealthy: false,
      session: "session-1#1",
      leaseMs: 0,
      ...news,
    });
    this.#log.push({ counter, keyText, name });
    if (this.#log.length > this.#logMax) this.#logStart = this.#log.shift()!.counter;
    this.changed();
  }

  #obtain(key: ServiceKey): ModelService {
    const keyText = textFromServiceKey(key);
    const known = this.#services.get(keyText);
    if (known !== undefined) return known;
    const service = { key, claims: new Map<string, ClaimRecord>() };
    this.#services.set(keyText, service);
    return service;
  }

  #put(key: ServiceKey, claim: ClaimRecord): void {
    const service = this.#obtain(key);
    const name = `${claim.instanceId} ${claim.clientId}`;
    const before = service.claims.get(name);
    if (before !== undefined) this.#delete(service, name, before);
    service.claims.set(name, claim);
    if (!claim.removed) this.digest = toggleDigest(this.digest, digestOf(key, claim));
  }

  #delete({ key, claims }: ModelService, name: string, claim: ClaimRecord): void {
    claims.delete(name);
    if (!claim.removed) this.digest = toggleDigest(this.digest, digestOf(key, claim));
  }
}

function digestOf(key: ServiceKey, claim: ClaimRecord): Digest {
  const content = mixDigests(digestOfText(claim.session), digestOfBytes(claim.instance));
  return digestOfRegistration(textFromServiceKey(key), claim, content);
}

function describe(keyText: string, name: string, { version, instance }: ClaimRecord): string {
  return `${keyText} ${name} ${version.incarnation}.${version.counter} ${new TextDecoder().decode(instance)}`;
}
