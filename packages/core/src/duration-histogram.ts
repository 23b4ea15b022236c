/** Durations counted into fixed buckets: plain integers, so that counting one costs next to nothing. */

/**
 * Upper bounds of the buckets in milliseconds, the last but for "anything longer": fine where a registry should be,
 * coarse where it should not.
 */
export const DURATION_BOUNDS_MS: readonly number[] = [
  0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000,
];

export class DurationHistogram {
  /** One for each bound, and one more for what is longer than all of them. */
  readonly #counts: number[] = Array.from({ length: DURATION_BOUNDS_MS.length + 1 }, () => 0);
  #sumMs = 0;

  get counts(): readonly number[] {
    return this.#counts;
  }

  get sumMs(): number {
    return this.#sumMs;
  }

  observe(durationMs: number): void {
    let bucket = 0;
    while (bucket < DURATION_BOUNDS_MS.length && durationMs > DURATION_BOUNDS_MS[bucket]!) bucket++;
    this.#counts[bucket]!++;
    this.#sumMs += durationMs;
  }
}
