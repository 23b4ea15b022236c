/**
 * One registration without a stream: it is listed as long as its lease is renewed. What is wanted of it goes out call by
 * call, one at a time, because two calls that are under way together may arrive in either order. While one is under
 * way only the newest wish is kept.
 *
 *     wanted --call--> held --a third of the lease--> due --renewed--> held
 *       ^                                              |
 *       \------------- the lease is unknown -----------/
 */

import {
  RegistryError,
  type Clock,
  type RegisterItem,
  type RegistrationOutcome,
  type UnregisterItem,
} from "@rollcall/core";

import type { RegistryCalls } from "./registry-calls.ts";

export type Wish =
  | { readonly kind: "listed"; readonly item: RegisterItem }
  | { readonly kind: "gone"; readonly item: UnregisterItem };

export interface LeasePorts {
  readonly clock: Clock;
  readonly calls: RegistryCalls;
  readonly leaseMs: number;
  /** Ends with the link: what is under way then is given up. */
  readonly signal: AbortSignal;
  readonly settled: (wish: Wish, outcome: RegistrationOutcome) => void;
  /** The server is of no use. */
  readonly lost: (error: RegistryError) => void;
}

type LeaseState =
  /** The wish has yet to be carried out. */
  | { readonly kind: "wanted" }
  /** It has been, or was refused for good, and there is nothing to do. */
  | { readonly kind: "done" }
  /** The instance is listed until the lease ends, which is to be renewed at `renewAt` (clock milliseconds). */
  | { readonly kind: "held"; readonly leaseMs: number; readonly renewAt: number };

export class Lease {
  readonly #ports: LeasePorts;
  #wish: Wish;
  #state: LeaseState = { kind: "wanted" };
  #isCalling = false;

  constructor(wish: Wish, ports: LeasePorts) {
    this.#ports = ports;
    this.#wish = wish;
    void this.#work();
  }

  /** Nothing is to be done any more, until something else is wanted. */
  get isDone(): boolean {
    return this.#state.kind === "done";
  }

  /** Replaces what is wanted. The same again is tried again, unless it is under way. */
  want(wish: Wish): void {
    if (this.#isCalling && wish.item.sequence === this.#wish.item.sequence) return;
    this.#wish = wish;
    this.#state = { kind: "wanted" };
    void this.#work();
  }

  /** Renews the lease if it is time to, or at once when nobody knows what time it is. */
  renewDue(isCertain: boolean): void {
    if (this.#state.kind !== "held") return;
    if (!isCertain) this.#state = { ...this.#state, renewAt: 0 };
    void this.#work();
  }

  /** Ends what is listed by calls of another kind, for a page that goes: nobody waits for the answer. */
  leave({ unregister }: Pick<RegistryCalls, "unregister">): void {
    const { key, instanceId } = this.#wish.item;
    if (!this.isDone) unregister(key, instanceId, this.#ports.signal).catch(() => {});
  }

  /** Carries out what is to be done until nothing is. Never rejects. */
  async #work(): Promise<void> {
    if (this.#isCalling) return;
    this.#isCalling = true;
    while (!this.#ports.signal.aborted && (await this.#step()));
    this.#isCalling = false;
  }

  /** @returns whether there may be more to do at once */
  async #step(): Promise<boolean> {
    const { clock } = this.#ports;
    const state = this.#state;
    if (state.kind === "wanted") return this.#carryOut(this.#wish);
    if (state.kind === "done" || clock.now() < state.renewAt) return false;
    // Whatever comes of it, the next try is a third of the lease away.
    const held = this.#held(state.leaseMs);
    this.#state = held;
    return this.#renew(held);
  }

  async #carryOut(wish: Wish): Promise<boolean> {
    const { calls, leaseMs, signal } = this.#ports;
    const { key, instanceId } = wish.item;
    try {
      if (wish.kind === "gone") {
        this.#settle(wish, { kind: "applied", version: await calls.unregister(key, instanceId, signal) });
      } else {
        const granted = await calls.register(wish.item, leaseMs, signal);
        this.#settle(wish, { kind: "applied", version: granted.version }, this.#held(granted.leaseMs));
      }
      return true;
    } catch (thrown) {
      return this.#failed(wish, RegistryError.fromUnknown(thrown));
    }
  }

  async #renew(state: LeaseState): Promise<boolean> {
    const { calls, signal } = this.#ports;
    const { key, instanceId } = this.#wish.item;
    try {
      await calls.renew(key, instanceId, signal);
    } catch (thrown) {
      const error = RegistryError.fromUnknown(thrown);
      if (isOfServer(error)) this.#lose(error);
      else if (error.reason === "unknown_registration" && this.#state === state) this.#state = { kind: "wanted" };
    }
    return true;
  }

  #failed(wish: Wish, error: RegistryError): boolean {
    if (isOfServer(error)) this.#lose(error);
    // Nobody knows what became of it: whoever wants it says so again.
    else if (!isOfTheMoment(error)) this.#settle(wish, { kind: "refused", error });
    return this.#wish !== wish;
  }

  #settle(wish: Wish, outcome: RegistrationOutcome, next: LeaseState = { kind: "done" }): void {
    if (this.#ports.signal.aborted) return;
    if (this.#wish === wish) this.#state = next;
    this.#ports.settled(wish, outcome);
  }

  #lose(error: RegistryError): void {
    if (!this.#ports.signal.aborted) this.#ports.lost(error);
  }

  #held(leaseMs: number): LeaseState & { readonly kind: "held" } {
    return { kind: "held", leaseMs, renewAt: this.#ports.clock.now() + leaseMs / 3 };
  }
}

/** Another server may do better. */
function isOfServer({ reason }: RegistryError): boolean {
  return reason === "unavailable" || reason === "not_ready" || reason === "shutting_down";
}

/** The same again may go well, once an operator lets it. */
function isOfTheMoment({ reason }: RegistryError): boolean {
  return reason === "deadline_exceeded" || reason === "internal" || reason === "closed" || reason === "blocked";
}
