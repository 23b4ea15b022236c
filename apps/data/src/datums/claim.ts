/**
 * What one client says of one instance: that it is there, or, as a tombstone, that it is gone. There are as many of these
 * as there are registrations, so they are kept small: no object within, and the bytes in a store that they share.
 */

import {
  NOWHERE,
  compareRegistrationVersions,
  digestOfBytes,
  digestOfRegistration,
  type ClaimRecord,
  type Digest,
  type Place,
  type RegistrationStamp,
  type RegistrationVersion,
  type StoredInstance,
} from "@rollcall/core";

import type { RegisteredService } from "./registered-service.ts";

/** What may change about a claim. */
export interface ClaimState {
  readonly version: RegistrationVersion;
  readonly removed: boolean;
  /** The end was concluded from its holder's absence. Should the holder come back, its word at the same version counts. */
  readonly presumed: boolean;
  /** Probes have found that the instance cannot take work. Never so of a removal. */
  readonly unhealthy: boolean;
  /** The encoded instance as it was registered; empty for a removal. */
  readonly bytes: Uint8Array;
  /** Member key of the session that holds it. */
  readonly session: string;
  /** 0 for a connection registration. */
  readonly leaseMs: number;
}

/** Whether it is there, and can take work; and if not, whether somebody said so or it was concluded. */
type Standing = "live" | "unhealthy" | "removed" | "presumed";

/** Changed by its service only, so that everything that sums up claims is told. */
export class Claim implements ClaimState, StoredInstance {
  readonly service: RegisteredService;
  readonly instanceId: string;
  readonly clientId: string;
  session = "";
  leaseMs = 0;
  /** Nobody may look at it any more. */
  isReleased = false;
  /** It is among those of which the warm copy has something to write. */
  isMarked = false;
  /** Which of all removals was its last; of meaning to {@link Tombstones} only. */
  removal = 0;
  /** Another client's claim on the same instance. */
  next: Claim | undefined;
  #standing: Standing = "removed";
  #place: Place = NOWHERE;
  #incarnation = 0;
  #counter = 0;
  // Signed, so that the engine keeps them in the object itself.
  #digestHigh = 0;
  #digestLow = 0;
  #registrationHigh = 0;
  #registrationLow = 0;

  constructor(service: RegisteredService, instanceId: string, clientId: string) {
    this.service = service;
    this.instanceId = instanceId;
    this.clientId = clientId;
  }

  get id(): string {
    return this.instanceId;
  }

  get removed(): boolean {
    return this.#standing === "removed" || this.#standing === "presumed";
  }

  get presumed(): boolean {
    return this.#standing === "presumed";
  }

  get unhealthy(): boolean {
    return this.#standing === "unhealthy";
  }

  get version(): RegistrationVersion {
    return { incarnation: this.#incarnation, counter: this.#counter };
  }

  /** Good until the claim changes. */
  get bytes(): Uint8Array {
    return this.service.store.get(this.#place);
  }

  /** For whoever keeps them longer. */
  copyOfBytes(): Uint8Array {
    return this.service.store.copy(this.#place);
  }

  /** Of the bytes. */
  get digest(): Digest {
    return { high: this.#digestHigh >>> 0, low: this.#digestLow >>> 0 };
  }

  /** As {@link digestOfRegistration}: what two holders compare. Of no meaning for a removal. */
  get registrationDigest(): Digest {
    return { high: this.#registrationHigh >>> 0, low: this.#registrationLow >>> 0 };
  }

  /** Only for its service. @param session as the state has it: the text that claims share */
  become(state: ClaimState, session: string): void {
    // The new bytes may be a view of the old ones' place.
    const { store } = this.service;
    const place = store.put(state.bytes);
    const content = digestOfBytes(state.bytes);
    store.free(this.#place);
    this.#place = place;
    this.#digestHigh = content.high | 0;
    this.#digestLow = content.low | 0;
    this.#incarnation = state.version.incarnation;
    this.#counter = state.version.counter;
    this.#standing = standingOf(state);
    this.session = session;
    this.leaseMs = state.leaseMs;
    if (state.removed) return;
    const { high, low } = digestOfRegistration(this.service.keyText, this, content);
    this.#registrationHigh = high | 0;
    this.#registrationLow = low | 0;
  }

  /** What is kept of it comes to so many bytes, about. */
  get size(): number {
    return (
      this.instanceId.length + this.clientId.length + this.session.length + this.service.store.lengthAt(this.#place)
    );
  }

  /** Gives its memory back. */
  release(): void {
    this.isReleased = true;
    this.service.store.free(this.#place);
    this.#place = NOWHERE;
  }
}

function standingOf({ removed, presumed, unhealthy }: ClaimState): Standing {
  if (!removed) return unhealthy ? "unhealthy" : "live";
  return presumed ? "presumed" : "removed";
}

export const NO_BYTES = new Uint8Array(0);

/** Where the claim stands in the order of words: what is only presumed stands where the claim itself did. */
export function stampOf({ version, removed, presumed }: ClaimState): RegistrationStamp {
  return { version, removed: removed && !presumed };
}

/**
 * Client and session of claims that come from control records. No client and no node has a name with a blank in it.
 */
export const STATIC_HOLDER = "an operator";

/**
 * A total order of claims, the same on every node: by version, then by client. What is registered comes before what was
 * put, for it says itself that it is there; their versions are of different kinds.
 */
export function outranks(a: Claim, b: Claim): boolean {
  if (a.clientId === STATIC_HOLDER || b.clientId === STATIC_HOLDER) return b.clientId === STATIC_HOLDER;
  const order = compareRegistrationVersions(a.version, b.version);
  return order > 0 || (order === 0 && a.clientId > b.clientId);
}

/**
 * The claim as it is now, to be kept or sent whenever.
 * @param instance the claim's bytes as they are, for whoever needs them no longer than they are good
 */
export function recordOfClaim(claim: Claim, instance = claim.copyOfBytes()): ClaimRecord {
  return {
    instanceId: claim.instanceId,
    clientId: claim.clientId,
    version: claim.version,
    removed: claim.removed,
    presumed: claim.presumed,
    unhealthy: claim.unhealthy,
    instance,
    session: claim.session,
    leaseMs: claim.leaseMs,
  };
}

export function stateOfRecord(record: ClaimRecord): ClaimState {
  const { version, removed, presumed, unhealthy, instance, session, leaseMs } = record;
  return { version, removed, presumed, unhealthy, bytes: instance, session, leaseMs };
}
