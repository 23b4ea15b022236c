/** One registration as the session that holds it knows it: what its client wants, and whether the leader has it. */

import type {
  Digest,
  ErrorValue,
  RegistrationOutcome,
  RegistrationStamp,
  RegistrationVersion,
  ServiceKey,
  SlotId,
  Traceparent,
  Version,
} from "@rollcall/core";

import type { FinalOutcome, Outgoing, WriteBody } from "../routing/writer.ts";

/** Called once, when the leader has applied what was asked for or it has been refused for good. */
export type Settled = (outcome: RegistrationOutcome) => void;

export interface RegistrationIdentity {
  readonly key: ServiceKey;
  readonly slot: SlotId;
  readonly instanceId: string;
  /** Empty for registrations made without a connection. */
  readonly clientId: string;
}

/** Whoever the registration lives with: a connection, or nothing but its lease. */
export type Owner = object | undefined;

/** What became of an attempt to write a registration. */
export type AttemptEnd =
  | { readonly kind: "denied"; readonly error: ErrorValue }
  | { readonly kind: "applied"; readonly version: Version }
  | { readonly kind: "superseded"; readonly by: RegistrationVersion };

/** What the leader is told of it. */
type Standing = "listed" | "held back" | "removed";

export class Registration implements Outgoing, RegistrationStamp {
  readonly identity: RegistrationIdentity;
  owner: Owner;
  version: RegistrationVersion;
  removed: boolean;
  instance: Uint8Array;
  leaseMs: number;
  /** An operator has switched off what its client registers: it is kept here, and is in no list. */
  heldBack: boolean;
  /** Of the change that the leader has not applied yet, when that is traced. */
  traceparent: Traceparent | undefined;
  /** Version of the datum at which the leader has applied the present stamp; undefined while it has not. */
  appliedAt: Version | undefined;
  /** What it counts in the digest of its slot; undefined when it does not. Kept by SlotDigests. */
  digest: Digest | undefined;
  /** The store has let go of it; an attempt that is still waiting is not made any more. */
  isDropped = false;
  readonly #waiting: Settled[] = [];
  readonly #ended: (registration: Registration, end: AttemptEnd) => void;

  constructor(
    identity: RegistrationIdentity,
    wanted: Pick<Registration, "owner" | "version" | "removed" | "instance" | "leaseMs" | "heldBack" | "traceparent">,
    ended: (registration: Registration, end: AttemptEnd) => void,
  ) {
    this.identity = identity;
    this.owner = wanted.owner;
    this.version = wanted.version;
    this.removed = wanted.removed;
    this.instance = wanted.instance;
    this.leaseMs = wanted.leaseMs;
    this.heldBack = wanted.heldBack;
    this.traceparent = wanted.traceparent;
    this.#ended = ended;
  }

  get slot(): SlotId {
    return this.identity.slot;
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
      key: this.identity.key,
      instanceId: this.identity.instanceId,
      clientId: this.identity.clientId,
      version: this.version,
      instance: isListed ? this.instance : NO_BYTES,
      leaseMs: this.leaseMs,
      traceparent: this.traceparent,
      heldBack: standing === "held back",
    };
  }

  settled(sent: WriteBody, outcome: FinalOutcome): void {
    if (this.isDropped) return;
    // An answer to an older wish: the present one is on its way by itself.
    const present = sent.version === this.version && standingOf(sent) === this.standing;
    if (present && outcome.kind !== "unknown") this.#ended(this, outcome);
  }

  /** True while a client waits to hear of its wish; a copy that is only written again is awaited by nobody. */
  get isAwaited(): boolean {
    return this.#waiting.length > 0;
  }

  wait(settled: Settled): void {
    this.#waiting.push(settled);
  }

  /** Whoever asks for the same again has no use for the answer to the first time. */
  waitInstead(settled: Settled): void {
    this.#waiting.splice(0, Infinity, settled);
  }

  tell(outcome: RegistrationOutcome): void {
    for (const settled of this.#waiting.splice(0)) settled(outcome);
  }
}

function standingOf({ kind, heldBack }: WriteBody): Standing {
  if (kind !== "unregister") return "listed";
  return heldBack === true ? "held back" : "removed";
}

const NO_BYTES = new Uint8Array(0);
