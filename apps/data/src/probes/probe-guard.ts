/**
 * Self-preservation of probes (D12). When much of what a node probes fails at once it is rather the node's own network that
 * is sick: nothing is marked then. Instances fail one by one, and a node that was cut off fails with all of them.
 *
 *     calm ---- more fail than are believed ----> holding
 *      ^                                             |  so it has been for HOLD_MS, and others pass meanwhile
 *      +---- no more than are believed ---- believing
 *
 * While nothing at all passes there is no sign that this node reaches anybody, and nothing is marked however long it lasts.
 * A mark that is there already stays, and goes as soon as its instance passes: only new ones are held.
 */

/** So many may fail whatever their share is, or a service of one instance could not be marked. */
export const FAILURES_FREE = 2;

/** The share of all that is probed here that may fail and be believed. */
export const FAILURES_SHARE = 0.5;

/** How long more may fail before it is believed after all, in milliseconds, while others pass. */
export const HOLD_MS = 60_000;

type GuardState =
  | { readonly kind: "calm" }
  | { readonly kind: "holding"; readonly since: number }
  | { readonly kind: "believing" };

/** What there is to judge at a moment. */
export interface ProbeLook {
  readonly now: number;
  /** Instances whose last answer was bad. */
  readonly failing: number;
  /** Instances whose last answer was good. */
  readonly passing: number;
  /** Of these, those that have passed since the first of those to be marked began to fail. */
  readonly passedSince: number;
  /** This node seems to be without a network altogether. */
  readonly isCutOff: boolean;
}

export class ProbeGuard {
  #state: GuardState = { kind: "calm" };
  #episodes = 0;

  get state(): GuardState["kind"] {
    return this.#state.kind;
  }

  /** How often it has begun to hold. */
  get episodes(): number {
    return this.#episodes;
  }

  /** Whether instances that fail may be marked now. Where there is anybody else to ask, one of them has to pass first. */
  mayMark(look: ProbeLook): boolean {
    this.#state = this.#next(look);
    return this.#state.kind !== "holding" && (look.passing === 0 || look.passedSince > 0);
  }

  #next(look: ProbeLook): GuardState {
    const { now, failing, passing, isCutOff } = look;
    const state = this.#state;
    const isUsual = failing <= Math.max(FAILURES_FREE, (failing + passing) * FAILURES_SHARE);
    if (isUsual && !isCutOff) return { kind: "calm" };
    if (state.kind === "believing" && passing > 0 && !isCutOff) return state;
    if (state.kind !== "holding") {
      this.#episodes++;
      return { kind: "holding", since: now };
    }
    // What failed while this node was cut off says nothing.
    if (isCutOff || passing === 0) return { kind: "holding", since: now };
    return now - state.since >= HOLD_MS ? { kind: "believing" } : state;
  }
}

/** So many heartbeats that meta leaves unanswered mean that something is wrong. */
const SILENT_HEARTBEATS = 2.5;

/** By then it is known, in milliseconds, whether it is this node or meta that is gone: sessions fall silent, too, or not. */
const KNOWN_AFTER_MS = 10_000;

/**
 * Whether this node seems to be without a network: nobody is linked to it, or meta has just fallen silent and nobody has
 * noticed yet that the others have, too. Without meta for good, probes go on.
 */
export function seemsCutOff(linkedSessions: number, metaSilentMs: number, heartbeatMs: number): boolean {
  return linkedSessions === 0 || (metaSilentMs > SILENT_HEARTBEATS * heartbeatMs && metaSilentMs < KNOWN_AFTER_MS);
}
