/**
 * When to dial again. Every server is tried once, almost at once, because one that is down says nothing about the
 * others; after that round the pauses grow exponentially with full jitter, so that a thousand clients of a registry
 * that comes back do not all come back in the same instant.
 */

import type { Random } from "@rollcall/core";

export interface ReconnectOptions {
  /**
   * Longest pause before the next server within the first round, in milliseconds. Default 50: enough to spread the
   * clients of a server that died, too little to be felt.
   */
  readonly jitterMs: number;
  /** Longest first pause after a whole round has failed, in milliseconds. Default 100. It doubles with each failure. */
  readonly pauseMinMs: number;
  /** What the longest pause grows to, in milliseconds. Default 5,000: how late the return of a registry may be noticed. */
  readonly pauseMaxMs: number;
}

/**
 * How long a server is given to say hello, in milliseconds: `leastMs` while others have not been tried, and twice as long
 * with each one that lets this client wait in vain after that. All of them have too much to do then, and whoever gives up
 * and comes again makes it more.
 * @param unheard dials in a row that were not answered in time
 */
export function patienceOfDial(unheard: number, serverCount: number, leastMs: number): number {
  return leastMs * 2 ** Math.min(DOUBLINGS_MAX, Math.max(0, unheard - serverCount + 1));
}

/**
 * How long a server that has taken the link may take to say hello, in milliseconds: by default longer than a session
 * lets anybody wait for its turn, which is 10 s.
 */
export function patienceInQueue(leastMs: number): number {
  return 2 * leastMs;
}

/** The most that comes of {@link patienceOfDial}. */
export function longestPatience(leastMs: number): number {
  return leastMs * 2 ** DOUBLINGS_MAX;
}

const DOUBLINGS_MAX = 3;

/**
 * Milliseconds until the next dial.
 * @param failures dials in a row that led to no usable link; 0 dials at once
 */
export function pauseBeforeDial(
  failures: number,
  serverCount: number,
  { jitterMs, pauseMinMs, pauseMaxMs }: ReconnectOptions,
  random: Random,
): number {
  if (failures === 0) return 0;
  if (failures < serverCount) return random.next() * jitterMs;
  return random.next() * Math.min(pauseMaxMs, pauseMinMs * 2 ** (failures - serverCount));
}
