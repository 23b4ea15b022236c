/**
 * All claims on one service, merged into its datum. Merging is commutative and idempotent: whichever way writes arrive,
 * and however often, the newest stamp of each registration decides, so replays and late duplicates are harmless.
 *
 * A registration is identified by its instance and its client. Two clients that claim one instance id both stay
 * registered and the newer claim is shown; when it goes, the other one shows again.
 */

import {
  Datum,
  compareVersions,
  digestOfBytes,
  isNewerStamp,
  sameDigest,
  type ByteStore,
  type ClaimRecord,
  type IdRange,
  type NewestChange,
  type RegistrationVersion,
  type ServiceKey,
  type SlotId,
  type StoredInstance,
  type Version,
  type Write,
} from "@rollcall/core";

import { Claim, NO_BYTES, outranks, stampOf, stateOfRecord, type ClaimState } from "./claim.ts";
import type { Names } from "./names.ts";

export type MergeOutcome =
  /** The claim is as the write says: now, if that is news, or already before. */
  | { readonly kind: "merged"; readonly claim: Claim; readonly isNews: boolean }
  /** A newer version is known. */
  | { readonly kind: "superseded"; readonly by: RegistrationVersion };

/** How claims are shown to consumers. */
export interface Showing {
  /** What is shown of a claim that lives: itself, something else in its place, or nothing. */
  of(claim: Claim): StoredInstance | undefined;
}

/** As they were registered. */
export const AS_REGISTERED: Showing = { of: (claim) => claim };

/** Whoever sums up the claims of a slot. Hears of every change, and gives changes their versions. */
export interface ClaimLedger {
  /** Where the bytes of claims are kept. */
  readonly bytes: ByteStore;
  /** Of clients and sessions. */
  readonly names: Names;
  readonly showing: Showing;
  /** The version of a change that this node makes itself. */
  next(): Version;
  /** The claim is as it is no longer: it changes, or goes. */
  left(claim: Claim): void;
  /** The claim is as it is from now on. */
  entered(claim: Claim, version: Version): void;
  /** The claim is gone without a trace. */
  discarded(claim: Claim): void;
}

export class RegisteredService {
  readonly key: ServiceKey;
  readonly keyText: string;
  readonly slot: SlotId;
  readonly datum: Datum;
  /** The newest change that this node made as the leader. */
  newest: NewestChange | undefined;
  readonly #ledger: ClaimLedger;
  /**
   * By instance id, where the first claim is not shown as it is: nearly always one each, and further ones behind it. A
   * claim that is shown is found in the datum, with the others behind it, for a second index of everything would cost what
   * an index costs.
   */
  readonly #hidden = new Map<string, Claim>();

  constructor(key: ServiceKey, keyText: string, slot: SlotId, version: Version, ledger: ClaimLedger) {
    this.key = key;
    this.keyText = keyText;
    this.slot = slot;
    this.datum = new Datum(key, version);
    this.#ledger = ledger;
  }

  get isEmpty(): boolean {
    return this.datum.size === 0 && this.#hidden.size === 0;
  }

  /** Where the bytes of its claims are kept. */
  get store(): ByteStore {
    return this.#ledger.bytes;
  }

  /** All of them. None may change meanwhile. */
  *claims(): IterableIterator<Claim> {
    for (const id of this.#instanceIds()) yield* this.#claimsOn(id);
  }

  /** Claims on instances of a range, in the order of the ids. */
  claimsIn({ after, upTo }: IdRange): Claim[] {
    const isIn = (id: string): boolean => id > after && (upTo === "" || id <= upTo);
    const ids = [...this.#instanceIds()].filter(isIn);
    return ids.toSorted().flatMap((id) => [...this.#claimsOn(id)]);
  }

  find(instanceId: string, clientId: string): Claim | undefined {
    return heldBy(clientId, this.#firstOn(instanceId));
  }

  /** Takes in a register or an unregister. */
  merge(write: Omit<Write, "sequence">, session: string): MergeOutcome {
    const { version, leaseMs, heldBack } = write;
    const removed = write.kind === "unregister";
    // What is held back may come at any time: it is removed as what is presumed to be.
    const presumed = removed && heldBack === true;
    const bytes = removed ? NO_BYTES : write.instance;
    const state = { version, removed, presumed, unhealthy: false, bytes, session, leaseMs };
    const first = this.#firstOn(write.instanceId);
    const known = heldBy(write.clientId, first);
    if (known !== undefined && isNewerStamp(stampOf(known), stampOf(state)))
      return { kind: "superseded", by: known.version };
    const isNews = known === undefined || known.presumed !== presumed || isNewerStamp(stampOf(state), stampOf(known));
    if (isNews) {
      // What probes have found out stays until they find something else.
      state.unhealthy = !removed && known?.unhealthy === true;
      return { kind: "merged", claim: this.#put(write, first, state, this.#ledger.next()), isNews };
    }
    // Two sessions number what comes by plain calls each for itself, and may come to one number for two words: whoever is
    // second says it again above the first.
    if (!removed && known.session !== session && !sameDigest(known.digest, digestOfBytes(write.instance)))
      return { kind: "superseded", by: known.version };
    // The same word from another session: its client has moved there, and that session answers for it from now on.
    if (known.session !== session) this.#put(known, first, { ...stateOf(known), session }, this.#ledger.next());
    return { kind: "merged", claim: known, isNews };
  }

  /**
   * Ends a claim: a tombstone at its own version, so that the very claim cannot come back late. Unless it is `presumed`,
   * because its holder has not been heard of: if that comes back, so does the claim.
   */
  end(claim: Claim, presumed: boolean): void {
    const ended = { ...stateOf(claim), removed: true, presumed, unhealthy: false, bytes: NO_BYTES };
    this.#put(claim, this.#firstOn(claim.instanceId), ended, this.#ledger.next());
  }

  /** Marks a live claim, or takes the mark away. */
  judge(claim: Claim, unhealthy: boolean): void {
    this.#put(claim, this.#firstOn(claim.instanceId), { ...stateOf(claim), unhealthy }, this.#ledger.next());
  }

  /** Takes the word of one who decides, the leader or the disk, whatever was known before. */
  take(record: ClaimRecord, version: Version): Claim {
    return this.#put(record, this.#firstOn(record.instanceId), stateOfRecord(record), version);
  }

  /**
   * Shows an instance anew, because it is to be shown otherwise than before. Who leads gives that a version of its own.
   * Gives whether it is a change.
   */
  reshow(instanceId: string, role: { readonly leads: boolean; readonly version: Version }): boolean {
    const claims = [...this.#claimsOn(instanceId)];
    const [first] = claims;
    if (first === undefined || sameShown(this.datum.get(instanceId), this.#shownOf(claims))) return false;
    if (!role.leads) {
      this.#show(instanceId, role.version, () => claims);
      return true;
    }
    const version = this.#ledger.next();
    this.#ledger.left(first);
    this.#show(instanceId, version, () => claims);
    // The claim counts as changed, so that followers come to that version.
    this.#ledger.entered(first, version);
    return true;
  }

  /** Lets go of a claim without a trace: a tombstone that has outlived whatever could be late, or one that never was. */
  discard(claim: Claim, version: Version): void {
    if (this.find(claim.instanceId, claim.clientId) !== claim) return;
    this.#ledger.left(claim);
    this.#show(claim.instanceId, version, () => {
      const others = [...this.#claimsOn(claim.instanceId)];
      others.splice(others.indexOf(claim), 1);
      return others;
    });
    this.#ledger.discarded(claim);
    claim.release();
  }

  /** Gives the memory of all claims back. */
  releaseAll(): void {
    for (const claim of this.claims()) claim.release();
  }

  /** The one place where a claim changes. @param first of the claims that are there on this instance, if any are */
  #put(
    { instanceId, clientId }: Pick<Claim, "instanceId" | "clientId">,
    first: Claim | undefined,
    state: ClaimState,
    version: Version,
  ): Claim {
    const known = heldBy(clientId, first);
    if (known !== undefined) this.#ledger.left(known);
    const { names } = this.#ledger;
    const claim = known ?? new Claim(this, instanceId, names.shared(clientId));
    const session = names.shared(state.session);
    const isOnly = known === undefined ? first === undefined : first === known && known.next === undefined;
    // The id that is kept already: whoever keeps it too keeps no second copy.
    if (isOnly) {
      this.#replace(claim.instanceId, version, () => {
        claim.become(state, session);
        return this.#showOnly(claim);
      });
    } else {
      this.#show(claim.instanceId, version, () => {
        claim.become(state, session);
        const claims = [...this.#claimsOn(instanceId)];
        if (known === undefined) claims.push(claim);
        return claims;
      });
    }
    this.#ledger.entered(claim, version);
    return claim;
  }

  /** What is shown of the only claim on an instance, as nearly all are. */
  #showOnly(claim: Claim): StoredInstance | undefined {
    const shown = claim.removed ? undefined : this.#ledger.showing.of(claim);
    if (shown !== claim) this.#hidden.set(claim.instanceId, claim);
    else if (this.#hidden.size > 0) this.#hidden.delete(claim.instanceId);
    return shown;
  }

  /** Makes a change to the claims on an instance, which gives what they are then, and shows what is to be shown then. */
  #show(instanceId: string, version: Version, change: () => Claim[]): void {
    this.#replace(instanceId, version, () => {
      const claims = change().toSorted(byRank);
      for (const [index, claim] of claims.entries()) claim.next = claims[index + 1];
      const [first] = claims;
      const shown = this.#shownOf(claims);
      if (first === undefined || shown === first) this.#hidden.delete(instanceId);
      else this.#hidden.set(instanceId, first);
      return shown;
    });
  }

  #replace(instanceId: string, version: Version, next: () => StoredInstance | undefined): void {
    // A repair may bring an old change: for those who follow the datum it happens now.
    const at = compareVersions(version, this.datum.version) < 0 ? this.datum.version : version;
    this.datum.replace(instanceId, at, next);
  }

  /** What is shown of claims in the order of their rank: of those that live, the first of which anything is. */
  #shownOf(claims: readonly Claim[]): StoredInstance | undefined {
    for (const claim of claims) {
      if (claim.removed) return undefined;
      const shown = this.#ledger.showing.of(claim);
      if (shown !== undefined) return shown;
    }
    return undefined;
  }

  *#instanceIds(): IterableIterator<string> {
    for (const { id } of this.datum.instances()) if (!this.#hidden.has(id)) yield id;
    yield* this.#hidden.keys();
  }

  *#claimsOn(instanceId: string): IterableIterator<Claim> {
    for (let claim = this.#firstOn(instanceId); claim !== undefined; claim = claim.next) yield claim;
  }

  #firstOn(instanceId: string): Claim | undefined {
    const hidden = this.#hidden.size === 0 ? undefined : this.#hidden.get(instanceId);
    if (hidden !== undefined) return hidden;
    const shown = this.datum.get(instanceId);
    return shown instanceof Claim ? shown : undefined;
  }
}

/** The one of these claims on an instance that is this client's. */
function heldBy(clientId: string, first: Claim | undefined): Claim | undefined {
  let claim = first;
  while (claim !== undefined && claim.clientId !== clientId) claim = claim.next;
  return claim;
}

/** The one to be shown is the first: of those that live, the one that outranks the others. */
function byRank(a: Claim, b: Claim): number {
  if (a.removed !== b.removed) return a.removed ? 1 : -1;
  return outranks(a, b) ? -1 : 1;
}

function sameShown(a: StoredInstance | undefined, b: StoredInstance | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameDigest(a.digest, b.digest);
}

function stateOf({ version, removed, presumed, unhealthy, bytes, session, leaseMs }: ClaimState): ClaimState {
  return { version, removed, presumed, unhealthy, bytes, session, leaseMs };
}
