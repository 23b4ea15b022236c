/**
 * The clocks that claims live and are remembered by: leases, which run at the leader of a slot alone, and tombstones. A
 * lease that ran while somebody could not renew it, or while the list was incomplete, counts for nothing.
 */

import { LeaseTable, type SlotId } from "@rollcall/core";

import type { Claim } from "./claim.ts";
import { EvictionGuard, LAPSE_WINDOW_MS } from "./eviction-guard.ts";
import { Tombstones } from "./tombstones.ts";

/** A lease of which so little is left, as a share of it, should have been renewed at least once more. */
const LATE_SHARE = 0.4;

/** What this node is to a slot, as far as clocks depend on it. */
export interface SlotStanding {
  /** Whether it leads the slot or is about to. */
  leads(slot: SlotId): boolean;
  of(slot: SlotId): { readonly kind: string };
}

export class ClaimClocks {
  readonly #standing: SlotStanding;
  readonly #leases = new LeaseTable<Claim>();
  readonly #tombstones = new Tombstones();
  readonly guard = new EvictionGuard();
  /** Claims whose lease has ended and that are still listed, the longest overdue first. */
  readonly #overdue = new Set<Claim>();
  /** Since when every session could renew the leases of its clients: a lease that ended sooner has not been missed. */
  #wellSince: number;

  constructor(standing: SlotStanding, now: number) {
    this.#standing = standing;
    this.#wellSince = now;
  }

  get leases(): number {
    return this.#leases.size + this.#overdue.size;
  }

  /** Claims that the guard keeps listed although nobody has renewed them. */
  get overdue(): number {
    return this.#overdue.size;
  }

  /** Starts whatever clock the claim lives or is remembered by. */
  tend(claim: Claim, now: number): void {
    this.#overdue.delete(claim);
    if (claim.removed) {
      this.#leases.revoke(claim);
      this.#tombstones.add(claim, now);
    } else if (claim.leaseMs > 0 && this.#standing.leads(claim.service.slot)) {
      this.#leases.renew(claim, now + claim.leaseMs);
    } else {
      this.#leases.revoke(claim);
    }
  }

  /** The lease does not run here: another leads the slot, or the claim is gone. */
  stopLease(claim: Claim): void {
    this.#overdue.delete(claim);
    this.#leases.revoke(claim);
  }

  /** Until now somebody could not renew. */
  interrupted(now: number): void {
    this.#wellSince = now;
  }

  /**
   * Takes out claims that nobody has renewed although everybody could; the guard decides how many. Leases that could not
   * be renewed begin anew.
   */
  expireLeases(now: number): Claim[] {
    let lapsed = 0;
    for (const claim of this.#leases.expire(now)) {
      const wasRenewable = now - this.#wellSince >= claim.leaseMs;
      if (!wasRenewable || this.#standing.of(claim.service.slot).kind !== "leading") {
        this.tend(claim, now);
        continue;
      }
      this.#overdue.add(claim);
      lapsed++;
    }
    const allowed = this.guard.allow({
      now,
      lapsed,
      overdue: this.#overdue.size,
      leases: this.leases,
      late: () => this.#countLate(now),
      isWell: now - this.#wellSince >= LAPSE_WINDOW_MS,
    });
    const missed: Claim[] = [];
    for (const claim of this.#overdue) {
      if (missed.length === allowed) break;
      this.#overdue.delete(claim);
      missed.push(claim);
    }
    return missed;
  }

  #countLate(now: number): number {
    let late = 0;
    for (const [{ leaseMs }, expiresAt] of this.#leases.entries()) if (expiresAt - now < leaseMs * LATE_SHARE) late++;
    return late;
  }

  /** Claims whose removal need not be remembered any longer. */
  expireTombstones(now: number): Claim[] {
    return this.#tombstones.expire(now);
  }
}
