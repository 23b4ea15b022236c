/** What a data node does when nothing else is said. */

export const DATA_DEFAULTS = {
  /**
   * Many times what it takes to hand over a share of 100,000 instances. The slots that a node leads go first, so that what
   * is left when the time is over is what it follows, and nobody waits for that.
   */
  drainMs: 10_000,
} as const;
