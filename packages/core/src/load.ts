/** How many clients a session has, and when that is news. */

/** Fewer clients than this more or less are no news, however few there are. */
const LEAST = 5;

/** Whether a number of clients has changed by more than `share` of what it was last said to be. */
export function differsMarkedly(told: number, present: number, share: number): boolean {
  return Math.abs(present - told) > Math.max(LEAST, told * share);
}
