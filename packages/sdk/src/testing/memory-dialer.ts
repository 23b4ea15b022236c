/** The way of one client to the registry in memory, which can be cut and restored. */

import type { Clock, Dialer, MessageStream } from "@rollcall/core";

import { MemoryLink } from "./memory-link.ts";

export class MemoryDialer implements Dialer {
  readonly #clock: Clock;
  readonly #accept: (stream: MessageStream) => void;
  /** The last one dialled: a client has one link at a time. */
  #link: MemoryLink | undefined;
  /** How many have cut it and not restored it. */
  #cuts = 0;

  constructor(clock: Clock, accept: (stream: MessageStream) => void) {
    this.#clock = clock;
    this.#accept = accept;
  }

  get isCut(): boolean {
    return this.#cuts > 0;
  }

  /** While the way is cut nobody answers, and what is sent waits. */
  dial(): MessageStream {
    const link = new MemoryLink(this.#clock);
    this.#link = link;
    if (!this.isCut) this.#accept(link.acceptor);
    return link.dialler;
  }

  cut(): void {
    this.#cuts++;
    if (this.#cuts === 1) this.#link?.cut();
  }

  restore(): void {
    if (this.#cuts > 0) this.#restoreTo(this.#cuts - 1);
  }

  /** Takes back every cut. */
  mend(): void {
    if (this.#cuts > 0) this.#restoreTo(0);
  }

  #restoreTo(cuts: number): void {
    this.#cuts = cuts;
    if (cuts === 0 && this.#link?.isOpen === true) this.#accept(this.#link.acceptor);
  }
}
