/**
 * The slow repair behind the conversation with the session (D2): now and then, when everything that was said has been
 * answered, client and session compare digests of what the client has there. Messages keep their order on a link, so
 * what the session answers is about the very state in which it was asked.
 *
 *     resting --time--> due --nothing is open--> asked --the same--> resting
 *                                                  \--not the same--> everything is said again, and soon compared again;
 *                                                                     if that has not helped, the link is given up
 *
 * Saying everything again brings back what the session has forgotten. A new link also rids it of what it should have
 * forgotten, because that goes with the old one.
 */

import { sameDigest, type ClientSummary, type Clock, type Timer } from "@rollcall/core";

import type { Draft, OutboxSource } from "./outbox.ts";

/** How often, at least, in milliseconds: rare enough to be no load, and as long as a forgotten registration is missed. */
const COMPARE_EVERY_MS = 60_000;
/** How soon after a repair, in milliseconds: it is answered by then, unless something is the matter. */
const COMPARE_AGAIN_MS = 1_000;

export interface ComparisonPorts {
  readonly clock: Clock;
  /** Spreads clients that came together over the interval: from 0 to 1, another one for each. */
  readonly share: number;
  /** What the client has, or undefined while anything of it is unsaid or unanswered. */
  readonly summary: () => ClientSummary | undefined;
  readonly wake: () => void;
  /** Says again what differs. */
  readonly repair: (differs: { readonly registrations: boolean; readonly subscriptions: boolean }) => void;
  /** Gives up the link. */
  readonly giveUp: () => void;
}

type State =
  | { readonly kind: "resting" }
  | { readonly kind: "due" }
  | { readonly kind: "asked"; readonly mine: ClientSummary };

export class Comparison implements OutboxSource {
  readonly #ports: ComparisonPorts;
  #state: State = { kind: "resting" };
  #timer: Timer | undefined;
  /** The last comparison has ended in a repair. */
  #isRepaired = false;

  constructor(ports: ComparisonPorts) {
    this.#ports = ports;
  }

  opened(): void {
    this.#isRepaired = false;
    this.#rest((COMPARE_EVERY_MS * (1 + this.#ports.share)) / 2);
  }

  disconnected(): void {
    this.#timer?.cancel();
    this.#state = { kind: "resting" };
  }

  /** The last of the sources: what is said with a summary comes before it. */
  fill(draft: Draft): void {
    if (this.#state.kind !== "due" || draft.isFull) return;
    const mine = this.#ports.summary();
    this.#state = mine === undefined ? { kind: "resting" } : { kind: "asked", mine };
    if (mine !== undefined) draft.summarize(mine);
  }

  take(theirs: ClientSummary): void {
    if (this.#state.kind !== "asked") return;
    const { mine } = this.#state;
    const differs = {
      registrations: !sameDigest(mine.registrations, theirs.registrations),
      subscriptions: !sameDigest(mine.subscriptions, theirs.subscriptions),
    };
    this.#state = { kind: "resting" };
    if (!differs.registrations && !differs.subscriptions) {
      this.#isRepaired = false;
    } else if (this.#isRepaired) {
      this.#ports.giveUp();
    } else {
      this.#isRepaired = true;
      this.#rest(COMPARE_AGAIN_MS);
      this.#ports.repair(differs);
    }
  }

  /** An answer that never comes, or a moment in which something is open, costs one interval. */
  #rest(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#ports.clock.setTimer(ms, () => {
      this.#state = { kind: "due" };
      this.#rest(COMPARE_EVERY_MS);
      this.#ports.wake();
    });
  }
}
