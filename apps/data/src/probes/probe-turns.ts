/**
 * Whose turn it is to be probed. Each is asked once in its interval, a little earlier or later by chance so that not all
 * are asked at one moment, and no more than so many are asked at a time: who is due then waits for a place.
 *
 *     waiting --its time--> due --a place--> asking --answer--> waiting
 */

import { LeaseTable, type Clock, type ProbeOrder, type Random } from "@rollcall/core";

import type { ProbeOutcome, Prober } from "./prober.ts";

/** Asked at a time. At most as many sockets are open for probes. */
export const ASKING_MAX = 64;

/** The share of an interval by which a turn may come earlier or later. */
const JITTER_SHARE = 0.1;

export interface ProbeTurnsPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly prober: Prober;
}

type Turn =
  | { readonly kind: "waiting" }
  | { readonly kind: "due" }
  | { readonly kind: "asking"; readonly giveUp: () => void };

interface Place {
  readonly order: ProbeOrder;
  turn: Turn;
}

export class ProbeTurns<Target> {
  readonly #ports: ProbeTurnsPorts;
  readonly #answered: (target: Target, outcome: ProbeOutcome, tookMs: number) => void;
  readonly #places = new Map<Target, Place>();
  readonly #waiting = new LeaseTable<Target>();
  readonly #due = new Set<Target>();
  #asking = 0;

  constructor(ports: ProbeTurnsPorts, answered: (target: Target, outcome: ProbeOutcome, tookMs: number) => void) {
    this.#ports = ports;
    this.#answered = answered;
  }

  get size(): number {
    return this.#places.size;
  }

  /** Its first turn is within an interval, at any time: thousands may come at once with a slot. */
  add(target: Target, order: ProbeOrder): void {
    this.remove(target);
    this.#places.set(target, { order, turn: { kind: "waiting" } });
    this.#wait(target, order.probe.intervalMs * this.#ports.random.next());
  }

  remove(target: Target): void {
    const place = this.#places.get(target);
    if (place === undefined) return;
    this.#giveUp(place);
    this.#places.delete(target);
    this.#waiting.revoke(target);
    this.#due.delete(target);
  }

  /** Its turn is now, not later. */
  hasten(target: Target): void {
    const place = this.#places.get(target);
    if (place?.turn.kind !== "waiting") return;
    this.#waiting.revoke(target);
    this.#becomeDue(target, place);
  }

  /** Asks whoever is due. */
  sweep(now: number): void {
    for (const target of this.#waiting.expire(now)) this.#becomeDue(target, this.#places.get(target)!);
    this.#askDue();
  }

  /** Whatever is asked now may have been answered without being heard: it is asked again. */
  interrupted(): void {
    for (const [target, place] of this.#places) {
      if (place.turn.kind !== "asking") continue;
      this.#giveUp(place);
      this.#becomeDue(target, place);
    }
  }

  /** Asks nobody any more. */
  stop(): void {
    for (const target of this.#places.keys()) this.remove(target);
  }

  #becomeDue(target: Target, place: Place): void {
    place.turn = { kind: "due" };
    this.#due.add(target);
  }

  #askDue(): void {
    for (const target of this.#due) {
      if (this.#asking >= ASKING_MAX) return;
      this.#due.delete(target);
      this.#ask(target, this.#places.get(target)!);
    }
  }

  #ask(target: Target, place: Place): void {
    const { clock, prober } = this.#ports;
    const askedAt = clock.now();
    this.#asking++;
    const giveUp = prober.probe(place.order, (outcome) => {
      if (place.turn.kind !== "asking" || place.turn.giveUp !== giveUp) return;
      this.#asking--;
      place.turn = { kind: "waiting" };
      const { intervalMs } = place.order.probe;
      const jitter = JITTER_SHARE * (2 * this.#ports.random.next() - 1);
      this.#wait(target, intervalMs * (1 + jitter));
      this.#answered(target, outcome, clock.now() - askedAt);
      this.#askDue();
    });
    place.turn = { kind: "asking", giveUp };
  }

  #giveUp(place: Place): void {
    if (place.turn.kind !== "asking") return;
    const { giveUp } = place.turn;
    place.turn = { kind: "waiting" };
    this.#asking--;
    giveUp();
  }

  #wait(target: Target, forMs: number): void {
    this.#waiting.renew(target, this.#ports.clock.now() + forMs);
  }
}
