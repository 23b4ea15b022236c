/**
 * A link within one process: two ends, and what is sent at one arrives at the other, in order and soon. Nothing is lost
 * but by `cut`, and nothing happens inside of `send`, so neither side is called back from inside its own call.
 */

import {
  RegistryError,
  assert,
  messageFromFrame,
  oncePerTurn,
  type Clock,
  type Frame,
  type MessageStream,
  type StreamListener,
} from "@rollcall/core";

type Parcel =
  | { readonly kind: "message"; readonly bytes: Uint8Array }
  | { readonly kind: "end"; readonly error: RegistryError | undefined };

export class MemoryLink {
  readonly dialler: MessageStream;
  readonly acceptor: MessageStream;
  readonly #ends: readonly [MemoryEnd, MemoryEnd];

  constructor(clock: Clock) {
    const dialler = new MemoryEnd(clock);
    const acceptor = new MemoryEnd(clock);
    dialler.join(acceptor);
    acceptor.join(dialler);
    this.dialler = dialler;
    this.acceptor = acceptor;
    this.#ends = [dialler, acceptor];
  }

  get isOpen(): boolean {
    return this.#ends.every(({ isOpen }) => isOpen);
  }

  /** Breaks the link: what is on its way is gone, and both ends find out. */
  cut(): void {
    for (const end of this.#ends) end.lose(new RegistryError("unavailable", "the link was cut"));
  }
}

class MemoryEnd implements MessageStream {
  readonly congested = false;
  readonly #clock: Clock;
  readonly #takeIn: () => void;
  #peer: MemoryEnd | undefined;
  #listener: StreamListener | undefined;
  /** What has come and was not taken in: until somebody listens, or until the turn is over. */
  #arrived: Parcel[] = [];
  isOpen = true;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#takeIn = oncePerTurn(clock, () => {
      for (let parcel = this.#next(); parcel !== undefined; parcel = this.#next()) this.#take(parcel);
    });
  }

  join(peer: MemoryEnd): void {
    this.#peer = peer;
  }

  listen(listener: StreamListener): void {
    assert(this.#listener === undefined, "a stream is listened to once");
    this.#listener = listener;
    this.#takeIn();
  }

  send(frame: Frame): void {
    if (this.isOpen) this.#peer?.arrive({ kind: "message", bytes: messageFromFrame(frame) });
  }

  close(error?: RegistryError): void {
    if (!this.isOpen) return;
    this.#peer?.arrive({ kind: "end", error });
    this.lose(error);
  }

  arrive(parcel: Parcel): void {
    this.#arrived.push(parcel);
    this.#takeIn();
  }

  lose(error: RegistryError | undefined): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#arrived = [];
    this.#clock.defer(() => this.#listener?.closed(error));
  }

  #next(): Parcel | undefined {
    return this.isOpen && this.#listener !== undefined ? this.#arrived.shift() : undefined;
  }

  #take(parcel: Parcel): void {
    if (parcel.kind === "end") {
      this.isOpen = false;
      this.#listener?.closed(parcel.error);
      return;
    }
    try {
      this.#listener?.message(parcel.bytes);
    } catch (thrown) {
      if (!(thrown instanceof RegistryError)) throw thrown;
      this.close(thrown);
    }
  }
}
