/**
 * All registrations of one service, merged into its datum. Merging is commutative and idempotent: whichever way writes
 * arrive, and however often, the newest stamp of each registration decides, so replays and late duplicates are harmless.
 *
 * A registration is identified by its instance and its client. Two clients that claim one instance id both stay
 * registered and the newer claim is shown; when it goes, the other one shows again.
 */

import {
  Datum,
  compareRegistrationVersions,
  isNewerStamp,
  type RegistrationStamp,
  type RegistrationVersion,
  type ServiceKey,
  type SlotId,
  type Version,
  type Write,
} from "@rollcall/core";

/** One client's word on one instance: that it is there, or, as a tombstone, that it is gone. */
export interface Claim {
  readonly service: RegisteredService;
  readonly instanceId: string;
  readonly clientId: string;
  version: RegistrationVersion;
  removed: boolean;
  /** The end was concluded from its holder's absence. Should the holder come back, its word at the same version counts. */
  presumed: boolean;
  bytes: Uint8Array;
  /** Member key of the session that holds it. */
  session: string;
  /** 0 for a connection registration. */
  leaseMs: number;
}

export type MergeOutcome =
  /** The claim is as the write says: now, if that is news, or already before. */
  | { readonly kind: "merged"; readonly claim: Claim; readonly isNews: boolean }
  /** A newer version is known. */
  | { readonly kind: "superseded"; readonly by: RegistrationVersion };

export class RegisteredService {
  readonly key: ServiceKey;
  readonly keyText: string;
  readonly slot: SlotId;
  readonly datum: Datum;
  /** By instance id. Nearly always one claim each. */
  readonly #claims = new Map<string, Claim[]>();

  constructor(key: ServiceKey, keyText: string, slot: SlotId, version: Version) {
    this.key = key;
    this.keyText = keyText;
    this.slot = slot;
    this.datum = new Datum(key, version);
  }

  get isEmpty(): boolean {
    return this.#claims.size === 0;
  }

  *claims(): IterableIterator<Claim> {
    for (const claims of this.#claims.values()) yield* claims;
  }

  find(instanceId: string, clientId: string): Claim | undefined {
    return this.#claims.get(instanceId)?.find((claim) => claim.clientId === clientId);
  }

  /** Takes in a register or an unregister. The datum moves to `version` if what it shows changes. */
  merge(write: Write, session: string, version: Version): MergeOutcome {
    const removed = write.kind === "unregister";
    const known = this.find(write.instanceId, write.clientId);
    if (known !== undefined && isNewerStamp(stampOf(known), { version: write.version, removed }))
      return { kind: "superseded", by: known.version };
    const claim = known ?? this.#add(write, session);
    // The same word from another session: its client has moved there, and that session answers for it from now on.
    claim.session = session;
    const isNews =
      known === undefined || claim.presumed || isNewerStamp({ version: write.version, removed }, stampOf(claim));
    if (!isNews) return { kind: "merged", claim, isNews };
    claim.version = write.version;
    claim.removed = removed;
    claim.presumed = false;
    claim.bytes = removed ? NO_BYTES : write.instance;
    claim.leaseMs = write.leaseMs;
    this.#show(claim.instanceId, version);
    return { kind: "merged", claim, isNews };
  }

  /**
   * Ends a claim: a tombstone at its own version, so that the very claim cannot come back late. Unless it is `presumed`,
   * because its holder has not been heard of: if that comes back, so does the claim.
   */
  end(claim: Claim, version: Version, presumed: boolean): void {
    claim.removed = true;
    claim.presumed = presumed;
    claim.bytes = NO_BYTES;
    this.#show(claim.instanceId, version);
  }

  /** Drops a tombstone that has outlived every message that could be late. */
  forget(claim: Claim): void {
    const others = this.#claims.get(claim.instanceId)?.filter((other) => other !== claim) ?? [];
    if (others.length === 0) this.#claims.delete(claim.instanceId);
    else this.#claims.set(claim.instanceId, others);
  }

  #add(write: Write, session: string): Claim {
    const claim: Claim = {
      service: this,
      instanceId: write.instanceId,
      clientId: write.clientId,
      version: write.version,
      removed: true,
      presumed: false,
      bytes: NO_BYTES,
      session,
      leaseMs: write.leaseMs,
    };
    const others = this.#claims.get(write.instanceId);
    if (others === undefined) this.#claims.set(write.instanceId, [claim]);
    else others.push(claim);
    return claim;
  }

  #show(instanceId: string, version: Version): void {
    const shown = this.#claims
      .get(instanceId)!
      .filter(({ removed }) => !removed)
      .reduce<Claim | undefined>(
        (best, claim) => (best === undefined || outranks(claim, best) ? claim : best),
        undefined,
      );
    if (shown === undefined) this.datum.remove(instanceId, version);
    else this.datum.put({ id: instanceId, bytes: shown.bytes }, version);
  }
}

const NO_BYTES = new Uint8Array(0);

/** Where the claim stands in the order of words: what is only presumed stands where the claim itself did. */
function stampOf({ version, removed, presumed }: Claim): RegistrationStamp {
  return { version, removed: removed && !presumed };
}

/** A total order of claims, the same on every node: by version, then by client. */
function outranks(a: Claim, b: Claim): boolean {
  const order = compareRegistrationVersions(a.version, b.version);
  return order > 0 || (order === 0 && a.clientId > b.clientId);
}
