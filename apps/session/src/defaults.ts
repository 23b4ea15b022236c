/** What a session does when nothing else is said. */

export const SESSION_DEFAULTS = {
  /** An idle connection takes some 20 KB, so all of them take half a gigabyte. */
  connectionsMax: 25_000,
  /** Enough to keep a core busy, and few enough to be answered within a moment. */
  restoringMax: 500,
  /** More than are brought back in the time that anybody waits. */
  restoreQueueMax: 10_000,
  /** Even again within half a minute after the last of several restarts. */
  balanceEveryMs: 5_000,
  /** Time to move for a few thousand clients. */
  drainMs: 5_000,
} as const;
