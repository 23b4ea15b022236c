/**
 * The client's link to a session node, and its return when it is lost. There is one link at a time; each dial has its
 * own incarnation, so whatever is still on its way from an older link is known as such by the registry.
 *
 *     idle --> dialing --> open          open: the server has said hello
 *                 ^  \       |
 *                 |   v      v
 *                waiting <---+           every state --> closed
 *
 * Nothing is kept across a loss: whoever owns the connection says everything again on the next link.
 */

import {
  RegistryError,
  type ClientMessage,
  type Clock,
  type Log,
  type Random,
  type ServerHello,
  type ServerMessage,
  type Timer,
} from "@rollcall/core";

import { pauseBeforeDial, shuffled, type ReconnectOptions } from "./backoff.ts";
import type { ClientLink, LinkDialer } from "./link.ts";

export interface ConnectionPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly dial: LinkDialer;
  readonly log: Log;
}

export interface ConnectionOptions {
  readonly servers: readonly string[];
  readonly reconnect: ReconnectOptions;
  readonly connectTimeoutMs: number;
}

export interface ConnectionOwner {
  /** There is a new link; called before anything else is sent on it, and before it is known whether anyone is there. */
  dialed(incarnation: number): void;
  /** The server has answered. */
  opened(server: string, hello: ServerHello): void;
  /** What a server that has said hello sends. A RegistryError thrown here ends the link. */
  received(message: ServerMessage): void;
  /** The link takes messages again after it was congested. */
  drained(): void;
  /** The link is lost, open or not yet, and the next dial is in `pauseMs`. */
  lost(loss: { server: string; wasOpen: boolean; error: RegistryError; failures: number; pauseMs: number }): void;
}

interface Link {
  readonly end: ClientLink;
  readonly server: string;
}

type LinkState =
  | { readonly kind: "idle" }
  | { readonly kind: "dialing"; readonly link: Link; readonly timer: Timer }
  | { readonly kind: "open"; readonly link: Link; readonly openedAt: number }
  | { readonly kind: "waiting"; readonly timer: Timer }
  | { readonly kind: "closed" };

/**
 * A link that was open this long, in milliseconds, counts as a success. One that ends sooner counts as a failed dial,
 * or a server that greets everyone and then drops them would be dialed in a tight loop.
 */
const PROVEN_AFTER_MS = 1_000;

export class Connection {
  readonly #ports: ConnectionPorts;
  readonly #options: ConnectionOptions;
  readonly #owner: ConnectionOwner;
  readonly #servers: readonly string[];
  #state: LinkState = { kind: "idle" };
  #incarnation = 0;
  /** Dials in a row that led to no link worth the name. */
  #failures = 0;

  constructor(ports: ConnectionPorts, options: ConnectionOptions, owner: ConnectionOwner) {
    this.#ports = ports;
    this.#options = options;
    this.#owner = owner;
    this.#servers = shuffled(options.servers, ports.random);
  }

  get state(): LinkState["kind"] {
    return this.#state.kind;
  }

  get canSend(): boolean {
    return linkOf(this.#state) !== undefined;
  }

  get congested(): boolean {
    return linkOf(this.#state)?.end.congested ?? false;
  }

  /** Sends on the present link; without one the message is dropped. */
  send(message: ClientMessage): void {
    linkOf(this.#state)?.end.send(message);
  }

  open(): void {
    if (this.#state.kind === "idle") this.#dial();
  }

  /** Gives up the present link, as if it were lost. */
  giveUp(error: RegistryError): void {
    const link = linkOf(this.#state);
    if (link !== undefined) this.#lose(link, error);
  }

  /** Ends the connection for good, with an orderly goodbye. */
  close(): void {
    this.#enter({ kind: "closed" });
  }

  /** The only place where the state changes: what belonged to the old one and not to the new one ends here. */
  #enter(next: LinkState): void {
    const before = this.#state;
    this.#state = next;
    if (before.kind === "dialing" || before.kind === "waiting") before.timer.cancel();
    const link = linkOf(before);
    if (link !== linkOf(next)) link?.end.close();
  }

  #dial(): void {
    const { clock, dial } = this.#ports;
    const server = this.#servers[this.#incarnation % this.#servers.length]!;
    this.#incarnation++;
    const link: Link = { server, end: dial(server) };
    const timer = clock.setTimer(this.#options.connectTimeoutMs, () => {
      this.#lose(link, new RegistryError("deadline_exceeded", `${server} has not said hello in time`));
    });
    this.#enter({ kind: "dialing", link, timer });
    link.end.listen({
      message: (message) => this.#receive(link, message),
      drained: () => {
        if (this.#isPresent(link)) this.#owner.drained();
      },
      closed: (error) => this.#lose(link, error ?? new RegistryError("unavailable", `${server} ended the link`)),
    });
    this.#owner.dialed(this.#incarnation);
  }

  #isPresent(link: Link): boolean {
    return linkOf(this.#state) === link;
  }

  #receive(link: Link, message: ServerMessage): void {
    if (!this.#isPresent(link)) return;
    try {
      if (this.#state.kind === "dialing") this.#greet(link, message.hello);
      // Whoever heard of the hello may have closed the client.
      if (this.#isPresent(link)) this.#owner.received(message);
    } catch (thrown) {
      // A message that makes no sense ends the link; a broken invariant of our own is not ours to hide.
      if (!(thrown instanceof RegistryError)) throw thrown;
      this.#lose(link, thrown);
    }
  }

  #greet(link: Link, hello: ServerHello | undefined): void {
    if (hello === undefined) throw new RegistryError("protocol_violation", "a server says hello first");
    this.#enter({ kind: "open", link, openedAt: this.#ports.clock.now() });
    this.#owner.opened(link.server, hello);
  }

  #lose(link: Link, error: RegistryError): void {
    const state = this.#state;
    if (linkOf(state) !== link) return;
    const { clock, random, log } = this.#ports;
    // With the error: an end without one would be a goodbye, and the registrations would go with it.
    link.end.close(error);
    const wasOpen = state.kind === "open";
    const proven = wasOpen && clock.now() - state.openedAt >= PROVEN_AFTER_MS;
    // A server that says it is stopping has done nothing wrong: another one is dialed at once.
    this.#failures = proven ? Number(error.reason !== "shutting_down") : this.#failures + 1;
    const pauseMs = pauseBeforeDial(this.#failures, this.#servers.length, this.#options.reconnect, random);
    const failures = this.#failures;
    this.#enter({ kind: "waiting", timer: clock.setTimer(pauseMs, () => this.#dial()) });
    log.warn("the link to the registry is lost", { server: link.server, error, failures, pauseMs });
    this.#owner.lost({ server: link.server, wasOpen, error, failures, pauseMs });
  }
}

function linkOf(state: LinkState): Link | undefined {
  return state.kind === "dialing" || state.kind === "open" ? state.link : undefined;
}
