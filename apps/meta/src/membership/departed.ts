/**
 * Sessions that went not long ago. Their clients are on the way to other sessions, so that a data node that takes a slot
 * over waits for what these sessions had, although they are no members any more.
 */

import { LeaseTable, memberKey, type Member } from "@rollcall/core";

/** How long a session is remembered, in milliseconds: longer than the lease of a registration, which is 15 s. */
export const DEPARTED_MS = 20_000;

/** Lives remembered at most: more than go in that time unless sessions start over and over again. */
export const DEPARTED_MAX = 1_000;

export class Departed {
  /** By member key, the first gone first. */
  readonly #members = new Map<string, Member>();
  readonly #remembered = new LeaseTable<string>();

  /** @param known as last stored; remembered for the whole time from `now`, for nobody knows how long meta was down */
  constructor(known: readonly Member[], now: number) {
    for (const member of known) this.add(member, now);
  }

  list(): readonly Member[] {
    return [...this.#members.values()];
  }

  add({ nodeId, incarnation, role, address }: Member, now: number): void {
    if (role !== "session") return;
    const member = { nodeId, incarnation, role, address };
    const key = memberKey(member);
    this.#members.set(key, member);
    this.#remembered.renew(key, now + DEPARTED_MS);
    if (this.#members.size > DEPARTED_MAX) this.#forget(this.#members.keys().next().value!);
  }

  /** That life of the node is a member again. */
  back(member: Member): void {
    this.#forget(memberKey(member));
  }

  /** Forgets those whose time is over; true when there were any. */
  expire(now: number): boolean {
    const over = this.#remembered.expire(now);
    for (const key of over) this.#members.delete(key);
    return over.length > 0;
  }

  #forget(key: string): void {
    this.#members.delete(key);
    this.#remembered.revoke(key);
  }
}
