/**
 * Sessions that are gone. A session's registrations outlive it by the registration lease, so that its clients have time
 * to come back through another one, and go only if meta, asked after that time, still does not know the session.
 */

import { LeaseTable } from "@rollcall/core";

export class Departures {
  readonly #leaseMs: number;
  readonly #members = new Set<string>();
  readonly #seen = new Set<string>();
  readonly #absent = new LeaseTable<string>();
  /** Those whose time is up, and since when: they go as soon as meta agrees. */
  readonly #overdue = new Map<string, number>();
  /** Those that are gone for good, for as long as meta still tells of them: being told of them again is no news. */
  #gone = new Set<string>();

  /** @param leaseMs how long the registrations of a departed session stay, in milliseconds */
  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  /** A session has linked up, or something is registered through it: it may leave registrations behind. */
  seen(session: string, now: number): void {
    this.#seen.add(session);
    if (!this.#members.has(session)) this.#startWaiting(session, now);
  }

  /** Meta's present list of sessions, and of those that went not long ago. */
  adopt(sessions: Iterable<string>, departed: Iterable<string>, now: number): void {
    this.#members.clear();
    for (const session of sessions) {
      this.#members.add(session);
      this.#absent.revoke(session);
      this.#overdue.delete(session);
    }
    const told = new Set(departed);
    this.#gone = new Set([...this.#gone].filter((session) => told.has(session)));
    for (const session of told) if (!this.#gone.has(session)) this.#seen.add(session);
    for (const session of this.#seen) if (!this.#members.has(session)) this.#startWaiting(session, now);
  }

  /** Begins all waiting anew: for a time during which this node itself stood still counts for nothing. */
  restart(now: number): void {
    for (const session of this.absent()) this.#absent.renew(session, now + this.#leaseMs);
    this.#overdue.clear();
  }

  /** Sessions that are away and may come back with all they hold. */
  absent(): string[] {
    return [...this.#absent.holders(), ...this.#overdue.keys()];
  }

  /**
   * Takes out and returns the sessions that are gone for good.
   * @param agreedAt until when, by this node's clock, it is known what meta's list is
   */
  expire(now: number, agreedAt: number): string[] {
    for (const session of this.#absent.expire(now)) this.#overdue.set(session, now);
    const gone = [...this.#overdue].filter(([, since]) => since <= agreedAt).map(([session]) => session);
    for (const session of gone) {
      this.#overdue.delete(session);
      this.#seen.delete(session);
      this.#gone.add(session);
    }
    return gone;
  }

  #startWaiting(session: string, now: number): void {
    if (!this.#absent.has(session) && !this.#overdue.has(session)) this.#absent.renew(session, now + this.#leaseMs);
  }
}
