/**
 * What this client wants registered, and what it has wanted until the registry knows that it no longer does.
 *
 * For each (service, instance id) there is one claim, which holds the newest state only. Each change makes a new version
 * with a sequence of its own; the answer to any other sequence is out of date and ignored. A claim that ends stays as a
 * tombstone until its removal is applied, over as many connections as that takes, for the server of an older
 * connection may still list the instance.
 *
 *     unsent --> sent, unanswered --> applied            (a new connection or a change: unsent again)
 *                              \----> refused            (back to the last applied state, or the end)
 */

import {
  EMPTY_DIGEST,
  LIMITS,
  RegistryError,
  digestOfBytes,
  digestOfRegistration,
  invalidField,
  limitExceeded,
  textFromServiceKey,
  toggleDigest,
  unreachable,
  type Clock,
  type Digest,
  type ErrorValue,
  type Instance,
  type RegistrationResult,
  type ServiceKey,
  type Tracer,
  type Version,
} from "@rollcall/core";
import { bytesFromInstance } from "@rollcall/protocol";

import { closed, frozen, type Claim, type OwnClaim } from "./claim.ts";
import type { Report } from "./events.ts";
import type { Draft, OutboxSource } from "./outbox.ts";
import { deferred, type Deferred } from "./promises.ts";
import { Unanswered } from "./unanswered.ts";

export interface RegistrationsPorts {
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly resultTimeoutMs: number;
  /** Something waits to be sent. */
  readonly wake: () => void;
  readonly report: Report;
  /** The leader has taken out a claim that is being drained. */
  readonly removed: (claim: Claim) => void;
  /** A claim that is being drained will not be. */
  readonly drainFailed: (claim: Claim, error: RegistryError) => void;
}

export class Registrations implements OutboxSource {
  readonly #tracer: Tracer;
  readonly #wake: () => void;
  readonly #report: Report;
  readonly #removed: (claim: Claim) => void;
  readonly #drainFailed: (claim: Claim, error: RegistryError) => void;
  readonly #claims = new Map<string, OwnClaim>();
  readonly #unsent = new Set<OwnClaim>();
  readonly #bySequence = new Map<number, OwnClaim>();
  readonly #unanswered: Unanswered<OwnClaim>;
  #incarnation = 0;
  #lastSequence = 0;
  /** No counter of a forgotten claim was above this: one made anew for the same id begins above its own tombstone. */
  #forgottenCounter = 0;
  #nothingLeft: Deferred<void> | undefined;

  constructor({ clock, tracer, resultTimeoutMs, wake, report, removed, drainFailed }: RegistrationsPorts) {
    this.#tracer = tracer;
    this.#wake = wake;
    this.#report = report;
    this.#removed = removed;
    this.#drainFailed = drainFailed;
    this.#unanswered = new Unanswered(clock, resultTimeoutMs, (claim) => {
      this.#unsent.add(claim);
      wake();
    });
  }

  // What users want --------------------------------------------------------------------------------------------------

  /** @throws RegistryError when this client has registered that id for the service already, or has too many. */
  register(key: ServiceKey, instance: Instance): Claim {
    const text = `${textFromServiceKey(key)}/${instance.id}`;
    const before = this.#claims.get(text);
    if (before?.wanted === "listed")
      throw invalidField("instance.id", "one that this client has not registered for the service", instance.id);
    if (before === undefined && this.#claims.size >= LIMITS.registrationsPerClient)
      throw limitExceeded("registrations", `${LIMITS.registrationsPerClient} for each client`, this.#claims.size + 1);
    const claim: OwnClaim = {
      key,
      text,
      wanted: "listed",
      instance: frozen(instance),
      bytes: bytesFromInstance(instance),
      counter: before?.counter ?? this.#forgottenCounter,
      sequence: 0,
      applied: undefined,
      version: undefined,
      error: undefined,
      told: before?.told ?? 0,
      span: undefined,
      isDraining: false,
      settled: before?.settled,
    };
    if (before !== undefined) this.#unlist(before);
    before?.span?.end();
    this.#claims.set(text, claim);
    if (before?.isDraining === true) this.#drainFailed(before, closed("it was registered again"));
    this.#asked(claim);
    return claim;
  }

  /** Replaces the instance of a listed claim. @throws RegistryError the claim's own end, or `closed`. */
  update(claim: Claim, instance: Instance): void {
    const own = this.#own(claim);
    if (own?.wanted !== "listed") throw claim.error ?? closed("the registration was unregistered");
    own.instance = frozen(instance);
    own.bytes = bytesFromInstance(instance);
    this.#asked(own);
  }

  /** Ends a claim, and nothing when it has ended. {@link settled} tells when the registry knows. */
  unregister(claim: Claim): void {
    const own = this.#own(claim);
    if (own?.wanted !== "listed") return;
    this.#settle(own, closed("unregistered before it was applied"));
    own.wanted = "gone";
    if (own.told === 0) this.#forget(own);
    else this.#asked(own);
  }

  /**
   * Ends a claim and does not forget it: each new connection is told of its end until {@link drained}. `unknown to all`:
   * nobody was ever told of it. `ended`: it had ended before.
   */
  drain(claim: Claim): "draining" | "ended" | "unknown to all" {
    this.unregister(claim);
    const own = this.#own(claim);
    if (own === undefined) return claim.version === undefined ? "unknown to all" : "ended";
    own.isDraining = true;
    return "draining";
  }

  isDraining(claim: Claim): boolean {
    return this.#own(claim)?.isDraining === true;
  }

  /** Nobody waits for the draining any more. */
  drained(claim: Claim): void {
    const own = this.#own(claim);
    if (own === undefined) return;
    own.isDraining = false;
    if (own.wanted === "gone" && own.sequence === 0) this.#forget(own);
  }

  /** What is to be listed. */
  listed(): Claim[] {
    return [...this.#claims.values()].filter(({ wanted }) => wanted === "listed");
  }

  unregisterAll(): void {
    for (const claim of this.#claims.values()) this.unregister(claim);
  }

  /**
   * Resolves when the newest state of `claim` is applied, at once when it is or when the claim has ended; rejects when
   * that state is refused or overtaken by an unregister.
   */
  async settled(claim: Claim): Promise<void> {
    const own = this.#own(claim);
    if (own === undefined || own.sequence === 0) return;
    own.settled ??= deferred();
    await own.settled.promise;
  }

  /** Resolves when there is no claim left, not even one whose removal is yet to be applied. */
  async nothingLeft(): Promise<void> {
    if (this.#claims.size === 0) return;
    this.#nothingLeft ??= deferred();
    await this.#nothingLeft.promise;
  }

  /** Forgets everything; whoever waits is told `error`. */
  abandon(error: RegistryError): void {
    this.#unanswered.clear();
    for (const claim of this.#claims.values()) {
      claim.wanted = "gone";
      claim.error = error;
      this.#settle(claim, error);
      this.#forget(claim);
      if (claim.isDraining) this.#drainFailed(claim, error);
    }
  }

  // The conversation -------------------------------------------------------------------------------------------------

  /** On a new connection everything is said anew, at versions of that connection. */
  replay(incarnation: number): void {
    this.#incarnation = incarnation;
    this.#unanswered.restart();
    for (const claim of this.#claims.values()) this.#stamp(claim);
  }

  /** Over what the session should have of this client; undefined while it may not have heard or answered all of it. */
  digest(clientId: string): Digest | undefined {
    let digest = EMPTY_DIGEST;
    for (const { key, instance, bytes, counter, sequence, wanted } of this.#claims.values()) {
      if (sequence !== 0) return undefined;
      if (wanted === "gone") continue;
      const version = { incarnation: this.#incarnation, counter };
      const name = { instanceId: instance.id, clientId, version };
      digest = toggleDigest(digest, digestOfRegistration(textFromServiceKey(key), name, digestOfBytes(bytes)));
    }
    return digest;
  }

  /** Says everything again, newer than whatever has become of it. */
  sayAgain(): void {
    for (const claim of this.#claims.values()) this.#changed(claim);
  }

  /** The link is gone, and with it every answer that was on its way. */
  disconnected(): void {
    this.#unanswered.restart();
  }

  /** A session has said hello, and answers. */
  opened(): void {
    this.#unanswered.opened();
  }

  fill(draft: Draft): void {
    for (const claim of this.#unsent) {
      if (draft.isFull) return;
      this.#unsent.delete(claim);
      this.#write(claim, draft);
      claim.told++;
      this.#unanswered.sent(claim);
    }
  }

  #write({ sequence, key, counter, instance, bytes, wanted, span }: OwnClaim, draft: Draft): void {
    const version = { incarnation: this.#incarnation, counter };
    const item = { sequence, key, version, instanceId: instance.id, traceparent: span?.traceparent };
    if (wanted === "listed") draft.register({ ...item, instance: bytes });
    else draft.unregister(item);
  }

  take({ sequence, outcome }: RegistrationResult): void {
    const claim = this.#bySequence.get(sequence);
    if (claim === undefined) return;
    this.#answered(claim);
    switch (outcome.kind) {
      case "applied":
        return this.#applied(claim, outcome.version);
      case "refused":
        return this.#refused(claim, outcome.error);
      default:
        unreachable(outcome);
    }
  }

  #applied(claim: OwnClaim, version: Version): void {
    claim.version = version;
    if (claim.wanted === "listed") claim.applied = claim.instance;
    else if (!claim.isDraining) this.#forget(claim);
    this.#settle(claim, undefined);
    if (claim.isDraining) this.#removed(claim);
  }

  #refused(claim: OwnClaim, value: ErrorValue): void {
    const error = RegistryError.from(value);
    const { wanted, applied, instance } = claim;
    this.#report(error, `the registry refused to ${wanted === "listed" ? "register" : "unregister"} ${claim.text}`);
    this.#settle(claim, error);
    if (wanted === "listed" && applied !== undefined && applied !== instance) {
      claim.instance = applied;
      claim.bytes = bytesFromInstance(applied);
      this.#changed(claim);
      return;
    }
    claim.error = error;
    claim.wanted = "gone";
    // An earlier version may have been taken, although its answer was ignored.
    if (wanted === "listed" && claim.told > 1) this.#changed(claim);
    else this.#forget(claim);
    if (claim.isDraining) this.#drainFailed(claim, error);
  }

  /** A change that the user asks for now. The span of the one before, which it overtakes, ends. */
  #asked(claim: OwnClaim): void {
    claim.span?.end();
    const name = claim.wanted === "listed" ? "rollcall.client.register" : "rollcall.client.unregister";
    claim.span = this.#tracer.start(name, undefined, () => ({
      "rollcall.service": textFromServiceKey(claim.key),
      "rollcall.instance": claim.instance.id,
    }));
    this.#changed(claim);
  }

  #changed(claim: OwnClaim): void {
    claim.counter++;
    this.#stamp(claim);
    this.#wake();
  }

  /** From here on only the answer to this sequence counts. */
  #stamp(claim: OwnClaim): void {
    this.#answered(claim);
    claim.sequence = ++this.#lastSequence;
    this.#bySequence.set(claim.sequence, claim);
    this.#unsent.add(claim);
  }

  #answered(claim: OwnClaim): void {
    this.#bySequence.delete(claim.sequence);
    this.#unanswered.settle(claim);
    this.#unsent.delete(claim);
    claim.sequence = 0;
  }

  #settle(claim: OwnClaim, error: RegistryError | undefined): void {
    const { settled, span } = claim;
    claim.settled = undefined;
    claim.span = undefined;
    span?.end(error?.message);
    if (error === undefined) settled?.resolve();
    else settled?.reject(error);
  }

  #forget(claim: OwnClaim): void {
    this.#unlist(claim);
    this.#forgottenCounter = Math.max(this.#forgottenCounter, claim.counter);
    if (this.#claims.size === 0) this.#nothingLeft?.resolve();
  }

  #unlist(claim: OwnClaim): void {
    this.#answered(claim);
    this.#claims.delete(claim.text);
  }

  /** The claim, unless it has ended or another one took its place. */
  #own(claim: Claim): OwnClaim | undefined {
    const own = this.#claims.get(`${textFromServiceKey(claim.key)}/${claim.instance.id}`);
    return own === claim ? own : undefined;
  }
}
