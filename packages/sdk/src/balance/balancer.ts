/** A subscription from which one instance at a time is taken, to be called. */

import {
  canTakeWork,
  RegistryError,
  textFromServiceKey,
  type Clock,
  type FilterInput,
  type Instance,
  type Random,
  type ServiceKey,
} from "@rollcall/core";

import { firstView } from "../first-view.ts";
import type { ServiceView } from "../service-view.ts";
import type { Subscription } from "../subscription.ts";
import type { Policy, PolicyContext } from "./policy.ts";

export interface BalancerOptions {
  /** Which of its instances. Default: all. */
  readonly filter?: FilterInput | undefined;
  /** How one is chosen. Default: {@link weightedRandom}. */
  readonly policy?: Policy | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One instance, taken for one call. */
export interface Picked {
  readonly instance: Instance;
  /** The call has ended, well or not. Calling it again is fine. */
  readonly done: () => void;
}

export interface Balancer {
  readonly service: ServiceKey;
  /** What is balanced over. */
  readonly subscription: Subscription;
  /** One of the instances that may be called, if there is one, without waiting. */
  pick(options?: PickOptions): Picked | undefined;
  /**
   * The same, after waiting for the first view of the service.
   *
   * Rejects with a RegistryError: `unavailable` when nobody may be called; `deadline_exceeded` when there is no view in
   * time; as {@link Subscription.ready} does. Rejects with the reason of `signal`.
   */
  acquire(options?: AcquireOptions): Promise<Picked>;
  /** Ends the subscription. Calling it again is fine. */
  close(): void;
  /** The same as {@link close}, for `using`. */
  [Symbol.dispose](): void;
}

export interface PickOptions {
  /** Ids of instances that are out of the question, for example because they have just failed. */
  readonly except?: ReadonlySet<string> | undefined;
}

export interface AcquireOptions extends PickOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface BalancerPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly policy: Policy;
  /** How long `acquire` waits for the first view, in milliseconds. */
  readonly firstViewTimeoutMs: number;
}

export class SubscriptionBalancer implements Balancer {
  readonly subscription: Subscription;
  readonly #ports: BalancerPorts;
  readonly #context: PolicyContext;
  /** Calls under way by instance id, for an instance that changes meanwhile still has them. */
  readonly #pending = new Map<string, number>();
  /** Those of a view that may be called: the same until there is another view. */
  #callable: { readonly of: ServiceView; readonly instances: readonly Instance[] } | undefined;

  constructor(subscription: Subscription, ports: BalancerPorts) {
    this.subscription = subscription;
    this.#ports = ports;
    this.#context = { random: ports.random, pendingOf: ({ id }) => this.#pending.get(id) ?? 0 };
  }

  get service(): ServiceKey {
    return this.subscription.service;
  }

  pick({ except }: PickOptions = {}): Picked | undefined {
    const callable = this.#callableNow();
    const instances = except === undefined ? callable : callable.filter(({ id }) => !except.has(id));
    return instances.length === 0 ? undefined : this.#take(this.#ports.policy(instances, this.#context));
  }

  async acquire({ signal, ...options }: AcquireOptions = {}): Promise<Picked> {
    signal?.throwIfAborted();
    if (this.subscription.current() === undefined) {
      const { clock, firstViewTimeoutMs: timeoutMs } = this.#ports;
      await firstView(this.subscription, { clock, timeoutMs, signal });
    }
    const pick = this.pick(options);
    if (pick !== undefined) return pick;
    const listed = this.subscription.current()?.instances.length ?? 0;
    const callable = this.#callableNow().length;
    throw new RegistryError(
      "unavailable",
      `nobody of ${textFromServiceKey(this.service)} is left to be called: ${listed} listed, ${callable} of them enabled, healthy and with a weight`,
    );
  }

  close(): void {
    this.subscription.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #callableNow(): readonly Instance[] {
    const view = this.subscription.current();
    if (view === undefined) return [];
    if (this.#callable?.of !== view) this.#callable = { of: view, instances: view.instances.filter(canTakeWork) };
    return this.#callable.instances;
  }

  #take(instance: Instance): Picked {
    const { id } = instance;
    this.#pending.set(id, (this.#pending.get(id) ?? 0) + 1);
    let isDone = false;
    const done = (): void => {
      if (isDone) return;
      isDone = true;
      const left = this.#pending.get(id)! - 1;
      if (left === 0) this.#pending.delete(id);
      else this.#pending.set(id, left);
    };
    return { instance, done };
  }
}
