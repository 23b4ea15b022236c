/**
 * Finds out with the sessions whether what is here is what they hold: they are the truth about it. A new leader does so
 * for each slot before it leads, and afterwards one digest now and then shows that nothing was lost. Where two sides
 * differ they go down from the slot to its services; what this node lacks is written to it again, and what it has
 * without the session's knowing ends, though only as a conclusion, which the session can take back.
 */

import {
  EMPTY_DIGEST,
  digestOfText,
  isNewer,
  mixDigests,
  sameDigest,
  slotOfServiceKey,
  slotOfText,
  textFromServiceKey,
  toggleDigest,
  type Digest,
  type LinkRequest,
  type RollUp,
  type ServiceHoldings,
  type SlotDigest,
  type SlotId,
  type SlotInventory,
  type SlotRef,
  type SlotReport,
} from "@rollcall/core";

import type { Claim } from "../datums/claim.ts";
import type { DatumStore } from "../datums/datum-store.ts";
import type { SessionPeer } from "../notify/session-peer.ts";
import type { OwnershipChange, SlotOwnership } from "../slots/ownership.ts";

/** What comes of a session's word. */
export interface Reconciled {
  readonly changes: readonly OwnershipChange[];
  /** Claims that the session does not hold, though it was taken to. */
  readonly unheld: readonly Claim[];
}

/** Time between two comparisons with an idle session, in milliseconds. */
export const ANTI_ENTROPY_MS = 10_000;

export class Reconciler {
  readonly #datums: DatumStore;
  readonly #ownership: SlotOwnership;
  readonly #tableIsOld: () => void;
  /** Since when a session has not agreed with this node, by slot and session. */
  readonly #disputes = new Map<SlotId, Map<string, number>>();
  /** Reports that came before the slot table they are about, the newest of each session and slot. */
  #early = new Map<string, { readonly peer: SessionPeer; readonly report: SlotReport }>();
  #repairs = 0;

  /** @param tableIsOld called when a session knows of a newer slot table than this node */
  constructor(datums: DatumStore, ownership: SlotOwnership, tableIsOld: () => void) {
    this.#datums = datums;
    this.#ownership = ownership;
    this.#tableIsOld = tableIsOld;
  }

  /** Services in which something had to be repaired. */
  get repairs(): number {
    return this.#repairs;
  }

  receive(peer: SessionPeer, request: LinkRequest, now: number): Reconciled {
    const changes = request.reports.flatMap((report) => this.#report(peer, report, now));
    for (const inventory of request.inventories) this.#compare(peer, inventory);
    const unheld = request.holdings.flatMap((holdings) => this.#unheld(peer, holdings));
    if (request.registrations !== undefined) this.#compareAll(peer, request.registrations);
    this.#askAgain(peer, request.copies);
    return { changes, unheld };
  }

  /** The table is new: takes up the reports that came before it. */
  replay(now: number): OwnershipChange[] {
    const early = [...this.#early.values()];
    this.#early.clear();
    return early.flatMap(({ peer, report }) => this.#report(peer, report, now));
  }

  #report(peer: SessionPeer, report: SlotReport, now: number): OwnershipChange[] {
    const { slot, leaderEpoch, digest, seen } = report;
    if (!this.#isLedAt(report)) {
      if (this.#ownership.isAhead(report)) {
        this.#early.set(`${peer.session} ${slot}`, { peer, report });
        this.#tableIsOld();
      }
      return [];
    }
    const content = this.#datums.open(slot);
    if (!sameDigest(content.digestOfSession(peer.session), digest)) {
      this.#dispute(slot, peer.session, now);
      peer.disagreed({ slot, leaderEpoch });
      return [];
    }
    this.#disputes.get(slot)?.delete(peer.session);
    peer.agreed(report);
    const isBehind = seen.epoch < leaderEpoch && isNewer(seen, content.basis);
    return this.#ownership.agreed(peer.session, report, isBehind, now);
  }

  #compare(peer: SessionPeer, { slot, leaderEpoch, services }: SlotInventory): void {
    if (!this.#isLedAt({ slot, leaderEpoch })) return;
    const keys = this.#datums.open(slot).differences(peer.session, services);
    this.#repairs += keys.length;
    peer.differs({ slot, leaderEpoch, keys });
  }

  #unheld(peer: SessionPeer, holdings: ServiceHoldings): Claim[] {
    const slot = slotOfServiceKey(holdings.key);
    // What has been written since may be missing in the list and is held all the same.
    if (!this.#isLedAt({ slot, leaderEpoch: holdings.leaderEpoch }) || peer.lastWrite > holdings.afterWrite) return [];
    return this.#datums.open(slot).unlisted(peer.session, holdings);
  }

  /** Whether a session's sum over all that it holds here is ours. By another table it is about other slots. */
  #compareAll(peer: SessionPeer, { tableEpoch, digest }: RollUp): void {
    if (tableEpoch !== this.#ownership.tableEpoch) return;
    let sum = EMPTY_DIGEST;
    for (const ref of this.#ownership.led())
      sum = toggleDigest(sum, mixDigests(identityOf(ref), this.#datums.open(ref.slot).digestOfSession(peer.session)));
    if (!sameDigest(sum, digest)) peer.askReports();
    // A report that was late may have begun a dispute over something that was settled long before.
    else for (const disputes of this.#disputes.values()) disputes.delete(peer.session);
  }

  /** What the session was notified of, as one digest; undefined while something is on its way. */
  copiesOf(peer: SessionPeer): RollUp | undefined {
    if (!peer.isSettled) return undefined;
    let digest = EMPTY_DIGEST;
    let count = 0;
    for (const { source, held } of peer.holdings()) {
      digest = toggleDigest(digest, mixDigests(digestOfText(textFromServiceKey(source)), held.digest));
      count++;
    }
    // Somebody still waits for a slot that is being taken over.
    if (count !== peer.interestCount) return undefined;
    return { tableEpoch: this.#ownership.tableEpoch, digest };
  }

  /** Slots in which the session's copies are not what it was notified of. */
  #askAgain(peer: SessionPeer, copies: readonly SlotDigest[]): void {
    if (copies.length === 0 || !peer.isSettled) return;
    const here = new Map<SlotId, Digest>();
    for (const { source, held } of peer.holdings()) {
      const keyText = textFromServiceKey(source);
      const slot = slotOfText(keyText);
      here.set(slot, toggleDigest(here.get(slot) ?? EMPTY_DIGEST, mixDigests(digestOfText(keyText), held.digest)));
    }
    const said = new Map(copies.map(({ slot, digest }) => [slot, digest]));
    for (const slot of new Set([...here.keys(), ...said.keys()]))
      if (!sameDigest(here.get(slot) ?? EMPTY_DIGEST, said.get(slot) ?? EMPTY_DIGEST)) peer.askAgain(slot);
  }

  #dispute(slot: SlotId, session: string, now: number): void {
    const disputes = this.#disputes.get(slot) ?? new Map<string, number>();
    this.#disputes.set(slot, disputes);
    if (!disputes.has(session)) disputes.set(session, now);
  }

  /** Sessions with which this node has not agreed for `patienceMs` about something that it still leads. */
  problems(now: number, patienceMs: number): string[] {
    const sessions = new Set<string>();
    for (const [slot, disputes] of this.#disputes) {
      if (!this.#ownership.leads(slot)) this.#disputes.delete(slot);
      else for (const [session, since] of disputes) if (now - since >= patienceMs) sessions.add(session);
    }
    return [...sessions].map((session) => `the sync with session ${session} fails`);
  }

  /** A session that is gone, or links anew, has nothing to dispute. */
  forget(session: string): void {
    for (const key of this.#early.keys()) if (key.startsWith(`${session} `)) this.#early.delete(key);
    for (const disputes of this.#disputes.values()) disputes.delete(session);
  }

  #isLedAt({ slot, leaderEpoch }: SlotRef): boolean {
    return this.#ownership.access(slot, leaderEpoch, "write").kind === "accepted";
  }
}

/** A slot under one leader, as part of a sum. */
export function identityOf({ slot, leaderEpoch }: SlotRef): Digest {
  return { high: slot, low: leaderEpoch };
}
