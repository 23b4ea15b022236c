/**
 * Leases: the right to be listed until a time. One table holds any number of them without a timer each: leases lie in
 * buckets by the coarse time at which they may expire, a renewal only rewrites a number, and a sweep opens due buckets.
 */

/** Width of a bucket in milliseconds; a lease is noticed as expired at most this much late, plus the sweep's interval. */
const BUCKET_MS = 250;

export class LeaseTable<Holder> {
  #expiresAt = new Map<Holder, number>();
  /** A holder lies in the bucket of its expiry or an earlier one: it is moved on when that bucket is opened. */
  #buckets = new Map<number, Set<Holder>>();

  get size(): number {
    return this.#expiresAt.size;
  }

  holders(): IterableIterator<Holder> {
    return this.#expiresAt.keys();
  }

  /** Everyone, and until when they may stay. */
  entries(): IterableIterator<[Holder, number]> {
    return this.#expiresAt.entries();
  }

  has(holder: Holder): boolean {
    return this.#expiresAt.has(holder);
  }

  /** Grants or renews: `holder` may stay until `expiresAt` (clock milliseconds). */
  renew(holder: Holder, expiresAt: number): void {
    const before = this.#expiresAt.get(holder);
    this.#expiresAt.set(holder, expiresAt);
    if (before === undefined || expiresAt < before) this.#place(holder, expiresAt);
  }

  revoke(holder: Holder): void {
    this.#expiresAt.delete(holder);
  }

  /** Takes out and returns everyone whose lease has ended at `now`. */
  expire(now: number): Holder[] {
    const expired: Holder[] = [];
    for (const bucket of [...this.#buckets.keys()].filter((start) => start <= bucketOf(now))) {
      const holders = this.#buckets.get(bucket)!;
      this.#buckets.delete(bucket);
      for (const holder of holders) {
        const expiresAt = this.#expiresAt.get(holder);
        if (expiresAt === undefined) continue;
        if (expiresAt > now) this.#place(holder, expiresAt);
        else {
          this.#expiresAt.delete(holder);
          expired.push(holder);
        }
      }
    }
    return expired;
  }

  #place(holder: Holder, expiresAt: number): void {
    const bucket = bucketOf(expiresAt);
    const holders = this.#buckets.get(bucket);
    if (holders === undefined) this.#buckets.set(bucket, new Set([holder]));
    else holders.add(holder);
  }
}

function bucketOf(time: number): number {
  return Math.floor(time / BUCKET_MS);
}
