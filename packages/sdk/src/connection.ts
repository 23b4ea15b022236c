/**
 * The client's link to a session node, its return when it is lost, and its move to another node when the node asks for
 * it. Each dial has its own incarnation, so whatever is still on its way from an older link is known as such by the
 * registry.
 *
 *     idle --> dialing --> open --> asked --> trying --> moving --> open         open: the server has said hello
 *                ^  |       |  <-----------------'         |
 *                |  v       v                              |                     every state --> closed
 *                waiting <--+--- from any that has a link <-'
 *
 * A move makes before it breaks. `asked`: it begins in a moment. `trying`: the other server has been dialed and all goes
 * on over the present link. `moving`: it has said hello, everything is said anew there, and the link before is kept until
 * that is answered, so that at no time nobody stands up for what is registered. A link that fails before leads back to
 * the other one.
 *
 * Nothing is kept across a loss: whoever owns the connection says everything again on the next link.
 */

import {
  RegistryError,
  setPatientTimer,
  unreachable,
  type ClientMessage,
  type Clock,
  type Log,
  type Move,
  type Random,
  type ServerHello,
  type ServerMessage,
  type Timer,
} from "@rollcall/core";
import { patienceInQueue, patienceOfDial, pauseBeforeDial, type ReconnectOptions } from "./backoff.ts";
import { KnownServers } from "./known-servers.ts";
import type { LinkDialer } from "./link.ts";
import { hasLink, linkOf, linksOf, openOf, type Link, type LinkState, type OpenLink } from "./link-state.ts";

export interface ConnectionPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly dial: LinkDialer;
  readonly log: Log;
}

export interface ConnectionOptions {
  readonly servers: readonly string[];
  readonly discoverServers: boolean;
  readonly reconnect: ReconnectOptions;
  readonly connectTimeoutMs: number;
}

export interface ConnectionOwner {
  /** There is a new link; called before anything else is sent on it, and before it is known whether anyone is there. */
  dialed(incarnation: number): void;
  /** What is said first to a server to move to, of which it is not known whether anyone is there. */
  greeting(incarnation: number): ClientMessage;
  /** From now on all goes over another link, on which a hello has been said: everything is to be said anew there. */
  switched(incarnation: number): void;
  /** The server has answered. */
  opened(server: string, hello: ServerHello): void;
  /** What a server that has said hello sends. A RegistryError thrown here ends the link. */
  received(message: ServerMessage): void;
  /** The same on the link that is being left, which is given what is returned. */
  receivedOnLeaving(message: ServerMessage): ClientMessage | undefined;
  /** Whether all that was said on the present link has its answer. */
  isAnswered(): boolean;
  /** The link takes messages again after it was congested. */
  drained(): void;
  /** The link is lost, open or not yet, and the next dial is in `pauseMs`. */
  lost(loss: { server: string; wasOpen: boolean; error: RegistryError; failures: number; pauseMs: number }): void;
}

/**
 * A link that was open this long, in milliseconds, counts as a success. One that ends sooner counts as a failed dial,
 * or a server that greets everyone and then drops them would be dialed in a tight loop.
 */
const PROVEN_AFTER_MS = 1_000;

/** How long the link before is kept, in milliseconds, when not everything is answered on the new one. */
const MOVED_WITHIN_MS = 5_000;

export class Connection {
  readonly #ports: ConnectionPorts;
  readonly #options: ConnectionOptions;
  readonly #owner: ConnectionOwner;
  readonly #servers: KnownServers;
  #state: LinkState = { kind: "idle" };
  #incarnation = 0;
  /** Dials in a row that led to no link worth the name. */
  #failures = 0;
  /** Dials in a row that were not answered in time. */
  #unheard = 0;

  constructor(ports: ConnectionPorts, options: ConnectionOptions, owner: ConnectionOwner) {
    this.#ports = ports;
    this.#options = options;
    this.#owner = owner;
    this.#servers = new KnownServers(options.servers, ports);
  }

  get state(): LinkState["kind"] {
    return this.#state.kind;
  }

  /** Whether a server has said hello on the present link. */
  get isOpen(): boolean {
    return "hello" in this.#state;
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
    if ("timer" in before) before.timer.cancel();
    const kept = linksOf(next);
    for (const link of linksOf(before)) if (!kept.includes(link)) link.end.close();
  }

  #dial(): void {
    const link = this.#link(this.#servers.next());
    this.#enter({ kind: "dialing", link, timer: this.#helloTimer(link) });
    this.#owner.dialed(link.incarnation);
  }

  #link(server: string): Link {
    const incarnation = ++this.#incarnation;
    const link: Link = { server, incarnation, end: this.#ports.dial(server) };
    link.end.listen({
      message: (message) => this.#receive(link, message),
      taken: () => this.#taken(link),
      drained: () => void (linkOf(this.#state) === link && this.#owner.drained()),
      closed: (error) => this.#lose(link, error ?? new RegistryError("unavailable", `${server} ended the link`)),
    });
    return link;
  }

  #helloTimer(link: Link): Timer {
    const leastMs = this.#options.connectTimeoutMs;
    return this.#waitForHello(link, patienceOfDial(this.#unheard, this.#servers.count, leastMs));
  }

  /** A server that is there is not given up like one that is mute: whoever leaves its queue begins at the end of another. */
  #taken(link: Link): void {
    const state = this.#state;
    if ((state.kind !== "dialing" && state.kind !== "trying") || !this.#awaitsHello(link)) return;
    this.#enter({ ...state, timer: this.#waitForHello(link, patienceInQueue(this.#options.connectTimeoutMs)) });
  }

  #waitForHello(link: Link, timeoutMs: number): Timer {
    return setPatientTimer(this.#ports.clock, timeoutMs, () => {
      this.#unheard++;
      this.#lose(link, new RegistryError("deadline_exceeded", `${link.server} has not said hello in time`));
    });
  }

  #receive(link: Link, message: ServerMessage): void {
    if (!hasLink(this.#state, link)) return;
    try {
      if (this.#awaitsHello(link)) this.#greet(link, message.hello);
      // Whoever heard of the hello may have closed the client.
      if (hasLink(this.#state, link)) this.#take(link, message);
    } catch (thrown) {
      // A message that makes no sense ends the link; a broken invariant of our own is not ours to hide.
      if (!(thrown instanceof RegistryError)) throw thrown;
      this.#lose(link, thrown);
    }
  }

  #awaitsHello(link: Link): boolean {
    const state = this.#state;
    return (state.kind === "dialing" && state.link === link) || (state.kind === "trying" && state.next === link);
  }

  #greet(link: Link, hello: ServerHello | undefined): void {
    if (hello === undefined) throw new RegistryError("protocol_violation", "a server says hello first");
    this.#unheard = 0;
    const open: OpenLink = { link, hello, openedAt: this.#ports.clock.now() };
    if (this.#state.kind === "trying") this.#move(this.#state, open);
    else this.#enter({ kind: "open", ...open });
    this.#owner.opened(link.server, hello);
  }

  #take(link: Link, message: ServerMessage): void {
    if (this.#options.discoverServers) this.#servers.learn(message.sessions);
    if (linkOf(this.#state) !== link) {
      const answer = this.#owner.receivedOnLeaving(message);
      if (answer !== undefined) link.end.send(answer);
      return;
    }
    this.#owner.received(message);
    if (message.move !== undefined) this.#ask(message.move);
    if (this.#state.kind === "moving" && this.#owner.isAnswered()) this.#arrive();
  }

  // The move -----------------------------------------------------------------------------------------------------------

  /** The server wants to be left. While a move is under way there is no other. */
  #ask({ to, withinMs }: Move): void {
    const { clock, random } = this.#ports;
    const state = this.#state;
    if (state.kind !== "open" && state.kind !== "asked") return;
    const timer = clock.setTimer(random.next() * withinMs, () => this.#try(to));
    this.#enter({ kind: "asked", ...openOf(state), timer });
  }

  #try(to: readonly string[]): void {
    const state = this.#state;
    if (state.kind !== "asked") return;
    const server = this.#servers.elsewhere(state.link.server, to);
    if (server === undefined) {
      this.#enter({ kind: "open", ...openOf(state) });
      return;
    }
    const next = this.#link(server);
    this.#enter({ kind: "trying", ...openOf(state), next, timer: this.#helloTimer(next) });
    next.end.send(this.#owner.greeting(next.incarnation));
  }

  #move(from: LinkState & { kind: "trying" }, open: OpenLink): void {
    const timer = this.#ports.clock.setTimer(MOVED_WITHIN_MS, () => this.#arrive());
    this.#enter({ kind: "moving", ...open, leaving: openOf(from), timer });
    this.#owner.switched(open.link.incarnation);
  }

  /** Leaves the link before: for good if the new one has everything, otherwise so that its server waits for a while. */
  #arrive(): void {
    const state = this.#state;
    if (state.kind !== "moving") return;
    const { server, end } = state.leaving.link;
    if (!this.#owner.isAnswered())
      end.close(new RegistryError("deadline_exceeded", `gone to ${state.link.server} before all was answered there`));
    this.#ports.log.info("moved", { from: server, to: state.link.server });
    this.#enter({ kind: "open", ...openOf(state) });
  }

  /** Goes on over a link that was there all the time, and on which less has been said. */
  #goOn(open: OpenLink): void {
    this.#enter({ kind: "open", ...open });
    this.#owner.switched(++this.#incarnation);
    this.#owner.opened(open.link.server, open.hello);
  }

  // The loss -----------------------------------------------------------------------------------------------------------

  #lose(link: Link, error: RegistryError): void {
    const state = this.#state;
    if (!hasLink(state, link)) return;
    // With the error: an end without one would be a goodbye, and the registrations would go with it.
    link.end.close(error);
    if (linkOf(state) === link) this.#losePresent(state, error);
    else this.#loseOther(state, error);
  }

  #loseOther(state: LinkState, error: RegistryError): void {
    switch (state.kind) {
      case "trying":
        this.#ports.log.warn("could not move", { to: state.next.server, error });
        this.#servers.failed(state.next.server);
        return this.#enter({ kind: "open", ...openOf(state) });
      case "moving":
        this.#servers.lost(state.leaving.link.server);
        return this.#enter({ kind: "open", ...openOf(state) });
      case "idle":
      case "dialing":
      case "open":
      case "asked":
      case "waiting":
      case "closed":
        return undefined;
      default:
        return unreachable(state);
    }
  }

  #losePresent(state: LinkState, error: RegistryError): void {
    switch (state.kind) {
      case "dialing":
        this.#servers.failed(state.link.server);
        return this.#pause(state.link.server, undefined, error);
      case "open":
      case "asked":
        this.#servers.lost(state.link.server);
        return this.#pause(state.link.server, state, error);
      case "trying":
        // The dial to the next server is under way already.
        this.#servers.lost(state.link.server);
        this.#enter({ kind: "dialing", link: state.next, timer: this.#helloTimer(state.next) });
        this.#tellLost(state.link.server, true, error, 0);
        return this.#owner.switched(state.next.incarnation);
      case "moving":
        this.#servers.failed(state.link.server);
        return this.#goOn(state.leaving);
      case "idle":
      case "waiting":
      case "closed":
        return undefined;
      default:
        return unreachable(state);
    }
  }

  #pause(server: string, was: OpenLink | undefined, error: RegistryError): void {
    const { clock, random } = this.#ports;
    const proven = was !== undefined && clock.now() - was.openedAt >= PROVEN_AFTER_MS;
    // A server that says it is stopping has done nothing wrong: another one is dialed at once.
    this.#failures = proven ? Number(error.reason !== "shutting_down") : this.#failures + 1;
    const pause = pauseBeforeDial(this.#failures, this.#servers.count, this.#options.reconnect, random);
    // A server that has too much to do is not helped by everybody coming back at the time it named.
    const leastMs = this.#servers.hasUntried ? 0 : (error.retryAfterMs ?? 0) * (0.5 + random.next());
    const pauseMs = Math.max(pause, leastMs);
    this.#enter({ kind: "waiting", timer: clock.setTimer(pauseMs, () => this.#dial()) });
    this.#tellLost(server, was !== undefined, error, pauseMs);
  }

  #tellLost(server: string, wasOpen: boolean, error: RegistryError, pauseMs: number): void {
    this.#ports.log.warn("the link to the registry is lost", { server, error, failures: this.#failures, pauseMs });
    this.#owner.lost({ server, wasOpen, error, failures: this.#failures, pauseMs });
  }
}
