/**
 * Who is in the cluster. A node joins with its hello, stays while its heartbeats renew its lease, and goes when it says
 * so or when the lease ends. Each life of a node gets an incarnation higher than any given before.
 */

import { LeaseTable, type Member, type NodeHello } from "@rollcall/core";

/** A member and what tells its lives apart. */
export interface KnownMember extends Member {
  readonly startId: string;
}

export interface Joined {
  readonly member: KnownMember;
  /**
   * `same`: a reconnect. `described`: a reconnect after which more is known of the node than the meta before understood.
   * `new`: a node that was not a member. `back`: the life it was, whose lease had ended. `restarted`: a member in a new life.
   */
  readonly as: "same" | "described" | "new" | "back" | "restarted";
  /** The life that ends with this one, if it was a member. */
  readonly replaced: KnownMember | undefined;
}

export class Members {
  readonly #leaseMs: number;
  readonly #members = new Map<string, KnownMember>();
  readonly #leases = new LeaseTable<string>();
  /** By node id: those that were told to stop, and have not left yet. */
  readonly #stopping = new Set<string>();
  #lastIncarnation: number;

  /** @param known members as last stored; each gets a whole lease from `now`, for nobody could renew while meta was down */
  constructor(
    options: { readonly leaseMs: number },
    known: { readonly members: readonly KnownMember[]; readonly lastIncarnation: number },
    now: number,
  ) {
    this.#leaseMs = options.leaseMs;
    this.#lastIncarnation = known.lastIncarnation;
    for (const member of known.members) this.#members.set(member.nodeId, member);
    this.renewAll(now);
  }

  get lastIncarnation(): number {
    return this.#lastIncarnation;
  }

  list(): KnownMember[] {
    return [...this.#members.values()];
  }

  join(hello: NodeHello, now: number): Joined {
    const before = this.#members.get(hello.nodeId);
    this.#leases.renew(hello.nodeId, now + this.#leaseMs);
    if (before !== undefined && before.startId === hello.startId && before.address === hello.address) {
      const { zone, software } = hello;
      if ((before.zone ?? "") === zone && (before.software ?? "") === software)
        return { member: before, as: "same", replaced: undefined };
      const member = { ...before, zone, software };
      this.#members.set(hello.nodeId, member);
      return { member, as: "described", replaced: undefined };
    }
    // A life that was given an incarnation keeps it, also when its lease has ended in between.
    const incarnation = hello.incarnation > 0 ? hello.incarnation : this.#lastIncarnation + 1;
    this.#lastIncarnation = Math.max(this.#lastIncarnation, incarnation);
    const member: KnownMember = {
      nodeId: hello.nodeId,
      startId: hello.startId,
      role: hello.role,
      address: hello.address,
      incarnation,
      zone: hello.zone,
      software: hello.software,
    };
    this.#members.set(hello.nodeId, member);
    this.#stopping.delete(hello.nodeId);
    if (before !== undefined) return { member, as: "restarted", replaced: before };
    return { member, as: hello.incarnation > 0 ? "back" : "new", replaced: undefined };
  }

  /** The life of the node that is a member at present. */
  present(nodeId: string): KnownMember | undefined {
    return this.#members.get(nodeId);
  }

  /** Renews the lease of that life of the node; false when it is no member any more and has to join again. */
  renew(member: KnownMember, now: number): boolean {
    if (this.#members.get(member.nodeId)?.incarnation !== member.incarnation) return false;
    this.#leases.renew(member.nodeId, now + this.#leaseMs);
    return true;
  }

  isStopping(nodeId: string): boolean {
    return this.#stopping.has(nodeId);
  }

  /** Takes in whether a member was told to stop; false when it said nothing new. */
  reportStopping(nodeId: string, isStopping: boolean): boolean {
    if (!this.#members.has(nodeId) || this.#stopping.has(nodeId) === isStopping) return false;
    if (isStopping) this.#stopping.add(nodeId);
    else this.#stopping.delete(nodeId);
    return true;
  }

  /** Gives everybody a whole lease from `now`: for times in which nobody could renew, through no fault of theirs. */
  renewAll(now: number): void {
    for (const nodeId of this.#members.keys()) this.#leases.renew(nodeId, now + this.#leaseMs);
  }

  /** True when that life of the node was a member until now. */
  leave(member: KnownMember): boolean {
    if (this.#members.get(member.nodeId)?.incarnation !== member.incarnation) return false;
    this.#leases.revoke(member.nodeId);
    this.#stopping.delete(member.nodeId);
    return this.#members.delete(member.nodeId);
  }

  /** Takes out and returns the members whose lease has ended. */
  expire(now: number): KnownMember[] {
    return this.#leases.expire(now).flatMap((nodeId) => {
      const member = this.#members.get(nodeId);
      this.#members.delete(nodeId);
      this.#stopping.delete(nodeId);
      return member === undefined ? [] : [member];
    });
  }
}
