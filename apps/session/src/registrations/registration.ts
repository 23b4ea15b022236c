/** One registration as the session that holds it knows it: what its client wants, and whether the leader has it. */

import {
  NOWHERE,
  type ByteStore,
  type Digest,
  type ErrorValue,
  type Place,
  type RegistrationOutcome,
  type RegistrationStamp,
  type RegistrationVersion,
  type ServiceKey,
  type SlotId,
  type Traceparent,
  type Version,
} from "@rollcall/core";

import type { FinalOutcome, Outgoing, Sent, WriteBody } from "../routing/writer.ts";
import type { Placed } from "./registration-list.ts";
import type { RegistrationOwner } from "./registration-owner.ts";

/**
 * Called once, when the leader has applied what was asked for or it has been refused for good; with nothing when the same
 * was asked for again, and the answer goes there.
 */
export type Settled = (outcome: RegistrationOutcome | undefined) => void;

export interface RegistrationIdentity {
  readonly key: ServiceKey;
  readonly slot: SlotId;
  readonly instanceId: string;
  /** Empty for registrations made without a connection. */
  readonly clientId: string;
}

/** What became of an attempt to write a registration. */
export type AttemptEnd =
  | { readonly kind: "denied"; readonly error: ErrorValue }
  | { readonly kind: "applied"; readonly version: Version }
  | { readonly kind: "superseded"; readonly by: RegistrationVersion };

/** What its client wants of it. */
export interface Wanted extends RegistrationStamp {
  /** The encoded instance; empty for a removal. */
  readonly instance: Uint8Array;
  readonly leaseMs: number;
  readonly heldBack?: boolean | undefined;
  readonly traceparent?: Traceparent | undefined;
}

/** What the leader is told of it. */
type Standing = "listed" | "held back" | "removed";

/** Whoever keeps registrations: has the bytes of all of them, and hears what becomes of attempts to write them. */
export interface RegistrationKeeper {
  readonly bytes: ByteStore;
  ended(registration: Registration, end: AttemptEnd): void;
}

/** There are as many of these as instances, so they are kept small: few objects within, and the bytes where all are. */
export class Registration implements Outgoing, Placed, RegistrationIdentity, RegistrationStamp {
  readonly key: ServiceKey;
  readonly slot: SlotId;
  readonly instanceId: string;
  readonly clientId: string;
  /** Whom it lives with; undefined when with nothing but its lease. */
  owner: RegistrationOwner | undefined;
  placeInSlot = 0;
  placeWithOwner = 0;
  isPending = false;
  version: RegistrationVersion;
  removed: boolean;
  leaseMs: number;
  /** An operator has switched off what its client registers: it is kept here, and is in no list. */
  heldBack: boolean;
  /** Of the change that the leader has not applied yet, when that is traced. */
  traceparent: Traceparent | undefined;
  /** Version of the datum at which the leader has applied the present stamp; undefined while it has not. */
  appliedAt: Version | undefined;
  /** The store has let go of it; an attempt that is still waiting is not made any more. */
  isDropped = false;
  readonly #keeper: RegistrationKeeper;
  #place: Place = NOWHERE;
  /** Nearly always there is one who waits. */
  #waiting: Settled | Settled[] | undefined;
  #isCounted = false;
  // Signed, so that the engine keeps them in the object itself.
  #digestHigh = 0;
  #digestLow = 0;

  constructor({ key, slot, instanceId, clientId }: RegistrationIdentity, wanted: Wanted, keeper: RegistrationKeeper) {
    this.key = key;
    this.slot = slot;
    this.instanceId = instanceId;
    this.clientId = clientId;
    this.#keeper = keeper;
    this.owner = undefined;
    this.version = wanted.version;
    this.removed = wanted.removed;
    this.leaseMs = wanted.leaseMs;
    this.heldBack = wanted.heldBack ?? false;
    this.traceparent = wanted.traceparent;
    this.#place = keeper.bytes.put(wanted.instance);
  }

  /** The encoded instance, good until it changes; empty for a removal. */
  get instance(): Uint8Array {
    return this.#keeper.bytes.get(this.#place);
  }

  /** What it counts in the digest of its slot; undefined when it does not. Kept by SlotDigests. */
  get digest(): Digest | undefined {
    return this.#isCounted ? { high: this.#digestHigh >>> 0, low: this.#digestLow >>> 0 } : undefined;
  }

  set digest(digest: Digest | undefined) {
    this.#isCounted = digest !== undefined;
    this.#digestHigh = (digest?.high ?? 0) | 0;
    this.#digestLow = (digest?.low ?? 0) | 0;
  }

  /** Its client wants something else of it. */
  become(wanted: Wanted): void {
    this.version = wanted.version;
    this.removed = wanted.removed;
    this.leaseMs = wanted.leaseMs;
    this.heldBack = wanted.heldBack ?? false;
    this.traceparent = wanted.traceparent;
    const place = this.#keeper.bytes.put(wanted.instance);
    this.#release();
    this.#place = place;
  }

  /** Nobody wants it any more, and nobody has said so: it goes at the version it has. */
  end(): void {
    this.removed = true;
    this.traceparent = undefined;
    this.#release();
  }

  /** The store lets go of it. */
  drop(): void {
    this.isDropped = true;
    this.#release();
  }

  #release(): void {
    this.#keeper.bytes.free(this.#place);
    this.#place = NOWHERE;
  }

  get standing(): Standing {
    if (this.removed) return "removed";
    return this.heldBack ? "held back" : "listed";
  }

  /** Its client wants it there for as long as its connection is: neither a removal nor a lease. */
  get isOfConnection(): boolean {
    return !this.removed && this.leaseMs === 0;
  }

  /** The same, and so it is to be. */
  get livesWithConnection(): boolean {
    return this.isOfConnection && !this.heldBack;
  }

  body(): WriteBody | undefined {
    if (this.isDropped) return undefined;
    const { standing } = this;
    const isListed = standing === "listed";
    return {
      kind: isListed ? "register" : "unregister",
      key: this.key,
      instanceId: this.instanceId,
      clientId: this.clientId,
      version: this.version,
      instance: isListed ? this.instance : NO_BYTES,
      leaseMs: this.leaseMs,
      traceparent: this.traceparent,
      heldBack: standing === "held back",
    };
  }

  settled(sent: Sent, outcome: FinalOutcome): void {
    if (this.isDropped) return;
    // An answer to an older wish: the present one is on its way by itself.
    const present = sent.version === this.version && standingOf(sent) === this.standing;
    if (present && outcome.kind !== "unknown") this.#keeper.ended(this, outcome);
  }

  /** True while a client waits to hear of its wish; a copy that is only written again is awaited by nobody. */
  get isAwaited(): boolean {
    return this.#waiting !== undefined;
  }

  wait(settled: Settled): void {
    if (this.#waiting === undefined) this.#waiting = settled;
    else if (typeof this.#waiting === "function") this.#waiting = [this.#waiting, settled];
    else this.#waiting.push(settled);
  }

  /** Whoever asks for the same again has no use for the answer to the first time. */
  waitInstead(settled: Settled): void {
    this.tell(undefined);
    this.#waiting = settled;
  }

  tell(outcome: RegistrationOutcome | undefined): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (typeof waiting === "function") waiting(outcome);
    else for (const settled of waiting ?? []) settled(outcome);
  }
}

function standingOf({ kind, heldBack }: Sent): Standing {
  if (kind !== "unregister") return "listed";
  return heldBack === true ? "held back" : "removed";
}

const NO_BYTES = new Uint8Array(0);
