/** Ends claims whose lease has lapsed, as far as the guard lets it, and tells operators what the guard makes of it. */

import type { Log } from "@rollcall/core";

import type { ClaimClocks } from "./claim-clocks.ts";
import type { Claim } from "./claim.ts";

export class LeaseExpiry {
  readonly #clocks: ClaimClocks;
  readonly #log: Log;

  constructor(clocks: ClaimClocks, log: Log) {
    this.#clocks = clocks;
    this.#log = log;
  }

  /** Leases that run here. */
  get count(): number {
    return this.#clocks.leases;
  }

  /** Of these, those that have lapsed and that the guard keeps listed. */
  get held(): number {
    return this.#clocks.overdue;
  }

  /** How often the guard has begun to hold. */
  get episodes(): number {
    return this.#clocks.guard.episodes;
  }

  /** Takes out the claims that are to end now. */
  expire(now: number): Claim[] {
    const { guard } = this.#clocks;
    const before = guard.state;
    const ended = this.#clocks.expireLeases(now);
    if (guard.state !== before) this.#tell();
    return ended;
  }

  #tell(): void {
    const fields = { held: this.held, leases: this.count };
    switch (this.#clocks.guard.state) {
      case "holding":
        this.#log.warn("too many leases lapse at once to be believed; they stay listed", fields);
        break;
      case "letting go":
        this.#log.warn("leases are renewed as usual again; those that are not go, a few at a time", fields);
        break;
      case "calm":
        this.#log.info("no lapsed lease is held any more", fields);
        break;
    }
  }
}
