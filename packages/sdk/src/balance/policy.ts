/** How one instance is chosen of several. */

import type { Instance, Random } from "@rollcall/core";

export interface PolicyContext {
  /** Calls to an instance that have begun here and not ended. */
  readonly pendingOf: (instance: Instance) => number;
  readonly random: Pick<Random, "next">;
}

/**
 * Chooses one of `instances`, each of which may be called: enabled, healthy, with a weight above 0. There is at least
 * one. A policy may be used again and again and remember what it chose.
 */
export type Policy = (instances: readonly Instance[], context: PolicyContext) => Instance;
