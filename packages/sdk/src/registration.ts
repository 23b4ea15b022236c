/** What a user holds of a registration. */

import {
  RegistryError,
  instanceFromInput,
  type Instance,
  type InstanceInput,
  type ServiceKey,
  type Version,
} from "@rollcall/core";

import type { Claim } from "./claim.ts";
import { quiet, untilAborted } from "./promises.ts";
import type { Registrations } from "./registrations.ts";

/** What may change of a registered instance: everything but its id. */
export type InstanceChange = Partial<Omit<InstanceInput, "id">>;

/** How long a caller wants to wait. */
export interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

export interface Registration {
  readonly service: ServiceKey;
  /** Identity of the instance within the service. */
  readonly id: string;
  /** The instance as it is wanted now; as it was last, once unregistered. */
  readonly instance: Instance;
  /** Version of the service's datum at which the instance, or its end, was last applied; undefined before. */
  readonly version: Version | undefined;
  /**
   * Changes the fields that are given; one that is given replaces what was there as a whole, metadata too. Resolves
   * when the leader of the service's slot has applied it, however many connections that takes. When several updates
   * are under way only the newest is sent, and all resolve with it.
   *
   * Rejects with a RegistryError: `invalid_field` or `limit_exceeded` when the result breaks a rule, the registry's
   * own reason when it refuses (the registration then goes back to what was applied last), `closed` when it was
   * unregistered. Rejects with the reason of `signal`, which ends the waiting and not the change.
   */
  update(change: InstanceChange, options?: Waiting): Promise<Registration>;
  /**
   * Ends the registration and resolves when the leader of the service's slot has taken the instance out. Calling it
   * again is fine. Rejects with reason `closed` when the client was closed before the answer came, and with the reason
   * of `signal`, which ends the waiting and not the end.
   */
  unregister(options?: Waiting): Promise<void>;
  /**
   * Ends the registration and resolves when every live subscriber of the service has acknowledged a list without it:
   * from then on the registry sends nobody here, and a provider that has finished its work may exit.
   *
   * Rejects with a RegistryError `deadline_exceeded` after `timeoutMs` milliseconds (default: the option
   * `drainTimeoutMs`), which says how many are behind; the registry's reason when it refuses; `closed`. Rejects with the
   * reason of `signal`. The registration is ended in any case.
   */
  drain(options?: {
    readonly timeoutMs?: number | undefined;
    readonly signal?: AbortSignal | undefined;
  }): Promise<void>;
  /** The same as {@link unregister}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A registration on its way. Awaiting it gives the {@link Registration} once the leader of the service's slot has
 * applied it, or throws the RegistryError with which it was refused. It can be used without being awaited, too.
 */
export interface PendingRegistration extends Registration, PromiseLike<Registration> {}

/** Drains claims, and waits as long as is wanted or as is usual. */
export type Drain = (
  claims: readonly Claim[],
  options: { readonly timeoutMs?: number | undefined; readonly signal?: AbortSignal | undefined },
) => Promise<void>;

class ClaimedRegistration implements Registration {
  readonly #claim: Claim;
  readonly #registrations: Registrations;
  readonly #drain: Drain;

  constructor(claim: Claim, registrations: Registrations, drain: Drain) {
    this.#claim = claim;
    this.#registrations = registrations;
    this.#drain = drain;
  }

  get service(): ServiceKey {
    return this.#claim.key;
  }

  get id(): string {
    return this.#claim.instance.id;
  }

  get instance(): Instance {
    return this.#claim.instance;
  }

  get version(): Version | undefined {
    return this.#claim.version;
  }

  update(change: InstanceChange, { signal }: Waiting = {}): Promise<Registration> {
    return quiet(untilAborted(this.#update(change), signal));
  }

  async #update(change: InstanceChange): Promise<Registration> {
    const { instance } = this.#claim;
    const merged: Instance = instanceFromInput({ ...instance, ...given(change), id: instance.id }, () => instance.id);
    this.#registrations.update(this.#claim, merged);
    await this.#registrations.settled(this.#claim);
    return this;
  }

  unregister({ signal }: Waiting = {}): Promise<void> {
    return quiet(untilAborted(this.#unregister(), signal));
  }

  async #unregister(): Promise<void> {
    const claim = this.#claim;
    this.#registrations.unregister(claim);
    await this.#registrations.settled(claim);
    // A claim that was refused is not listed, which is all that is asked for; of an abandoned one nobody can tell.
    if (claim.error?.reason === "closed") throw claim.error;
  }

  drain(options: Parameters<Drain>[1] = {}): Promise<void> {
    return quiet(this.#drain([this.#claim], options));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.unregister();
  }
}

class AwaitableRegistration extends ClaimedRegistration implements PendingRegistration {
  readonly #listed: () => Promise<Registration>;

  constructor(claim: Claim, registrations: Registrations, drain: Drain, signal: AbortSignal | undefined) {
    super(claim, registrations, drain);
    // What is awaited gives a plain registration: one with `then` would be awaited again, and so for ever.
    const plain = new ClaimedRegistration(claim, registrations, drain);
    this.#listed = async () => {
      await untilAborted(listed(claim, registrations), signal);
      return plain;
    };
  }

  // oxlint-disable-next-line unicorn/no-thenable -- awaiting a registration is how its application is awaited (D10)
  then<Result = Registration, Failure = never>(
    resolved?: ((registration: Registration) => Result | PromiseLike<Result>) | null,
    rejected?: ((error: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Result | Failure> {
    return this.#listed().then(resolved, rejected);
  }
}

async function listed(claim: Claim, registrations: Registrations): Promise<void> {
  if (claim.wanted === "listed") await registrations.settled(claim);
  if (claim.error !== undefined) throw claim.error;
  if (claim.wanted === "gone") throw new RegistryError("closed", "the registration was unregistered");
}

/** What a user gets for `claim`. `signal` ends only the waiting. */
export function pendingRegistration(
  claim: Claim,
  registrations: Registrations,
  drain: Drain,
  signal: AbortSignal | undefined,
): PendingRegistration {
  return new AwaitableRegistration(claim, registrations, drain, signal);
}

/** Without fields that are undefined: those stay as they are. */
function given(change: InstanceChange): InstanceChange {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
}
