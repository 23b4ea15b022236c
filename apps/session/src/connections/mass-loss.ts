/**
 * Tells many connections that break at once from clients that die. Programs end one at a time, or some few with their
 * host; when a good part of all connections is gone within a second, it is rather what is between: a balancer that was
 * started again, a network that was changed. The clients are alive then and on their way back, and what they
 * registered stays for {@link MASS_GRACE_MS}. It is to connections what the data nodes' guard is to leases (D12).
 */

/** How long that is, in milliseconds: until everybody is back, also when all of a large cluster come at once. */
export const MASS_GRACE_MS = 30_000;

/** Losses within so long are counted together, in milliseconds. */
const LOSS_WINDOW_MS = 1_000;

/** So many may be lost within the window, whatever their share is. */
export const LOSSES_FREE = 20;

/** The share of all connections that may be lost within the window. */
const LOSSES_SHARE = 0.15;

export class MassLoss {
  /** When connections were lost, in clock milliseconds: from a window before the loss that was judged last on. */
  readonly #lostAt: number[] = [];
  /** How many of these are from before a window after that loss. */
  #near = 0;
  #isNow = false;
  #episodes = 0;

  /** How often many have been lost at once. */
  get episodes(): number {
    return this.#episodes;
  }

  /** A connection was lost without a word. */
  lost(now: number): void {
    this.#lostAt.push(now);
  }

  /**
   * Whether too many were lost around this loss for all of them to be dead. Losses are judged in their order, each after
   * the same time.
   * @param present connections that are still there
   */
  isMass(lostAt: number, present: number): boolean {
    const before = this.#lostAt.findIndex((at) => lostAt - at <= LOSS_WINDOW_MS);
    this.#lostAt.splice(0, before);
    this.#near -= before;
    while (this.#near < this.#lostAt.length && this.#lostAt[this.#near]! - lostAt <= LOSS_WINDOW_MS) this.#near++;
    const losses = this.#near;
    const isMass = losses > Math.max(LOSSES_FREE, LOSSES_SHARE * (present + losses));
    if (isMass && !this.#isNow) this.#episodes++;
    this.#isNow = isMass;
    return isMass;
  }
}
