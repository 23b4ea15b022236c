/**
 * A link that comes back by itself. It dials, says hello, passes messages on, and when the link is lost dials again:
 * at once the first time, then after pauses that double with jitter, so that a node that is down is not hammered and
 * its return is noticed within a second. Nothing is kept across a loss: whoever owns the link says again what matters.
 */

import {
  type Clock,
  type Dialer,
  type Frame,
  type MessageStream,
  type Random,
  RegistryError,
  type Timer,
} from "@rollcall/core";

export interface LastingLinkOwner {
  /** Longest pause between two dials, in milliseconds: how late the return of a node may be noticed. Default 1,000. */
  readonly pauseMaxMs?: number | undefined;
  /** Where to dial next; asked before each dial. */
  address(): string;
  /** Called on each new link, before anything else is sent on it. */
  opened(): void;
  /** A RegistryError thrown here ends the present link. */
  message(bytes: Uint8Array): void;
  drained?(): void;
  /**
   * The link was lost; the next one will come through `opened`. @param isNews false for further dials that fail, until
   * the other side has answered again: who is told of each would hear of nothing else
   */
  lost(error: RegistryError | undefined, isNews: boolean): void;
}

export interface LastingLinkPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly dialer: Dialer;
}

/** Pause before the second try, in milliseconds; each further one doubles. */
const PAUSE_MIN_MS = 25;
const PAUSE_MAX_MS = 1_000;

type LinkState =
  | { readonly kind: "closed" }
  | { readonly kind: "waiting"; readonly timer: Timer; readonly failures: number }
  /** `isProven` from the first message on: only then has the other side shown that it is there. */
  | { readonly kind: "open"; readonly stream: MessageStream; readonly failures: number; isProven: boolean };

export class LastingLink {
  readonly #method: string;
  readonly #ports: LastingLinkPorts;
  readonly #owner: LastingLinkOwner;
  #state: LinkState = { kind: "closed" };
  #lostSince: number | undefined;

  constructor(method: string, ports: LastingLinkPorts, owner: LastingLinkOwner) {
    this.#method = method;
    this.#ports = ports;
    this.#owner = owner;
  }

  open(): void {
    if (this.#state.kind === "closed") this.#dial(0);
  }

  /** Ends the link for good. */
  close(): void {
    const state = this.#state;
    this.#state = { kind: "closed" };
    if (state.kind === "waiting") state.timer.cancel();
    if (state.kind === "open") state.stream.close();
  }

  /** Gives up on the present link, which has gone silent, and dials anew. */
  restart(why: string): void {
    const state = this.#state;
    if (state.kind !== "open") return;
    state.stream.close();
    this.#lost(state, new RegistryError("unavailable", why));
  }

  /** Gives up on a link to somebody who has answered and is of no use: that counts as a failure, like no answer. */
  reject(why: string): void {
    if (this.#state.kind === "open") this.#state.isProven = false;
    this.restart(why);
  }

  /** Sends on the present link; without one the frame is dropped, for `opened` says everything again. */
  send(frame: Frame): void {
    if (this.#state.kind === "open") this.#state.stream.send(frame);
  }

  get isOpen(): boolean {
    return this.#state.kind === "open";
  }

  /** True once the other side has answered on the present link. */
  get isProven(): boolean {
    return this.#state.kind === "open" && this.#state.isProven;
  }

  /** Clock time at which the link was lost, or could not be dialed, if the other side has not answered since. */
  get lostSince(): number | undefined {
    return this.#lostSince;
  }

  get isCongested(): boolean {
    return this.#state.kind === "open" && this.#state.stream.congested;
  }

  #dial(failures: number): void {
    const stream = this.#ports.dialer.dial(this.#owner.address(), this.#method);
    const state: LinkState = { kind: "open", stream, failures: failures + 1, isProven: false };
    this.#state = state;
    stream.listen({
      message: (bytes) => {
        if (this.#state !== state) return;
        state.isProven = true;
        this.#lostSince = undefined;
        this.#owner.message(bytes);
      },
      drained: () => {
        if (this.#state === state) this.#owner.drained?.();
      },
      closed: (error) => this.#lost(state, error),
    });
    this.#owner.opened();
  }

  #lost(state: LinkState & { kind: "open" }, error: RegistryError | undefined): void {
    if (this.#state !== state) return;
    const failures = state.isProven ? 0 : state.failures;
    const { pauseMaxMs = PAUSE_MAX_MS } = this.#owner;
    const pause = failures === 0 ? 0 : Math.min(pauseMaxMs, PAUSE_MIN_MS * 2 ** (failures - 1));
    const timer = this.#ports.clock.setTimer(pause * (0.5 + this.#ports.random.next() / 2), () => this.#dial(failures));
    this.#state = { kind: "waiting", timer, failures };
    const isNews = this.#lostSince === undefined;
    this.#lostSince ??= this.#ports.clock.now();
    this.#owner.lost(error, isNews);
  }
}
