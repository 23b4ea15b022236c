/**
 * The simulated network: hosts and dialers by address, the links between them, and every fault they can suffer. It
 * hands out the same `MessageStream`s that real transports do and moves only with the clock, so a cluster in one
 * process, on one seed, behaves the same in every run.
 */

import { RegistryError, type Clock, type Dialer, type ErrorValue, type StreamRoutes } from "@rollcall/core";
import { FaultRules, type FaultScope, type LinkFaults } from "./link-faults.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { SimProcesses } from "./sim-processes.ts";
import { SimLink, type LinkSurroundings } from "./sim-link.ts";
import { TraceRing, type Direction, type FrameFate, type LinkEvent, type TraceEntry } from "./trace.ts";

export interface SimNetworkOptions {
  readonly clock: Clock;
  readonly random: SeededRandom;
  /** How long an end goes without an answer until it takes the link for lost; each finds out in the second half. */
  readonly keepaliveMs?: number | undefined;
  /** How many of the last things carried are kept for {@link SimNetwork.trace}. By default none. */
  readonly traceMax?: number | undefined;
  /** Called with every frame just before its receiver takes it in, copies made by a fault included. */
  readonly carried?: ((frame: CarriedFrame) => void) | undefined;
  /** Called with every message that its receiver refuses. */
  readonly refused?: ((refusal: Refusal) => void) | undefined;
}

/** What a receiver says of a message that it does not take. */
export interface Refusal {
  readonly method: string;
  readonly from: string;
  readonly to: string;
  readonly error: ErrorValue;
}

/** What was carried since the network was made. Take the difference of two to measure an interval. */
export interface CarriedTotals {
  readonly links: number;
  /** Frames handed over by senders, whatever became of them. */
  readonly frames: number;
  readonly bytes: number;
}

/** A frame that a receiver is about to take in. */
export interface CarriedFrame {
  /** The same for all frames of one link, and for no other link. */
  readonly link: string;
  readonly method: string;
  readonly direction: Direction;
  readonly from: string;
  readonly to: string;
  readonly message: Uint8Array;
}

/** The keepalive of the real transports. */
export const KEEPALIVE_MS = 4_000;

export interface PartitionOptions {
  /** Only what goes from the first to the second is held up. */
  readonly oneWay?: boolean | undefined;
}

export class SimNetwork {
  readonly #clock: Clock;
  readonly #random: SeededRandom;
  readonly #keepaliveMs: number;
  readonly #rules = new FaultRules();
  readonly #trace: TraceRing;
  readonly #processes = new SimProcesses();
  readonly #links = new Set<SimLink>();
  readonly #dialled = new Map<string, number>();
  readonly #carried: ((frame: CarriedFrame) => void) | undefined;
  readonly #refused: ((refusal: Refusal) => void) | undefined;
  #totals = { links: 0, frames: 0, bytes: 0 };

  constructor({ clock, random, keepaliveMs = KEEPALIVE_MS, traceMax = 0, carried, refused }: SimNetworkOptions) {
    this.#clock = clock;
    this.#random = random.fork("network");
    this.#keepaliveMs = keepaliveMs;
    this.#trace = new TraceRing(traceMax);
    this.#carried = carried;
    this.#refused = refused;
  }

  // Who is there -----------------------------------------------------------------------------------------------------

  host(address: string, routes: StreamRoutes): void {
    this.#processes.listen(address, routes);
    this.#comeBack(address);
  }

  /** Accepts no more links. Those there are stay: closing them is up to whoever holds them. */
  unhost(address: string): void {
    this.#processes.unlisten(address);
  }

  dialer(from: string): Dialer {
    this.#comeBack(from);
    const life = this.#processes.livesBefore(from);
    return {
      dial: (to, method) => {
        const name = this.#linkName(from, to, method);
        const link = new SimLink(name, this.#surroundings(name), from, to, method);
        if (this.#processes.livesBefore(from) !== life) {
          link.dialler.die(true);
        } else {
          this.#links.add(link);
          link.open();
        }
        return link.dialler;
      },
    };
  }

  /**
   * The process at `address` ends without a word to its own code, which must be stopped by its clock. Its kernel resets
   * its links, unless `silent`: then the machine is gone, and others find out by their keepalive.
   */
  crash(address: string, { silent = false }: { readonly silent?: boolean | undefined } = {}): void {
    this.#processes.crash(address, silent);
    for (const link of this.#links) {
      for (const end of [link.dialler, link.acceptor]) if (end.address === address) end.die(silent);
    }
  }

  // What is wrong with it --------------------------------------------------------------------------------------------

  /** Replaces the faults of a scope; `{}` takes them away. Holds for what is sent from now on. */
  setFaults(scope: FaultScope, faults: Partial<LinkFaults>): void {
    this.#rules.set(scope, faults);
  }

  /** Nothing passes between any of `a` and any of `b`. Links that this outlasts are lost. */
  partition(
    a: string | readonly string[],
    b: string | readonly string[],
    { oneWay = false }: PartitionOptions = {},
  ): void {
    for (const from of [a].flat()) {
      for (const to of [b].flat()) {
        this.#rules.block(from, to);
        if (!oneWay) this.#rules.block(to, from);
      }
    }
    this.#review();
  }

  /** Ends what {@link partition} began between these, in both directions; without arguments, everywhere. */
  heal(a?: string | readonly string[], b?: string | readonly string[]): void {
    if (a === undefined || b === undefined) {
      this.#rules.unblockAll();
    } else {
      for (const from of [a].flat()) {
        for (const to of [b].flat()) {
          this.#rules.unblock(from, to);
          this.#rules.unblock(to, from);
        }
      }
    }
    this.#review();
  }

  /** Whether nothing passes in that direction. */
  isCut(from: string, to: string): boolean {
    return this.#rules.isBlocked(from, to);
  }

  /** Breaks every link between the two; with one address, every link it has. */
  reset(a: string, b?: string): void {
    for (const link of this.#links) {
      const { address, peer } = link.dialler;
      const concerned =
        b === undefined ? address === a || peer === a : (address === a && peer === b) || (address === b && peer === a);
      if (concerned) link.reset();
    }
  }

  /** `address` stops reading; its links live on, because its transport still answers. Senders see congestion. */
  pause(address: string): void {
    this.#processes.setReading(address, false);
  }

  resume(address: string): void {
    this.#processes.setReading(address, true);
    this.#review();
  }

  /** The process at `address` is stopped (SIGSTOP; stop its clock too): nothing answers, and others give its links up. */
  freeze(address: string): void {
    this.#processes.setFrozen(address, true);
    this.#review();
  }

  thaw(address: string): void {
    this.#processes.setFrozen(address, false);
    this.#review();
  }

  /** Ends every fault. */
  calm(): void {
    this.#rules.clear();
    this.#processes.calm();
    this.#review();
  }

  // What can be seen -------------------------------------------------------------------------------------------------

  get carried(): CarriedTotals {
    return { ...this.#totals };
  }

  /** Links of which at least one end is open. */
  get links(): number {
    return this.#links.size;
  }

  /** Bytes sent to `address` that it has not taken in. */
  waitingBytes(address: string): number {
    let bytes = 0;
    for (const { dialler, acceptor } of this.#links) {
      if (dialler.peer === address) bytes += dialler.outgoing.waitingBytes;
      if (acceptor.peer === address) bytes += acceptor.outgoing.waitingBytes;
    }
    return bytes;
  }

  /** The last things carried, oldest first. */
  trace(): TraceEntry[] {
    return this.#trace.entries();
  }

  clearTrace(): void {
    this.#trace.clear();
  }

  // What links ask for -----------------------------------------------------------------------------------------------

  /** The same for the same link in a run that differs elsewhere, so that its randomness stays as it was. */
  #linkName(from: string, to: string, method: string): string {
    const name = `${from} > ${to} ${method}`;
    const number = this.#dialled.get(name) ?? 0;
    this.#dialled.set(name, number + 1);
    this.#totals.links++;
    return `${name} ${number}`;
  }

  #surroundings(linkName: string): LinkSurroundings {
    return {
      clock: this.#clock,
      random: this.#random.fork(linkName),
      keepaliveMs: this.#keepaliveMs,
      faults: (from, to) => this.#rules.between(from, to),
      isBlocked: (from, to) => this.#rules.isBlocked(from, to),
      isReading: (address) => this.#processes.isReading(address),
      isSilent: (address) => this.#processes.isSilent(address),
      accept: (link) => this.#accept(link),
      frameSent: (message) => {
        this.#totals.frames++;
        this.#totals.bytes += message.length;
      },
      frameSeen: (link, direction, message, fate) => this.#frameSeen(link, direction, message, fate),
      refused: ({ method, dialler, acceptor }, to, error) => {
        const from = (to === dialler.address ? acceptor : dialler).address;
        this.#refused?.({ method, from, to, error });
      },
      linkSeen: (link, direction, event, error) => this.#linkSeen(link, direction, event, error),
      over: (link) => this.#links.delete(link),
    };
  }

  #accept({ acceptor, method }: SimLink): RegistryError | undefined {
    const routes = this.#processes.routesAt(acceptor.address);
    if (routes === undefined) return new RegistryError("unavailable", `nothing listens at ${acceptor.address}`);
    const handler = routes.get(method);
    if (handler === undefined)
      return new RegistryError("protocol_violation", `${acceptor.address} has no method ${method}`);
    handler(acceptor, { address: acceptor.peer });
    return undefined;
  }

  #comeBack(address: string): void {
    if (this.#processes.comeBack(address)) this.#review();
  }

  #review(): void {
    for (const link of this.#links) link.review();
  }

  #frameSeen(link: SimLink, direction: Direction, message: Uint8Array, fate: FrameFate): void {
    if (this.#trace.keeps) this.#trace.add({ kind: "frame", ...this.#traced(link, direction), message, fate });
    if (this.#carried === undefined || (fate !== "delivered" && fate !== "duplicated")) return;
    const sender = direction === "request" ? link.dialler : link.acceptor;
    const { name, method } = link;
    this.#carried({ link: name, method, direction, from: sender.address, to: sender.peer, message });
  }

  #linkSeen(link: SimLink, direction: Direction, event: LinkEvent, error: ErrorValue | undefined): void {
    if (this.#trace.keeps) this.#trace.add({ kind: "link", ...this.#traced(link, direction), event, error });
  }

  #traced({ dialler, acceptor, method }: SimLink, direction: Direction) {
    const sender = direction === "request" ? dialler : acceptor;
    return { at: this.#clock.now(), from: sender.address, to: sender.peer, method, direction };
  }
}
