/**
 * Who follows how many slots, and of whose. A node that follows many slots of one leader would get all of these when that
 * leader dies, so both count as load: how much a node follows, and how much of it is of one leader. To move a follow to
 * where there is less load makes the sum of the squares of both smaller, which is why it ends.
 */

export class FollowLoad {
  readonly #follows = new Map<string, number>();
  /** By leader, then by follower. */
  readonly #pairs = new Map<string, Map<string, number>>();

  follows(nodeId: string): number {
    return this.#follows.get(nodeId) ?? 0;
  }

  /** Slots led by `leader` that `follower` follows. */
  pairs(leader: string, follower: string): number {
    return this.#pairs.get(leader)?.get(follower) ?? 0;
  }

  /** What counts when a follower of `leader` is to be found, or dropped. */
  of(leader: string, follower: string): number {
    return this.follows(follower) + this.pairs(leader, follower);
  }

  add(leader: string | undefined, follower: string, by: 1 | -1): void {
    this.#follows.set(follower, this.follows(follower) + by);
    if (leader === undefined) return;
    const followers = this.#pairs.get(leader) ?? new Map<string, number>();
    this.#pairs.set(leader, followers.set(follower, this.pairs(leader, follower) + by));
  }
}
