/** One direction of a simulated link: when each parcel arrives, and what the faults do to it on the way. */

import { RegistryError, type ErrorValue } from "@rollcall/core";
import type { LinkEnd, SimLink } from "./sim-link.ts";
import type { FrameFate } from "./trace.ts";

export type Parcel =
  /** The link itself: whoever dialled is at the door. */
  | { readonly kind: "opening" }
  | {
      readonly kind: "frame";
      readonly message: Uint8Array;
      /** Lets those behind it overtake. */
      readonly late: boolean;
      /** The second of two, made by a fault. */
      readonly copy: boolean;
    }
  | { readonly kind: "end"; readonly error: ErrorValue | undefined };

/** How often a frame that came before the opening of its link looks whether that is there, in milliseconds. */
const OPENING_STEP_MS = 1;

export class Lane {
  readonly #link: SimLink;
  readonly #sender: LinkEnd;
  #receiver: LinkEnd | undefined;
  /** When the last parcel that keeps order arrives: none that keeps order arrives before it. */
  #lastArrival = 0;
  /** Arrived, but could not be taken in. */
  #held: Parcel[] = [];
  /** Held parcels that were let go arrive at this time; what arrives until then waits, so as not to overtake them. */
  #releasedUntil = -1;
  #waitingBytes = 0;
  #congested = false;
  #drainTold = true;

  constructor(link: SimLink, sender: LinkEnd) {
    this.#link = link;
    this.#sender = sender;
  }

  connect(receiver: LinkEnd): void {
    this.#receiver = receiver;
  }

  get congested(): boolean {
    return this.#congested;
  }

  /** Bytes sent and not yet taken in by the receiver. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  send(message: Uint8Array): void {
    const { random, faults } = this.#surroundings();
    this.#link.surroundings.frameSent(message);
    if (random.chance(faults.reset)) {
      this.#seen(message, "vanished");
      this.#link.reset();
      return;
    }
    if (random.chance(faults.loss)) {
      this.#seen(message, "lost");
      return;
    }
    this.#waitingBytes += message.length;
    if (this.#waitingBytes >= faults.windowBytes) this.#congested = true;
    this.carry({ kind: "frame", message, late: random.chance(faults.reorder), copy: false });
    if (random.chance(faults.duplication)) this.carry({ kind: "frame", message, late: true, copy: true });
  }

  carry(parcel: Parcel): void {
    const { clock, random, faults } = this.#surroundings();
    const now = clock.now();
    const jitter = faults.jitterMs > 0 ? random.between(0, faults.jitterMs) : 0;
    const arrival = Math.max(now + faults.delayMs + jitter, this.#lastArrival);
    if (parcel.kind === "frame" && parcel.late) {
      this.#arriveIn(arrival + random.between(0, faults.reorderMs) - now, parcel, false);
      return;
    }
    this.#lastArrival = arrival;
    this.#arriveIn(arrival - now, parcel, false);
  }

  /** Lets go of what is held, if it can be taken in now. */
  release(): void {
    if (this.#held.length === 0 || !this.#isPassable()) return;
    const { clock, faults } = this.#surroundings();
    const now = clock.now();
    this.#releasedUntil = Math.max(this.#releasedUntil, now + faults.delayMs);
    const held = this.#held;
    this.#held = [];
    for (const parcel of held) this.#arriveIn(this.#releasedUntil - now, parcel, true);
  }

  #surroundings() {
    const { surroundings } = this.#link;
    const faults = surroundings.faults(this.#sender.address, this.#sender.peer);
    return { clock: surroundings.clock, random: surroundings.random, faults };
  }

  #isPassable(): boolean {
    const { surroundings } = this.#link;
    const { address, peer } = this.#sender;
    return !surroundings.isBlocked(address, peer) && surroundings.isReading(peer);
  }

  #arriveIn(delayMs: number, parcel: Parcel, released: boolean): void {
    this.#link.surroundings.clock.setTimer(delayMs, () => this.#arrive(parcel, released));
  }

  #arrive(parcel: Parcel, released: boolean): void {
    const now = this.#link.surroundings.clock.now();
    if (this.#link.cut) {
      if (parcel.kind === "frame") this.#leave(parcel, "vanished");
    } else if (!this.#isPassable()) {
      if (parcel.kind === "frame") this.#seen(parcel.message, "held");
      this.#held.push(parcel);
    } else if (!released && now <= this.#releasedUntil) {
      this.#arriveIn(this.#releasedUntil - now, parcel, true);
    } else {
      this.#deliver(parcel);
    }
  }

  #deliver(parcel: Parcel): void {
    const receiver = this.#receiver as LinkEnd;
    switch (parcel.kind) {
      case "opening":
        this.#link.arrived();
        break;
      case "frame":
        if (receiver.state === "open" && !receiver.listening) {
          // It has overtaken the opening, which no transport lets it do.
          this.#arriveIn(OPENING_STEP_MS, parcel, true);
          break;
        }
        this.#leave(parcel, receiver.state !== "open" ? "vanished" : parcel.copy ? "duplicated" : "delivered");
        if (receiver.state === "open") receiver.take(parcel.message);
        break;
      case "end":
        receiver.finish(parcel.error && errorFromWire(parcel.error));
        break;
    }
  }

  /** A frame is under way no longer, which may end the sender's congestion. */
  #leave({ message, copy }: Extract<Parcel, { kind: "frame" }>, fate: FrameFate): void {
    this.#seen(message, fate);
    if (copy) return;
    this.#waitingBytes -= message.length;
    if (!this.#congested || !this.#drainTold || !this.#hasRoom()) return;
    this.#drainTold = false;
    const { clock, faults } = this.#surroundings();
    clock.setTimer(faults.delayMs, () => this.#tellDrained());
  }

  #tellDrained(): void {
    this.#drainTold = true;
    if (!this.#hasRoom()) return;
    this.#congested = false;
    this.#sender.drained();
  }

  #hasRoom(): boolean {
    return this.#waitingBytes <= this.#surroundings().faults.windowBytes / 2;
  }

  #seen(message: Uint8Array, fate: FrameFate): void {
    this.#link.surroundings.frameSeen(this.#link, this.#sender.direction, message, fate);
  }
}

/** Only the value of an error travels: what caused it stays where it was. */
function errorFromWire({ reason, message, subject, retryAfterMs }: ErrorValue): RegistryError {
  return new RegistryError(reason, message, { subject, retryAfterMs });
}
