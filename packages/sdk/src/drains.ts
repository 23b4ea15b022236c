/**
 * Draining: registrations are ended, and then the registry is asked, service by service, whether every live subscriber
 * knows, until it says that nobody is behind. A new connection begins anew with the end itself, said at a version of that
 * connection, so that whoever leads the slot by then has heard of it before it says who knows.
 */

import {
  RegistryError,
  compareVersions,
  isPassed,
  textFromBehind,
  textFromServiceKey,
  type BarrierAnswer,
  type Behind,
  type Clock,
  type ServiceKey,
  type Timer,
  type Version,
} from "@rollcall/core";

import type { Claim } from "./claim.ts";
import type { Draft, OutboxSource } from "./outbox.ts";
import { deferred, untilAborted, type Deferred } from "./promises.ts";
import type { Registrations } from "./registrations.ts";
import { Unanswered } from "./unanswered.ts";

export interface DrainsPorts {
  readonly clock: Clock;
  readonly registrations: Registrations;
  readonly resultTimeoutMs: number;
  /** Something waits to be sent. */
  readonly wake: () => void;
}

export interface DrainOptions {
  /** How long to wait, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** One barrier: the newest version at which something of the service was drained. */
interface ServiceBarrier {
  readonly key: ServiceKey;
  /** Drained claims whose end is part of the version. */
  readonly claims: Set<Claim>;
  version: Version;
  sequence: number;
  behind: Behind | undefined;
}

/** Those who wait for one claim. */
interface Waiting {
  readonly drained: Deferred<void>;
  count: number;
}

export class Drains implements OutboxSource {
  readonly #ports: DrainsPorts;
  readonly #waiting = new Map<Claim, Waiting>();
  readonly #barriers = new Map<string, ServiceBarrier>();
  readonly #unsent = new Set<ServiceBarrier>();
  readonly #unanswered: Unanswered<ServiceBarrier>;
  #lastSequence = 0;

  constructor(ports: DrainsPorts) {
    this.#ports = ports;
    this.#unanswered = new Unanswered(ports.clock, ports.resultTimeoutMs, (barrier) => this.#send(barrier));
  }

  /**
   * Ends the claims and resolves when every live subscriber knows. Rejects with a RegistryError: `deadline_exceeded` after
   * `timeoutMs`, naming who is behind; the registry's reason when it refuses to end one; `closed`. Rejects with the reason
   * of `signal`. The claims are ended in any case.
   */
  async drain(claims: readonly Claim[], { timeoutMs, signal }: DrainOptions): Promise<void> {
    const { clock } = this.#ports;
    const late = deferred<never>();
    const timer: Timer = clock.setTimer(timeoutMs, () =>
      late.reject(new RegistryError("deadline_exceeded", `${this.#lag(claims)} within ${timeoutMs} ms`)),
    );
    const drained = Promise.all(claims.map((claim) => this.#drain(claim)));
    try {
      await untilAborted(Promise.race([drained, late.promise]), signal);
    } finally {
      timer.cancel();
      for (const claim of claims) this.#leave(claim);
    }
  }

  #drain(claim: Claim): Promise<void> {
    const known = this.#waiting.get(claim);
    if (known !== undefined) {
      known.count++;
      return known.drained.promise;
    }
    const drained = deferred<void>();
    this.#waiting.set(claim, { drained, count: 1 });
    const state = this.#ports.registrations.drain(claim);
    if (claim.error !== undefined) this.#end(claim, claim.error);
    else if (state === "unknown to all") this.#end(claim, undefined);
    else if (state === "ended") this.removed(claim);
    return drained.promise;
  }

  /** One who waited for the claim does no more. */
  #leave(claim: Claim): void {
    const waiting = this.#waiting.get(claim);
    if (waiting === undefined) return;
    waiting.count--;
    if (waiting.count === 0) this.#end(claim, new RegistryError("closed", "nobody waits for it"));
  }

  /** The leader has taken the claim out, on the present connection. */
  removed(claim: Claim): void {
    const { key, version } = claim;
    if (!this.#waiting.has(claim) || version === undefined) return;
    const text = textFromServiceKey(key);
    const barrier = this.#barriers.get(text) ?? { key, version, claims: new Set(), sequence: 0, behind: undefined };
    this.#barriers.set(text, barrier);
    barrier.claims.add(claim);
    // What is known of an older version would pass too early.
    if (barrier.sequence !== 0 && compareVersions(version, barrier.version) <= 0) return;
    barrier.version = version;
    barrier.sequence = ++this.#lastSequence;
    this.#send(barrier);
  }

  /** The claim cannot be drained any more. */
  failed(claim: Claim, error: RegistryError): void {
    this.#end(claim, error);
  }

  /** The link is gone. Claims that are to be said anew come back as removed then. */
  disconnected(): void {
    this.#unanswered.restart();
    this.#unsent.clear();
    this.#barriers.clear();
  }

  /** A session has said hello, and answers. */
  opened(): void {
    this.#unanswered.opened();
  }

  /** On a new connection: what has ended for good is asked again at once. */
  replay(): void {
    this.disconnected();
    for (const claim of this.#waiting.keys()) if (!this.#ports.registrations.isDraining(claim)) this.removed(claim);
  }

  fill(draft: Draft): void {
    for (const barrier of this.#unsent) {
      if (draft.isFull) return;
      const { sequence, key, version } = barrier;
      this.#unsent.delete(barrier);
      draft.barrier({ sequence, key, version });
      this.#unanswered.sent(barrier);
    }
  }

  take({ sequence, subscribers, sessions }: BarrierAnswer): void {
    for (const [text, barrier] of this.#barriers) {
      if (barrier.sequence !== sequence) continue;
      barrier.behind = { subscribers, sessions };
      this.#unanswered.sent(barrier);
      if (!isPassed(barrier.behind)) return;
      this.#drop(text, barrier);
      for (const claim of barrier.claims) this.#end(claim, undefined);
    }
  }

  #send(barrier: ServiceBarrier): void {
    this.#unsent.add(barrier);
    this.#ports.wake();
  }

  #drop(text: string, barrier: ServiceBarrier): void {
    this.#barriers.delete(text);
    this.#unsent.delete(barrier);
    this.#unanswered.settle(barrier);
  }

  /** The claim has been drained, or will not be. */
  #end(claim: Claim, error: RegistryError | undefined): void {
    const waiting = this.#waiting.get(claim);
    if (waiting === undefined) return;
    this.#waiting.delete(claim);
    this.#ports.registrations.drained(claim);
    const text = textFromServiceKey(claim.key);
    const barrier = this.#barriers.get(text);
    barrier?.claims.delete(claim);
    if (barrier?.claims.size === 0) this.#drop(text, barrier);
    if (error === undefined) waiting.drained.resolve();
    else waiting.drained.reject(error);
  }

  #lag(claims: readonly Claim[]): string {
    for (const claim of claims) {
      if (!this.#waiting.has(claim)) continue;
      const barrier = this.#barriers.get(textFromServiceKey(claim.key));
      if (barrier?.claims.has(claim) !== true) return `${claim.instance.id} has not been taken out`;
      return textFromBehind(barrier.behind);
    }
    return textFromBehind(undefined);
  }
}
