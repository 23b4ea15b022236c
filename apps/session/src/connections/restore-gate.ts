/**
 * When a session dies, all its clients come to the others at once, and each says everything it has. Bringing back all of
 * them side by side would make each of them wait for all; so only so many are brought back at a time, from their hello
 * until all they asked for is answered. The others wait for their turn, in order, and those for whom there is no room, or
 * who have waited long enough to be better off elsewhere, are told so. Who comes to an idle session is let in at once.
 */

import { limitedTurns, RegistryError, type Clock } from "@rollcall/core";

export interface RestoreGateOptions {
  /** Clients brought back at a time. */
  readonly restoringMax: number;
  /** Clients that wait for their turn. */
  readonly queueMax: number;
}

/** One who wants in. */
export interface Entrant {
  enter(): void;
  turnAway(error: RegistryError): void;
}

/** Who has waited so long, in milliseconds, is sent elsewhere: before a client gives up by itself, which is after 12 s. */
const WAIT_MAX_MS = 10_000;

/** Who is not all answered after so long, in milliseconds, is not waited for: it may not be the session that is slow. */
const RESTORE_MAX_MS = 5_000;

/** Clients that are let in within one turn: some milliseconds of work, after which others are accepted and heard. */
const ENTERING_PER_TURN_MAX = 16;

/** When those who are turned away may try again here, in milliseconds. */
const RETRY_AFTER_MS = 1_000;

export class RestoreGate {
  readonly #clock: Clock;
  readonly #turns: Clock;
  readonly #options: RestoreGateOptions;
  /** Since when, in clock milliseconds; the first to come first. */
  readonly #restoring = new Map<Entrant, number>();
  readonly #waiting = new Map<Entrant, number>();
  /** Of those that are brought back: they are let in within the next turns. */
  readonly #entering = new Set<Entrant>();
  #refused = 0;

  constructor(clock: Clock, options: RestoreGateOptions) {
    this.#clock = clock;
    this.#turns = limitedTurns(clock, ENTERING_PER_TURN_MAX);
    this.#options = options;
  }

  get restoring(): number {
    return this.#restoring.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** How many were turned away, ever. */
  get refused(): number {
    return this.#refused;
  }

  /** Lets `entrant` in, at once or when it is its turn. */
  request(entrant: Entrant): void {
    const { restoringMax, queueMax } = this.#options;
    if (this.#restoring.size < restoringMax) this.#letIn(entrant);
    else if (this.#waiting.size < queueMax) this.#waiting.set(entrant, this.#clock.now());
    else this.turnAway(entrant, `${queueMax} clients are waiting already`);
  }

  turnAway(entrant: Entrant, why: string): void {
    this.#refused++;
    this.leave(entrant);
    entrant.turnAway(overloaded(why));
  }

  /** It has all it asked for, or is gone. */
  leave(entrant: Entrant): void {
    this.#waiting.delete(entrant);
    this.#entering.delete(entrant);
    this.#restoring.delete(entrant);
    this.#fill();
  }

  sweep(now: number): void {
    for (const [entrant, since] of this.#restoring) {
      if (now - since < RESTORE_MAX_MS) break;
      this.#restoring.delete(entrant);
    }
    this.#fill();
    for (const [entrant, since] of this.#waiting) {
      if (now - since < WAIT_MAX_MS) break;
      this.turnAway(entrant, `it was not this client's turn within ${WAIT_MAX_MS} ms`);
    }
  }

  #fill(): void {
    for (const entrant of this.#waiting.keys()) {
      if (this.#restoring.size >= this.#options.restoringMax) return;
      this.#waiting.delete(entrant);
      this.#letIn(entrant);
    }
  }

  #letIn(entrant: Entrant): void {
    this.#restoring.set(entrant, this.#clock.now());
    if (this.#restoring.size <= ENTERING_PER_TURN_MAX) return entrant.enter();
    this.#entering.add(entrant);
    const enter = (): void => {
      if (this.#entering.delete(entrant)) entrant.enter();
    };
    // Not in the turn in which it was heard: one that gave up before it was accepted is known to be gone in the next.
    this.#clock.defer(() => this.#turns.defer(enter));
  }
}

/** Too much to do, for a while. */
export function overloaded(why: string): RegistryError {
  return new RegistryError("overloaded", `the session node has too much to do: ${why}`, {
    retryAfterMs: RETRY_AFTER_MS,
  });
}
