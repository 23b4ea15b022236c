/**
 * One client's connection: what it registers lives as long as the connection does, and what it subscribes to is pushed
 * on it. Everything owed to the client goes out once the input at hand has been handled; while the connection is
 * congested it waits, and changes of a subscribed service coalesce.
 */

import {
  type Barrier,
  type BarrierAnswer,
  Deliveries,
  EMPTY_DIGEST,
  LIMITS,
  digestOfText,
  isPassed,
  limitExceeded,
  oncePerTurn,
  textFromFilter,
  textFromServiceKey,
  toggleDigest,
  type ClientHello,
  type ClientMessage,
  type ClientSummary,
  type Clock,
  type DurationHistogram,
  type Filter,
  type Followed,
  type Frame,
  type MessageStream,
  type PushReceipt,
  type RegisterItem,
  type RegistrationResult,
  type ServerHello,
  type ServerMessage,
  type ServiceEventKind,
  type ServiceEvents,
  type ServiceKey,
  type SubscribeItem,
  type SubscriptionRefusal,
  type Tracer,
  type UnregisterItem,
  type Version,
} from "@rollcall/core";

import type { RegistrationStore } from "../registrations/registration-store.ts";
import { traceWrite } from "../registrations/write-span.ts";
import type { Barriers } from "../routing/barriers.ts";
import type { Interests } from "../views/interests.ts";
import type { ServiceCopy } from "../views/service-copy.ts";
import type { View, Viewer } from "../views/view.ts";

export interface ClientConnectionPorts {
  readonly clock: Clock;
  readonly stream: MessageStream;
  readonly encode: (message: Partial<ServerMessage>) => Frame;
  readonly registrations: RegistrationStore;
  readonly interests: Interests;
  readonly barriers: Barriers;
  /**
   * Whether the client says what it took. One that cannot send while it receives says nothing: what was sent to it
   * counts as taken, for its stream loses nothing but its end.
   */
  readonly receipts: "given" | "implied";
  readonly tracer: Tracer;
  /** From pushes to their receipts. */
  readonly receiptTimes: DurationHistogram;
  readonly events: ServiceEvents;
}

interface Subscription {
  readonly copy: ServiceCopy;
  readonly view: View;
  readonly viewer: Viewer;
}

const NO_BYTES = new Uint8Array(0);

/** Answers that may wait for a client to read: twice what it can have registered and subscribed. */
const ANSWERS_MAX = 2 * (LIMITS.registrationsPerClient + LIMITS.subscriptionsPerClient);

export class ClientConnection {
  readonly client: ClientHello;
  readonly #ports: ClientConnectionPorts;
  readonly #subscriptions: Deliveries<Subscription>;
  #hello: ServerHello | undefined;
  #results: RegistrationResult[] = [];
  #refusals: SubscriptionRefusal[] = [];
  #summary: ClientSummary | undefined;
  /** By the client's sequence: what gives the barrier up. */
  readonly #barriers = new Map<number, () => void>();
  /** The newest answer to each barrier. */
  readonly #barrierAnswers = new Map<number, BarrierAnswer>();
  readonly #scheduleFlush: () => void;

  constructor(client: ClientHello, hello: ServerHello, ports: ClientConnectionPorts) {
    this.client = client;
    this.#ports = ports;
    this.#scheduleFlush = oncePerTurn(ports.clock, () => this.#flush());
    this.#hello = hello;
    this.#subscriptions = new Deliveries(
      ({ view }) => view.shown,
      () => this.#scheduleFlush(),
    );
    this.#scheduleFlush();
  }

  get subscriptions(): number {
    return this.#subscriptions.size;
  }

  /** The client has its answers and what it is subscribed to. */
  get isSettled(): boolean {
    return this.#results.length + this.#refusals.length === 0 && this.#subscriptions.isSettled;
  }

  /** Takes in a checked message. */
  receive(message: ClientMessage): void {
    for (const item of message.registers) this.#register(item);
    for (const item of message.unregisters) this.#unregister(item);
    for (const item of message.subscribes) this.#subscribe(item);
    for (const { key, filter } of message.unsubscribes) this.#unsubscribe(key, filter);
    for (const receipt of message.receipts) this.#receipt(receipt);
    if (message.summary !== undefined) this.#summarize();
    for (const barrier of message.barriers) this.#barrier(barrier);
  }

  refuse(results: readonly RegistrationResult[], refusals: readonly SubscriptionRefusal[]): void {
    if (results.length > 0 || refusals.length > 0) this.#answer(results, refusals);
  }

  drained(): void {
    this.#scheduleFlush();
  }

  sweep(now: number): void {
    if (!this.#ports.stream.congested) this.#subscriptions.sweep(now);
  }

  /** Ends the subscriptions. What becomes of the registrations is for whoever knows why the connection ended. */
  close(): void {
    for (const { copy, view } of this.#subscriptions.sources()) this.#unsubscribe(copy.key, view.filter);
    for (const giveUp of this.#barriers.values()) giveUp();
  }

  #register(item: RegisterItem): void {
    const { registrations } = this.#ports;
    const held = registrations.ownedBy(this);
    if (held >= LIMITS.registrationsPerClient && !registrations.holds({ ...item, clientId: this.client.clientId })) {
      const error = limitExceeded("registrations of a client", `${LIMITS.registrationsPerClient}`, held + 1);
      this.refuse([{ sequence: item.sequence, outcome: { kind: "refused", error } }], []);
      return;
    }
    this.#wish(item, { removed: false, instance: item.instance });
  }

  #unregister(item: UnregisterItem): void {
    this.#wish(item, { removed: true, instance: NO_BYTES });
  }

  #wish(item: UnregisterItem, what: { readonly removed: boolean; readonly instance: Uint8Array }): void {
    const { sequence, key, version, instanceId } = item;
    const { registrations, tracer } = this.#ports;
    const { clientId } = this.client;
    const { traceparent, settled } = traceWrite(tracer, item, (outcome) => this.#answer([{ sequence, outcome }]));
    registrations.wish({ key, instanceId, clientId, version, owner: this, leaseMs: 0, traceparent, ...what }, settled);
  }

  /** What there is of the client, for it to compare. It is about now, after all that came before. */
  #summarize(): void {
    let subscriptions = EMPTY_DIGEST;
    for (const id of this.#subscriptions.ids()) subscriptions = toggleDigest(subscriptions, digestOfText(id));
    this.#summary = { registrations: this.#ports.registrations.digestOwnedBy(this), subscriptions };
    this.#scheduleFlush();
  }

  #answer(results: readonly RegistrationResult[], refusals: readonly SubscriptionRefusal[] = []): void {
    for (const result of results) this.#results.push(result);
    for (const refusal of refusals) this.#refusals.push(refusal);
    const waiting = this.#results.length + this.#refusals.length + this.#barrierAnswers.size;
    // Pushes coalesce, answers cannot: a client that goes on asking and does not listen would fill the memory.
    if (waiting > ANSWERS_MAX)
      this.#ports.stream.close(limitExceeded("answers not read by the client", `${ANSWERS_MAX}`, waiting));
    else this.#scheduleFlush();
  }

  #subscribe({ key, filter, held }: SubscribeItem): void {
    const id = subscriptionId(key, filter);
    const known = this.#subscriptions.get(id);
    if (known !== undefined) {
      this.#subscriptions.follow(id, known.source, held);
      return;
    }
    if (this.#subscriptions.size >= LIMITS.subscriptionsPerClient) {
      const error = limitExceeded(
        "subscriptions of a client",
        `${LIMITS.subscriptionsPerClient}`,
        this.#subscriptions.size + 1,
      );
      this.refuse([], [{ key, filter, error }]);
      return;
    }
    const copy = this.#ports.interests.use(key);
    const view = copy.view(filter);
    const viewer: Viewer = {
      viewChanged: () => this.#viewChanged(id),
      hasBeenTold: (version) => this.#subscriptions.hasBeenTold(id, version),
    };
    view.viewers.add(viewer);
    this.#subscriptions.follow(id, { copy, view, viewer }, held);
    this.#record(copy.keyText, "subscribed", held?.version);
  }

  #receipt(receipt: PushReceipt): void {
    const { key, filter, held, resync } = receipt;
    const id = subscriptionId(key, filter);
    const sentAt = this.#subscriptions.receipt(id, receipt);
    if (sentAt !== undefined) {
      this.#ports.receiptTimes.observe(this.#ports.clock.now() - sentAt);
      this.#record(textFromServiceKey(key), resync ? "unusable" : "confirmed", held.version);
    }
    const followed = this.#subscriptions.get(id);
    followed?.source.copy.acknowledged(followed.source.viewer);
  }

  /** The same again, after an answer that was lost, needs no second question. */
  #barrier({ sequence, key, version }: Barrier): void {
    if (this.#barriers.has(sequence)) return;
    if (this.#barriers.size >= LIMITS.registrationsPerClient) {
      const limit = `${LIMITS.registrationsPerClient}`;
      this.#ports.stream.close(limitExceeded("barriers of a client", limit, this.#barriers.size + 1));
      return;
    }
    const giveUp = this.#ports.barriers.open(key, version, (behind) => {
      if (isPassed(behind)) this.#barriers.delete(sequence);
      this.#barrierAnswers.set(sequence, { sequence, ...behind });
      this.#answer([]);
    });
    this.#barriers.set(sequence, giveUp);
  }

  #viewChanged(id: string): void {
    const followed = this.#subscriptions.get(id);
    if (followed === undefined) return;
    const { copy } = followed.source;
    const why = this.#whyItWaits(followed);
    if (why !== undefined) this.#record(copy.keyText, "heldBack", copy.datum.version, why);
    this.#subscriptions.changed(followed);
  }

  #whyItWaits({ delivery }: Followed<Subscription>): string | undefined {
    if (this.#ports.stream.congested) return "the connection is full: it reads slowly";
    return delivery.state === "sending" ? "the push before has no receipt yet" : undefined;
  }

  #record(keyText: string, kind: ServiceEventKind, version: Version | undefined, why?: string): void {
    this.#ports.events.record(keyText, kind, { version, who: this.client.clientId, why });
  }

  #unsubscribe(key: ServiceKey, filter: Filter): void {
    const followed = this.#subscriptions.unfollow(subscriptionId(key, filter));
    if (followed === undefined) return;
    const { copy, view, viewer } = followed.source;
    this.#record(copy.keyText, "unsubscribed", undefined);
    view.viewers.delete(viewer);
    copy.closeView(view);
    copy.acknowledged(viewer);
    this.#ports.interests.release(copy);
  }

  #flush(): void {
    const { stream, encode, clock, receipts } = this.#ports;
    if (stream.congested) return;
    const [hello, summary] = [this.#hello, this.#summary];
    const barriers = [...this.#barrierAnswers.values()];
    const answers = this.#results.length + this.#refusals.length + barriers.length;
    if (hello !== undefined || summary !== undefined || answers > 0) {
      stream.send(encode({ hello, results: this.#results, refusals: this.#refusals, summary, barriers }));
      this.#barrierAnswers.clear();
      this.#hello = undefined;
      this.#summary = undefined;
      this.#results = [];
      this.#refusals = [];
    }
    for (const { source, datum, held } of this.#subscriptions.due(clock.now())) {
      const { copy, view } = source;
      for (const frame of view.framesFor(held)) stream.send(frame);
      this.#record(copy.keyText, "pushed", datum.version);
      if (receipts === "implied") {
        const id = subscriptionId(copy.key, view.filter);
        this.#subscriptions.receipt(id, { held: datum.held, resync: false });
        copy.acknowledged(source.viewer);
      }
      // The rest goes when the connection has carried this: what has not left yet still coalesces.
      if (stream.congested) break;
    }
  }
}

function subscriptionId(key: ServiceKey, filter: Filter): string {
  return `${textFromServiceKey(key)} ${textFromFilter(filter)}`;
}
