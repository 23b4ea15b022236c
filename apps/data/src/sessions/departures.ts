/**
 * Sessions that are gone. A session's registrations outlive it by the registration lease, so that its clients have time
 * to come back through another one, and go only while meta agrees that the session is gone.
 */

import { LeaseTable } from "@rollcall/core";

export class Departures {
  readonly #leaseMs: number;
  readonly #members = new Set<string>();
  readonly #seen = new Set<string>();
  readonly #absent = new LeaseTable<string>();

  /** @param leaseMs how long the registrations of a departed session stay, in milliseconds */
  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  /** A session has linked up, and may leave registrations behind. */
  seen(session: string, now: number): void {
    this.#seen.add(session);
    if (!this.#members.has(session)) this.#startWaiting(session, now);
  }

  /** Meta's present list of sessions. */
  adopt(sessions: Iterable<string>, now: number): void {
    this.#members.clear();
    for (const session of sessions) {
      this.#members.add(session);
      this.#absent.revoke(session);
    }
    for (const session of this.#seen) if (!this.#members.has(session)) this.#startWaiting(session, now);
  }

  /** Begins all waiting anew: for a time during which this node itself stood still counts for nothing. */
  restart(now: number): void {
    for (const session of this.#absent.holders()) this.#absent.renew(session, now + this.#leaseMs);
  }

  /** Sessions that are away and may come back with all they hold. */
  absent(): IterableIterator<string> {
    return this.#absent.holders();
  }

  /** Takes out and returns the sessions whose time is up. */
  expire(now: number): string[] {
    const departed = this.#absent.expire(now);
    for (const session of departed) this.#seen.delete(session);
    return departed;
  }

  #startWaiting(session: string, now: number): void {
    if (!this.#absent.has(session)) this.#absent.renew(session, now + this.#leaseMs);
  }
}
