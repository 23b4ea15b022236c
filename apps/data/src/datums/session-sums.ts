/**
 * What each session holds of a slot, as one digest: kept up with every change, so that two nodes find out in a glance
 * whether they agree. Removals are not in it: they are remembered for a while and then forgotten, by each node alone.
 */

import { EMPTY_DIGEST, digestOfText, mixDigests, sameDigest, toggleDigest, type Digest } from "@rollcall/core";

import { STATIC_HOLDER, type Claim } from "./claim.ts";

const UNHEALTHY = digestOfText("unhealthy");

interface Sum {
  readonly identity: Digest;
  /** Over claims that live with a connection, of which the session knows the truth. */
  connections: Digest;
  /** Over claims that live by a lease, which leaders keep. */
  leases: Digest;
  /** Over claims that are marked unhealthy, once more: the session does not know of marks, but followers do. */
  marks: Digest;
  connected: number;
  leased: number;
}

export class SessionSums {
  readonly #sums = new Map<string, Sum>();

  add(claim: Claim): void {
    this.#toggle(claim, 1);
  }

  remove(claim: Claim): void {
    this.#toggle(claim, -1);
  }

  /** Sessions that hold something with a connection. */
  *sessions(): IterableIterator<string> {
    for (const [session, { connected }] of this.#sums) if (connected > 0 && session !== STATIC_HOLDER) yield session;
  }

  /** Nobody holds anything. */
  get isEmpty(): boolean {
    return this.#sums.size === 0;
  }

  /** Of what a session holds with connections. */
  connectionsOf(session: string): Digest {
    return this.#sums.get(session)?.connections ?? EMPTY_DIGEST;
  }

  /** Of everything: who holds what. */
  get digest(): Digest {
    let digest = EMPTY_DIGEST;
    for (const { identity, connections, leases, marks } of this.#sums.values())
      digest = toggleDigest(digest, mixDigests(identity, toggleDigest(toggleDigest(connections, leases), marks)));
    return digest;
  }

  #toggle(claim: Claim, count: number): void {
    if (claim.removed) return;
    let sum = this.#sums.get(claim.session);
    if (sum === undefined) {
      const identity = digestOfText(claim.session);
      sum = { identity, connections: EMPTY_DIGEST, leases: EMPTY_DIGEST, marks: EMPTY_DIGEST, connected: 0, leased: 0 };
      this.#sums.set(claim.session, sum);
    }
    if (claim.leaseMs > 0) {
      sum.leased += count;
      sum.leases = toggleDigest(sum.leases, claim.registrationDigest);
    } else {
      sum.connected += count;
      sum.connections = toggleDigest(sum.connections, claim.registrationDigest);
    }
    // Not the digest itself, which would take the claim out of the sum of all.
    if (claim.unhealthy) sum.marks = toggleDigest(sum.marks, mixDigests(claim.registrationDigest, UNHEALTHY));
    if (sum.connected + sum.leased === 0) this.#sums.delete(claim.session);
  }
}

/** What a service comes to between leader and follower; undefined when nothing of it lives. */
export function digestOfClaims(claims: Iterable<Claim>): Digest | undefined {
  const sums = new SessionSums();
  for (const claim of claims) sums.add(claim);
  return sums.isEmpty ? undefined : sums.digest;
}

export function differ(a: Digest | undefined, b: Digest | undefined): boolean {
  return a === undefined || b === undefined ? a !== b : !sameDigest(a, b);
}
