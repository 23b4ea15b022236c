/**
 * One simulated link: two ends and a lane in each direction. A lane carries parcels, the opening of the link and its
 * end among them, so that they keep their place among the frames.
 *
 * A parcel that arrives where it cannot be taken in (a partition, a receiver that does not read) is held and comes
 * later, if the link lives that long: what a transport that repeats lost packets does. So a stream never loses a frame
 * and lives, unless a fault says so. An end whose peer does not answer for the keepalive time takes the link for lost.
 *
 *     end:  open --> closed     by itself, by its peer's word, by a reset, by keepalive
 *             \----> dead       its process crashed: it hears nothing and says nothing
 */

import {
  assert,
  limitExceeded,
  MESSAGE_BYTES_MAX,
  messageFromFrame,
  RegistryError,
  type Clock,
  type ErrorValue,
  type Frame,
  type MessageStream,
  type StreamListener,
  type Timer,
} from "@rollcall/core";
import { Lane } from "./lane.ts";
import type { LinkFaults } from "./link-faults.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { Direction, FrameFate, LinkEvent } from "./trace.ts";

/** What a link asks of the network around it. */
export interface LinkSurroundings {
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly keepaliveMs: number;
  faults(from: string, to: string): LinkFaults;
  /** Whether what `from` sends reaches `to`. */
  isBlocked(from: string, to: string): boolean;
  /** Whether the process at `address` takes in what arrives. */
  isReading(address: string): boolean;
  /** Whether not even the transport at `address` answers, because its process is stopped or its machine gone. */
  isSilent(address: string): boolean;
  /** The opening has arrived: gives the end to a handler, or says why not. */
  accept(link: SimLink): RegistryError | undefined;
  frameSent(message: Uint8Array): void;
  frameSeen(link: SimLink, direction: Direction, message: Uint8Array, fate: FrameFate): void;
  /** The end at `address` has refused a message, which ends the link. */
  refused(link: SimLink, address: string, error: RegistryError): void;
  linkSeen(link: SimLink, direction: Direction, event: LinkEvent, error: ErrorValue | undefined): void;
  over(link: SimLink): void;
}

export class SimLink {
  /** No other link has it. */
  readonly name: string;
  readonly method: string;
  readonly surroundings: LinkSurroundings;
  /** The end of the side that dialled, which sends requests. */
  readonly dialler: LinkEnd;
  readonly acceptor: LinkEnd;
  /** Set by a reset: whatever is under way never arrives. */
  cut = false;

  constructor(name: string, surroundings: LinkSurroundings, from: string, to: string, method: string) {
    this.name = name;
    this.method = method;
    this.surroundings = surroundings;
    this.dialler = new LinkEnd(this, "request", from, to);
    this.acceptor = new LinkEnd(this, "response", to, from);
    this.dialler.connect(this.acceptor);
    this.acceptor.connect(this.dialler);
  }

  open(): void {
    this.surroundings.linkSeen(this, "request", "dialled", undefined);
    this.dialler.outgoing.carry({ kind: "opening" });
    this.review();
  }

  /** To be called when anything changed that decides whether parcels pass and pings are answered. */
  review(): void {
    this.dialler.review();
    this.acceptor.review();
  }

  /** The opening has come to the acceptor's address. */
  arrived(): void {
    if (this.acceptor.state !== "open") return;
    const refusal = this.surroundings.accept(this);
    this.surroundings.linkSeen(this, "response", refusal === undefined ? "accepted" : "refused", refusal);
    if (refusal === undefined) assert(this.acceptor.listening, `the handler of ${this.method} listens at once`);
    else this.acceptor.close(refusal);
  }

  /** Breaks the link as a reset on the way does: both ends find out, and what is under way is gone. */
  reset(): void {
    if (this.cut) return;
    this.cut = true;
    const error = new RegistryError("unavailable", "the link was reset");
    for (const end of [this.dialler, this.acceptor]) {
      const delayMs = this.surroundings.faults(end.peer, end.address).delayMs;
      this.surroundings.clock.setTimer(delayMs, () => end.finish(error));
    }
  }

  ended(): void {
    if (this.dialler.state !== "open" && this.acceptor.state !== "open") this.surroundings.over(this);
  }
}

export class LinkEnd implements MessageStream {
  readonly address: string;
  readonly peer: string;
  readonly direction: Direction;
  readonly outgoing: Lane;
  readonly #link: SimLink;
  state: "open" | "closed" | "dead" = "open";
  /** Died without its kernel telling anyone, as when a machine loses power. */
  silent = false;
  #other: LinkEnd | undefined;
  #listener: StreamListener | undefined;
  #keepalive: Timer | undefined;

  constructor(link: SimLink, direction: Direction, address: string, peer: string) {
    this.#link = link;
    this.direction = direction;
    this.address = address;
    this.peer = peer;
    this.outgoing = new Lane(link, this);
  }

  connect(other: LinkEnd): void {
    this.#other = other;
    this.outgoing.connect(other);
  }

  get listening(): boolean {
    return this.#listener !== undefined;
  }

  // What its owner calls ---------------------------------------------------------------------------------------------

  listen(listener: StreamListener): void {
    assert(this.#listener === undefined, "a stream is listened to once");
    this.#listener = listener;
  }

  send(frame: Frame): void {
    const message = messageFromFrame(frame);
    const length = new DataView(frame.buffer, frame.byteOffset).getUint32(1);
    assert(length === message.length, `a frame's header tells its length: ${length}, but it is ${message.length}`);
    if (this.state === "open") this.outgoing.send(message);
    else this.#link.surroundings.frameSeen(this.#link, this.direction, message, "vanished");
  }

  get congested(): boolean {
    return this.state === "open" && this.outgoing.congested;
  }

  close(error?: RegistryError): void {
    if (this.state !== "open") return;
    this.outgoing.carry({ kind: "end", error });
    this.#enter("closed", error);
    // Later, so that whoever closes is not called back from inside its own call.
    this.#link.surroundings.clock.defer(() => this.#tell(error));
  }

  // What happens to it -----------------------------------------------------------------------------------------------

  take(message: Uint8Array): void {
    if (message.length > MESSAGE_BYTES_MAX) {
      this.close(limitExceeded("message", `${MESSAGE_BYTES_MAX} bytes`, message.length));
      return;
    }
    assert(
      this.#listener !== undefined,
      `a stream of ${this.#link.method} is listened to in the tick it is handed out`,
    );
    try {
      this.#listener.message(message);
    } catch (thrown) {
      if (!(thrown instanceof RegistryError)) throw thrown;
      this.#link.surroundings.refused(this.#link, this.address, thrown);
      this.close(thrown);
    }
  }

  drained(): void {
    if (this.state === "open") this.#listener?.drained?.();
  }

  /** The link is over for this end; its owner is told. */
  finish(error: RegistryError | undefined): void {
    if (this.state !== "open") return;
    this.#enter("closed", error);
    this.#tell(error);
  }

  /** Its process is gone. The kernel tells the other side, unless that is gone too. */
  die(silent: boolean): void {
    if (this.state !== "open") {
      this.state = "dead";
      return;
    }
    this.silent = silent;
    if (!silent)
      this.outgoing.carry({ kind: "end", error: new RegistryError("unavailable", "the other process ended") });
    this.#enter("dead", undefined);
    this.#link.review();
  }

  /** Starts or stops waiting for the peer's answer, and lets held parcels go when the way is free. */
  review(): void {
    const { surroundings } = this.#link;
    const { address, peer } = this;
    const unanswered =
      surroundings.isBlocked(address, peer) ||
      surroundings.isBlocked(peer, address) ||
      surroundings.isSilent(peer) ||
      this.#other?.silent === true;
    if (this.state === "open" && unanswered && !surroundings.isSilent(address)) {
      // Where in its ping interval each end was is chance, so the two seldom find out together.
      const waitMs = surroundings.random.between(surroundings.keepaliveMs / 2, surroundings.keepaliveMs);
      this.#keepalive ??= surroundings.clock.setTimer(waitMs, () => this.#lose());
    } else {
      this.#stopWaiting();
    }
    this.outgoing.release();
  }

  /** Both ends learn that it was silence, not a word of the other process, that ended the link. */
  #lose(): void {
    if (this.state !== "open") return;
    this.outgoing.carry({
      kind: "end",
      error: new RegistryError("deadline_exceeded", "the other side gave the link up"),
    });
    this.finish(new RegistryError("deadline_exceeded", `no answer from ${this.peer} for the keepalive time`));
  }

  #enter(state: "closed" | "dead", error: ErrorValue | undefined): void {
    this.state = state;
    this.#stopWaiting();
    this.#link.surroundings.linkSeen(this.#link, this.direction, "closed", error);
    this.#link.ended();
  }

  #tell(error: RegistryError | undefined): void {
    if (this.state !== "dead") this.#listener?.closed(error);
  }

  #stopWaiting(): void {
    this.#keepalive?.cancel();
    this.#keepalive = undefined;
  }
}
