/**
 * A link made of calls, for platforms that have no stream that goes both ways. What the client says becomes calls:
 * registrations under leases, renewed as long as the link is up, and one stream of what the server pushes. That stream
 * takes all its questions at its beginning, so when they change it is followed by another, which is told what is held
 * and brings only news. It is also what the link lives and dies with.
 */

import {
  RegistryError,
  oncePerTurn,
  textFromFilter,
  textFromPattern,
  textFromServiceKey,
  type Barrier,
  type ClientHello,
  type ClientMessage,
  type Clock,
  type Filter,
  type PushReceipt,
  type ServerMessage,
  type ServiceKey,
  type ServicesReceipt,
  type SubscribeItem,
  type SubscribeServicesItem,
  type Timer,
} from "@rollcall/core";

import type { ClientLink, ClientLinkListener } from "../link.ts";
import { Lease, type Wish } from "./lease.ts";
import type { RegistryCalls } from "./registry-calls.ts";

export interface LeaseLinkPorts {
  readonly clock: Clock;
  readonly calls: RegistryCalls;
  /** Length of the leases to ask for, in milliseconds. */
  readonly leaseMs: number;
}

/** A server says something every 10 s; after this long without, in milliseconds, its stream is taken for lost. */
const SILENCE_MAX_MS = 25_000;

/** How often leases and silence are looked at, in milliseconds, at the least. */
const LOOK_EVERY_MS = 5_000;

export class LeaseLink implements ClientLink {
  /** What is said is kept by its newest state, so there is always room for more. */
  readonly congested = false;
  readonly #ports: LeaseLinkPorts;
  readonly #end = new AbortController();
  readonly #lookEveryMs: number;
  readonly #leases = new Map<string, Lease>();
  /** What was unregistered last of each service. */
  readonly #unregistered = new Map<string, string>();
  readonly #subscribes = new Map<string, SubscribeItem>();
  readonly #lists = new Map<string, SubscribeServicesItem>();
  /** Subscriptions of which a confirmed list has come: what is held of any other is not worth mentioning. */
  readonly #confirmed = new Set<string>();
  readonly #watchAgain: () => void;
  #listener: ClientLinkListener | undefined;
  #hello: ClientHello | undefined;
  #watching: AbortController | undefined;
  #isGreeted = false;
  #heardAt: number;
  #lookedAt: number;
  #timer: Timer | undefined;

  constructor(ports: LeaseLinkPorts) {
    const { clock, leaseMs } = ports;
    this.#ports = ports;
    this.#lookEveryMs = Math.min(LOOK_EVERY_MS, leaseMs / 3);
    this.#heardAt = clock.now();
    this.#lookedAt = clock.now();
    this.#watchAgain = oncePerTurn(clock, () => this.#watch());
    this.#schedule();
  }

  listen(listener: ClientLinkListener): void {
    this.#listener = listener;
  }

  send(message: ClientMessage): void {
    if (this.#end.signal.aborted) return;
    const { hello, registers, unregisters, barriers } = message;
    this.#hello ??= hello;
    for (const item of registers) this.#want({ kind: "listed", item });
    for (const item of unregisters) {
      this.#want({ kind: "gone", item });
      this.#unregistered.set(textFromServiceKey(item.key), item.instanceId);
    }
    for (const barrier of barriers) void this.#pass(barrier);
    // A summary is to be compared with what the server has, of which another stream makes sure, and leases by themselves.
    if (this.#note(message) || hello !== undefined || message.summary !== undefined) this.#watchAgain();
  }

  /** The page was away, and time may have stood still for it: renews every lease and asks for news. */
  comeBack(): void {
    for (const lease of this.#leases.values()) lease.renewDue(false);
    this.#watchAgain();
  }

  /** The page goes: takes out what it registered by calls that outlive it. */
  leave(calls: Pick<RegistryCalls, "unregister">): void {
    for (const lease of this.#leases.values()) lease.leave(calls);
  }

  close(): void {
    this.#end.abort();
    this.#timer?.cancel();
  }

  // Registrations ----------------------------------------------------------------------------------------------------

  #want(wish: Wish): void {
    const { key, instanceId } = wish.item;
    const text = `${textFromServiceKey(key)}/${instanceId}`;
    const lease = this.#leases.get(text);
    if (lease !== undefined) return lease.want(wish);
    const begun = new Lease(wish, {
      ...this.#ports,
      signal: this.#end.signal,
      lost: (error) => this.#lose(error),
      settled: ({ item: { sequence } }, outcome) => {
        if (begun.isDone) this.#leases.delete(text);
        this.#tell({ ...NOTHING, results: [{ sequence, outcome }] });
      },
    });
    this.#leases.set(text, begun);
  }

  /**
   * Draining what has been unregistered already is asking whether everybody knows. A failure is no answer, and whoever
   * asks will ask again. Never rejects.
   */
  async #pass({ sequence, key }: Barrier): Promise<void> {
    const instanceId = this.#unregistered.get(textFromServiceKey(key));
    if (instanceId === undefined) return;
    try {
      await this.#ports.calls.drain(key, instanceId, this.#end.signal);
      this.#tell({ ...NOTHING, barriers: [{ sequence, subscribers: 0, sessions: 0 }] });
    } catch {
      // Asked again in time.
    }
  }

  #renewDue(): void {
    this.#lookedAt = this.#ports.clock.now();
    for (const lease of this.#leases.values()) lease.renewDue(true);
  }

  // Subscriptions ----------------------------------------------------------------------------------------------------

  /** @returns whether another stream is needed, with other questions or with the same */
  #note(message: ClientMessage): boolean {
    const { subscribes, unsubscribes, receipts, servicesSubscribes, servicesUnsubscribes, servicesReceipts } = message;
    for (const item of subscribes) this.#subscribes.set(subscriptionText(item), item);
    for (const item of servicesSubscribes) this.#lists.set(textFromPattern(item.pattern), item);
    // What is not wanted any more goes with the next stream. Only who still hears of it says so a second time.
    const pesters = [
      ...unsubscribes.filter((item) => !this.#subscribes.delete(subscriptionText(item))),
      ...servicesUnsubscribes.filter((pattern) => !this.#lists.delete(textFromPattern(pattern))),
    ];
    const unusable = [
      ...receipts.filter((receipt) => this.#take(receipt)),
      ...servicesReceipts.filter((receipt) => this.#takeList(receipt)),
    ];
    return subscribes.length + servicesSubscribes.length + pesters.length + unusable.length > 0;
  }

  /** @returns whether the client could not use a push and needs all of it */
  #take(receipt: PushReceipt): boolean {
    const text = subscriptionText(receipt);
    const { key, filter, held, resync } = receipt;
    if (!this.#subscribes.has(text)) return false;
    if (resync) this.#confirmed.delete(text);
    this.#subscribes.set(text, { key, filter, held: this.#confirmed.has(text) ? held : undefined });
    return resync;
  }

  /** The same of a list of services. */
  #takeList({ pattern, held, resync }: ServicesReceipt): boolean {
    const text = textFromPattern(pattern);
    if (!this.#lists.has(text)) return false;
    this.#lists.set(text, { pattern, heldDigest: resync ? undefined : held.digest });
    return resync;
  }

  #watch(): void {
    if (this.#end.signal.aborted || this.#hello === undefined) return;
    this.#watching?.abort();
    this.#watching = new AbortController();
    void this.#follow(this.#hello, AbortSignal.any([this.#watching.signal, this.#end.signal]));
  }

  /** Takes in what one stream brings, until its end or the next one. Never rejects. */
  async #follow(hello: ClientHello, signal: AbortSignal): Promise<void> {
    let error = new RegistryError("unavailable", "the server ended the stream of pushes");
    const items = { subscribes: [...this.#subscribes.values()], servicesSubscribes: [...this.#lists.values()] };
    try {
      for await (const message of this.#ports.calls.watch(hello, items, signal)) {
        if (signal.aborted) return;
        this.#hear(message);
      }
    } catch (thrown) {
      error = RegistryError.fromUnknown(thrown);
    }
    if (!signal.aborted) this.#lose(error);
  }

  #hear(message: ServerMessage): void {
    const { clock } = this.#ports;
    this.#heardAt = clock.now();
    for (const push of message.pushes) if (push.confirmed) this.#confirmed.add(subscriptionText(push));
    // Only the first stream's hello opens the link; those that follow belong to the same.
    this.#tell(this.#isGreeted ? { ...message, hello: undefined } : message);
    this.#isGreeted = true;
    // A page in the background may be given timers once a minute only. What the server says comes in time.
    if (this.#heardAt - this.#lookedAt >= this.#lookEveryMs) this.#renewDue();
  }

  // The link ---------------------------------------------------------------------------------------------------------

  #schedule(): void {
    this.#timer = this.#ports.clock.setTimer(this.#lookEveryMs, () => {
      this.#schedule();
      this.#renewDue();
      const silentMs = this.#ports.clock.now() - this.#heardAt;
      if (silentMs >= SILENCE_MAX_MS)
        this.#lose(new RegistryError("deadline_exceeded", `the server has said nothing for ${silentMs} ms`));
    });
  }

  #tell(message: ServerMessage): void {
    if (!this.#end.signal.aborted) this.#listener?.message(message);
  }

  #lose(error: RegistryError): void {
    if (this.#end.signal.aborted) return;
    this.close();
    this.#listener?.closed(error);
  }
}

const NOTHING: ServerMessage = {
  hello: undefined,
  results: [],
  refusals: [],
  pushes: [],
  servicesPushes: [],
  servicesRefusals: [],
  barriers: [],
  move: undefined,
  sessions: [],
};

/** No key contains a blank. */
function subscriptionText({ key, filter }: { readonly key: ServiceKey; readonly filter: Filter }): string {
  return `${textFromServiceKey(key)} ${textFromFilter(filter)}`;
}
