/** Probes in the simulation: every instance can take work, and what a node hears is up to the network between them. */

import type { Clock } from "@rollcall/core";
import type { ProbeOutcome, Prober } from "@rollcall/data";

/** How long an answer takes, in milliseconds. */
const ANSWER_MS = 2;

/** The way from one data node to all instances, over its lives. */
export class SimProbes {
  #isCut = false;

  /** @param isCut nothing that is asked reaches anybody, though sessions and meta are reached as ever */
  setCut(isCut: boolean): void {
    this.#isCut = isCut;
  }

  /** For one life of the node. */
  prober(clock: Clock): Prober {
    return {
      probe: ({ probe }, answered) => {
        const outcome: ProbeOutcome = this.#isCut ? { kind: "failed", why: "no answer" } : { kind: "passed" };
        const timer = clock.setTimer(this.#isCut ? probe.timeoutMs : ANSWER_MS, () => answered(outcome));
        return () => timer.cancel();
      },
    };
  }
}
