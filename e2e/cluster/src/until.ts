/** Waits for conditions, never for time: a deadline says when waiting makes no sense any more. */

export interface UntilOptions {
  /** What is waited for, in words, for the error. */
  readonly what: string;
  /** Milliseconds until it is given up. Default 10,000: longer than anything takes that works. */
  readonly withinMs?: number | undefined;
  /** More about how it is, for the error. */
  readonly because?: (() => string) | undefined;
}

/** How often a condition is looked at, in milliseconds. */
const EVERY_MS = 5;

/** Resolves with what `condition` gives once that is neither undefined nor false. What it throws counts as "not yet". */
export async function until<Value>(
  condition: () => Value | undefined | false | Promise<Value | undefined | false>,
  { what, withinMs = 10_000, because }: UntilOptions,
): Promise<Value> {
  const deadline = performance.now() + withinMs;
  let failure: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== undefined && value !== false) return value;
      failure = undefined;
    } catch (thrown) {
      failure = thrown;
    }
    if (performance.now() > deadline) {
      const details = [because?.(), failure instanceof Error ? failure.message : undefined].filter(Boolean).join("\n");
      throw new Error(`not within ${withinMs} ms: ${what}${details === "" ? "" : `\n${details}`}`, { cause: failure });
    }
    await elapse(EVERY_MS);
  }
}

export function elapse(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
