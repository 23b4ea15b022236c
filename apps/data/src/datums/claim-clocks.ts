/**
 * The clocks that claims live and are remembered by: leases, which run at the leader of a slot alone, and tombstones. A
 * lease that ran while somebody could not renew it, or while the list was incomplete, counts for nothing.
 */

import { LeaseTable, type SlotId } from "@rollcall/core";

import type { Claim } from "./claim.ts";
import { Tombstones } from "./tombstones.ts";

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
  /** Since when every session could renew the leases of its clients: a lease that ended sooner has not been missed. */
  #wellSince: number;

  constructor(standing: SlotStanding, now: number) {
    this.#standing = standing;
    this.#wellSince = now;
  }

  /** Starts whatever clock the claim lives or is remembered by. */
  tend(claim: Claim, now: number): void {
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
    this.#leases.revoke(claim);
  }

  /** Until now somebody could not renew. */
  interrupted(now: number): void {
    this.#wellSince = now;
  }

  /** Claims that nobody has renewed although everybody could. The others begin a lease anew. */
  expireLeases(now: number): Claim[] {
    const missed: Claim[] = [];
    for (const claim of this.#leases.expire(now)) {
      const wasRenewable = now - this.#wellSince >= claim.leaseMs;
      if (wasRenewable && this.#standing.of(claim.service.slot).kind === "leading") missed.push(claim);
      else this.tend(claim, now);
    }
    return missed;
  }

  /** Claims whose removal need not be remembered any longer. */
  expireTombstones(now: number): Claim[] {
    return this.#tombstones.expire(now);
  }
}
