/** What a user calls. */

import type { FilterInput } from "@rollcall/core";

import type { Balancer, BalancerOptions } from "./balance/balancer.ts";
import type { ClientEvents, EventName } from "./events.ts";
import type { HeldBackCounts } from "./held-back.ts";
import type { ManyServices } from "./many-services.ts";
import type { PendingRegistration } from "./registration.ts";
import type { RegisterInput, ServiceInput } from "./service-input.ts";
import type { ServiceView } from "./service-view.ts";
import type { Subscription } from "./subscription.ts";

/**
 * `connecting`: dialing the first time, or again. `connected`: a server has said hello. `waiting`: for the time of the
 * next dial. `closing`, `closed`: by `close`.
 */
export type ClientState = "connecting" | "connected" | "waiting" | "closing" | "closed";

export interface Client extends ManyServices, AsyncDisposable {
  /** Identity of the client over its connections: the option `name`, if there is one, and random bits. */
  readonly id: string;
  readonly state: ClientState;
  /** Subscriptions that show an older list because the registry vouches for nothing newer; for metrics of your own. */
  readonly heldBack: HeldBackCounts;
  /**
   * Registers an instance of a service for as long as this client lives, over any number of connections. The result
   * can be used at once; awaiting it waits until the leader of the service's slot has applied it.
   *
   * Throws a RegistryError: `invalid_field` or `limit_exceeded` naming field, limit and value, also for an id that
   * this client has registered for the service already; `closed`. Awaiting throws the registry's reason when it
   * refuses, or the reason of `signal`, which ends the waiting and not the registration.
   */
  register(input: RegisterInput, options?: { readonly signal?: AbortSignal | undefined }): PendingRegistration;
  /** Drains all that this client has registered: see {@link Registration.drain}. Other registrations may follow. */
  drain(options?: {
    readonly timeoutMs?: number | undefined;
    readonly signal?: AbortSignal | undefined;
  }): Promise<void>;
  /**
   * Subscribes to a service, whether or not anyone has registered it. Subscriptions with equal service and filter
   * share what is sent over the wire. An aborted `signal` closes the subscription.
   *
   * Throws a RegistryError: `invalid_field` or `limit_exceeded` naming field, limit and value; `closed`.
   */
  subscribe(
    service: ServiceInput,
    filter?: FilterInput,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Subscription;
  /**
   * The instances of a service now: what a subscription of it holds, or what the registry answers.
   *
   * Rejects with a RegistryError: as `subscribe` throws; `deadline_exceeded` after `timeoutMs` milliseconds (default:
   * the option `resolveTimeoutMs`); the registry's reason when it refuses. Rejects with the reason of `signal`.
   */
  resolve(
    service: ServiceInput,
    filter?: FilterInput,
    options?: { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number | undefined },
  ): Promise<ServiceView>;
  /**
   * Subscribes to a service in order to call one of its instances at a time. An aborted `signal` closes it.
   *
   * Throws as `subscribe` does.
   */
  balancer(service: ServiceInput, options?: BalancerOptions): Balancer;
  /** Calls `listener` at every such event until the returned function is called. */
  on<Name extends EventName>(name: Name, listener: (event: ClientEvents[Name]) => unknown): () => void;
  /**
   * Ends all subscriptions, unregisters everything, waits until that is applied (at most the option `closeTimeoutMs`)
   * and ends the connection. Never rejects; every call gives the same promise. From the first call on everything else
   * is refused with reason `closed`.
   */
  close(): Promise<void>;
}
