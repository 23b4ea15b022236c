/** Waits for conditions, never for time: a deadline says when waiting makes no sense any more. */

export interface UntilOptions {
  /** What is waited for, in words, for the error. */
  readonly what: string;
  /** Milliseconds until it is given up. Default 10,000: longer than anything takes that works. */
  readonly withinMs?: number | undefined;
  /** More about how it is, for the error. */
  readonly because?: (() => string) | undefined;
}

/** How often a condition is looked at, in milliseconds; the longer it takes, the more seldom, for looking is work for others, too. */
const EVERY_MS = { least: 5, most: 25, share: 0.02 };

/** Resolves with what `condition` gives once that is neither undefined nor false. What it throws counts as "not yet". */
export async function until<Value>(
  condition: () => Value | undefined | false | Promise<Value | undefined | false>,
  { what, withinMs = 10_000, because }: UntilOptions,
): Promise<Value> {
  const beganAt = performance.now();
  const deadline = beganAt + withinMs;
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
    const sinceMs = performance.now() - beganAt;
    await elapse(Math.min(EVERY_MS.most, Math.max(EVERY_MS.least, sinceMs * EVERY_MS.share)));
  }
}

export function elapse(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
