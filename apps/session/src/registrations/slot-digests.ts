/**
 * What this session holds of each slot, as a digest for the slot's leader to compare with: over the registrations that
 * live with a connection, kept up with every change, so that two nodes find out in a glance whether they agree. Leases
 * and removals are not in it: the leader keeps those, and is told of them when it is new.
 */

import {
  SLOT_COUNT,
  digestOfBytes,
  digestOfRegistration,
  textFromServiceKey,
  toggleDigest,
  type Digest,
  type IdRange,
  type RegistrationRef,
  type ServiceDigest,
  type ServiceKey,
  type SlotId,
} from "@rollcall/core";

import type { Registration } from "./registration.ts";

/** Registrations named in one range: few enough that a range fits into a message with others. */
export const RANGE_SIZE = 1_000;

export class SlotDigests {
  readonly #high = new Uint32Array(SLOT_COUNT);
  readonly #low = new Uint32Array(SLOT_COUNT);

  of(slot: SlotId): Digest {
    return { high: this.#high[slot]!, low: this.#low[slot]! };
  }

  /** The registration has another state, or is new. Its digest is computed here and nowhere else. */
  changed(registration: Registration): void {
    const { slot, digest } = registration;
    if (digest !== undefined) this.#toggle(slot, digest);
    registration.digest = registration.livesWithConnection ? digestOf(registration) : undefined;
    if (registration.digest !== undefined) this.#toggle(slot, registration.digest);
  }

  dropped(registration: Registration): void {
    if (registration.digest !== undefined) this.#toggle(registration.slot, registration.digest);
    registration.digest = undefined;
  }

  #toggle(slot: SlotId, digest: Digest): void {
    this.#high[slot]! ^= digest.high;
    this.#low[slot]! ^= digest.low;
  }
}

/** By which two holders compare it. */
export function digestOf({ key, instanceId, clientId, version, instance }: Registration): Digest {
  return digestOfRegistration(textFromServiceKey(key), { instanceId, clientId, version }, digestOfBytes(instance));
}

/** The services of these registrations that have one with a connection, each with its digest. */
export function inventoryOf(registrations: Iterable<Registration>): ServiceDigest[] {
  const services = new Map<string, { key: ServiceKey; digest: Digest }>();
  for (const { key, digest } of registrations) {
    if (digest === undefined) continue;
    const keyText = textFromServiceKey(key);
    const service = services.get(keyText);
    if (service === undefined) services.set(keyText, { key, digest });
    else service.digest = toggleDigest(service.digest, digest);
  }
  return [...services.values()];
}

/** What is held within a range of instance ids. */
export interface HeldRange extends IdRange {
  readonly held: readonly RegistrationRef[];
}

/**
 * Names those of these registrations that live with a connection and have an id after `after`, in ranges without a gap
 * between them; at most so many of them. The range that reaches the end has no upper bound, and is there even if empty.
 */
export function rangesOf(registrations: Iterable<Registration>, after: string, rangesMax: number): HeldRange[] {
  const refs: RegistrationRef[] = [];
  for (const { instanceId, clientId, digest } of registrations)
    if (digest !== undefined && instanceId > after) refs.push({ instanceId, clientId });
  refs.sort((a, b) => (a.instanceId < b.instanceId ? -1 : Number(a.instanceId > b.instanceId)));
  const ranges: HeldRange[] = [];
  let from = 0;
  let lower = after;
  do {
    const end = endOfRange(refs, from);
    const upTo = end === refs.length ? "" : refs[end - 1]!.instanceId;
    ranges.push({ after: lower, upTo, held: refs.slice(from, end) });
    from = end;
    lower = upTo;
  } while (from < refs.length && ranges.length < rangesMax);
  return ranges;
}

/** Clients that have registered the same instance are in one range. */
function endOfRange(refs: readonly RegistrationRef[], from: number): number {
  let end = Math.min(from + RANGE_SIZE, refs.length);
  while (end > from && end < refs.length && refs[end]!.instanceId === refs[end - 1]!.instanceId) end++;
  return end;
}
