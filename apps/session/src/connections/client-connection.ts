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
  epoch,
  limitExceeded,
  oncePerTurn,
  textFromFilter,
  textFromPattern,
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
  type Held,
  type MessageStream,
  type Move,
  type Receipt,
  type RegisterItem,
  type RegistrationResult,
  type RegistryError,
  type ServerHello,
  type ServerMessage,
  type ServiceEventKind,
  type ServiceEvents,
  type ServiceKey,
  type ServicePattern,
  type ServicesRefusal,
  type SubscribeItem,
  type SubscribeServicesItem,
  type SubscriptionRefusal,
  type Tracer,
  type UnregisterItem,
  type Version,
} from "@rollcall/core";

import type { ServiceLists } from "../lists/service-lists.ts";
import type { RegistrationStore } from "../registrations/registration-store.ts";
import { traceWrite } from "../registrations/write-span.ts";
import type { Barriers } from "../routing/barriers.ts";
import type { Interests } from "../views/interests.ts";
import type { UsedView, Viewer } from "../views/view.ts";

export interface ClientConnectionPorts {
  readonly clock: Clock;
  readonly stream: MessageStream;
  readonly encode: (message: Partial<ServerMessage>) => Frame;
  readonly registrations: RegistrationStore;
  readonly interests: Interests;
  readonly barriers: Barriers;
  readonly lists: ServiceLists;
  /**
   * Whether the client says what it took. One that cannot send while it receives says nothing: what was sent to it
   * counts as taken, for its stream loses nothing but its end.
   */
  readonly receipts: "given" | "implied";
  readonly tracer: Tracer;
  /** From pushes to their receipts. */
  readonly receiptTimes: DurationHistogram;
  readonly events: ServiceEvents;
  /** The sessions there are, framed: the same for every client. */
  readonly sessions: () => Frame | undefined;
  /** All that the client has asked for so far has its answer; called once. */
  readonly restored: () => void;
}

interface Subscription extends UsedView {
  readonly id: string;
  /** Of the service; undefined for a list of services. */
  readonly keyText: string | undefined;
  readonly viewer: Viewer;
}

const BEFORE_ANY: Version = { epoch: epoch(0), counter: 0 };
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
  #servicesRefusals: ServicesRefusal[] = [];
  #lists = 0;
  #move: Move | undefined;
  #owesSessions: boolean;
  /** Registers and unregisters without an answer. */
  #unanswered = 0;
  /** Subscriptions without a first push. */
  readonly #unpushed = new Set<string>();
  #isRestored = false;
  readonly #scheduleFlush: () => void;

  constructor(client: ClientHello, hello: ServerHello, ports: ClientConnectionPorts) {
    this.client = client;
    this.#ports = ports;
    this.#scheduleFlush = oncePerTurn(ports.clock, () => this.#flush());
    this.#hello = hello;
    this.#owesSessions = client.moves;
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
    return (
      this.#results.length + this.#refusals.length + this.#servicesRefusals.length === 0 &&
      this.#subscriptions.isSettled
    );
  }

  /** Takes in a checked message. */
  receive(message: ClientMessage): void {
    for (const item of message.registers) this.#register(item);
    for (const item of message.unregisters) this.#unregister(item);
    for (const item of message.subscribes) this.#subscribe(item);
    for (const item of message.servicesSubscribes) this.#subscribeServices(item);
    for (const { key, filter } of message.unsubscribes) this.#unsubscribe(idOfService(key, filter));
    for (const pattern of message.servicesUnsubscribes) this.#unsubscribe(idOfList(pattern));
    for (const receipt of message.receipts) this.#receipt(idOfService(receipt.key, receipt.filter), receipt);
    for (const receipt of message.servicesReceipts) this.#receipt(idOfList(receipt.pattern), receipt);
    if (message.summary !== undefined) this.#summarize();
    for (const barrier of message.barriers) this.#barrier(barrier);
  }

  refuse(
    results: readonly RegistrationResult[],
    refusals: readonly SubscriptionRefusal[],
    servicesRefusals: readonly ServicesRefusal[] = [],
  ): void {
    const refused = results.length + refusals.length + servicesRefusals.length;
    if (refused > 0) this.#answer(results, refusals, servicesRefusals);
  }

  /** Asks the client to go on elsewhere. Only for one that moves. */
  ask(move: Move): void {
    this.#move = move;
    this.#scheduleFlush();
  }

  /** The sessions there are have changed markedly. */
  sessionsChanged(): void {
    if (!this.client.moves) return;
    this.#owesSessions = true;
    this.#scheduleFlush();
  }

  /** Ends the connection, so that the client looks for another session. */
  sendAway(error: RegistryError): void {
    this.#ports.stream.close(error);
  }

  drained(): void {
    this.#scheduleFlush();
  }

  sweep(now: number): void {
    if (this.#subscriptions.awaitsReceipts && !this.#ports.stream.congested) this.#subscriptions.sweep(now);
  }

  /** Ends the subscriptions. What becomes of the registrations is for whoever knows why the connection ended. */
  close(): void {
    for (const { id } of this.#subscriptions.sources()) this.#unsubscribe(id);
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
    const { traceparent, settled } = traceWrite(tracer, item, (outcome) => {
      this.#unanswered--;
      this.#answer([{ sequence, outcome }]);
    });
    this.#unanswered++;
    registrations.wish({ key, instanceId, clientId, version, owner: this, leaseMs: 0, traceparent, ...what }, settled);
  }

  /** What there is of the client, for it to compare. It is about now, after all that came before. */
  #summarize(): void {
    let subscriptions = EMPTY_DIGEST;
    for (const id of this.#subscriptions.ids()) subscriptions = toggleDigest(subscriptions, digestOfText(id));
    this.#summary = { registrations: this.#ports.registrations.digestOwnedBy(this), subscriptions };
    this.#scheduleFlush();
  }

  #answer(
    results: readonly RegistrationResult[],
    refusals: readonly SubscriptionRefusal[] = [],
    servicesRefusals: readonly ServicesRefusal[] = [],
  ): void {
    for (const result of results) this.#results.push(result);
    for (const refusal of refusals) this.#refusals.push(refusal);
    for (const refusal of servicesRefusals) this.#servicesRefusals.push(refusal);
    const waiting =
      this.#results.length + this.#refusals.length + this.#servicesRefusals.length + this.#barrierAnswers.size;
    // Pushes coalesce, answers cannot: a client that goes on asking and does not listen would fill the memory.
    if (waiting > ANSWERS_MAX)
      this.#ports.stream.close(limitExceeded("answers not read by the client", `${ANSWERS_MAX}`, waiting));
    else this.#scheduleFlush();
  }

  #subscribe({ key, filter, held }: SubscribeItem): void {
    const id = idOfService(key, filter);
    const error = this.#subscriptions.get(id) === undefined ? this.#tooMany() : undefined;
    if (error !== undefined) this.refuse([], [{ key, filter, error }]);
    else this.#follow(id, held, textFromServiceKey(key), () => this.#ports.interests.useView(key, filter));
  }

  #subscribeServices({ pattern, heldDigest }: SubscribeServicesItem): void {
    const id = idOfList(pattern);
    const error = this.#subscriptions.get(id) === undefined ? (this.#tooManyLists() ?? this.#tooMany()) : undefined;
    // Versions of lists mean nothing elsewhere: whoever comes with another list is given the whole.
    const held = heldDigest && { version: BEFORE_ANY, digest: heldDigest };
    if (error !== undefined) this.refuse([], [], [{ pattern, error }]);
    else this.#follow(id, held, undefined, () => this.#ports.lists.useView(pattern));
  }

  #follow(id: string, held: Held | undefined, keyText: string | undefined, use: () => UsedView): void {
    const known = this.#subscriptions.get(id);
    if (known !== undefined) {
      this.#subscriptions.follow(id, known.source, held);
      return;
    }
    const used = use();
    const viewer: Viewer = {
      viewChanged: () => this.#viewChanged(id),
      hasBeenTold: (version) => this.#subscriptions.hasBeenTold(id, version),
    };
    used.view.viewers.add(viewer);
    if (keyText === undefined) this.#lists++;
    this.#unpushed.add(id);
    this.#subscriptions.follow(id, { ...used, id, keyText, viewer }, held);
    this.#record(keyText, "subscribed", held?.version);
  }

  #tooMany(): RegistryError | undefined {
    const { size } = this.#subscriptions;
    if (size < LIMITS.subscriptionsPerClient) return undefined;
    return limitExceeded("subscriptions of a client", `${LIMITS.subscriptionsPerClient}`, size + 1);
  }

  #tooManyLists(): RegistryError | undefined {
    if (this.#lists < LIMITS.serviceListsPerClient) return undefined;
    return limitExceeded("lists of services of a client", `${LIMITS.serviceListsPerClient}`, this.#lists + 1);
  }

  #receipt(id: string, receipt: Receipt): void {
    const followed = this.#subscriptions.get(id);
    const sentAt = this.#subscriptions.receipt(id, receipt);
    if (sentAt !== undefined) {
      this.#ports.receiptTimes.observe(this.#ports.clock.now() - sentAt);
      this.#record(followed?.source.keyText, receipt.resync ? "unusable" : "confirmed", receipt.held.version);
    }
    followed?.source.acknowledged(followed.source.viewer);
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
    const { keyText, view } = followed.source;
    const why = this.#whyItWaits(followed);
    if (why !== undefined) this.#record(keyText, "heldBack", view.datum.version, why);
    this.#subscriptions.changed(followed);
  }

  #whyItWaits({ delivery }: Followed<Subscription>): string | undefined {
    if (this.#ports.stream.congested) return "the connection is full: it reads slowly";
    return delivery.state === "sending" ? "the push before has no receipt yet" : undefined;
  }

  #record(keyText: string | undefined, kind: ServiceEventKind, version: Version | undefined, why?: string): void {
    if (keyText === undefined) return;
    this.#ports.events.record(keyText, kind, { version, who: this.client.clientId, why });
  }

  #unsubscribe(id: string): void {
    this.#unpushed.delete(id);
    const followed = this.#subscriptions.unfollow(id);
    if (followed === undefined) return;
    const { keyText, view, viewer, acknowledged, release } = followed.source;
    if (keyText === undefined) this.#lists--;
    this.#record(keyText, "unsubscribed", undefined);
    view.viewers.delete(viewer);
    acknowledged(viewer);
    release();
  }

  #flush(): void {
    const { stream, encode, clock, receipts } = this.#ports;
    if (stream.congested) return;
    const [hello, summary] = [this.#hello, this.#summary];
    const barriers = [...this.#barrierAnswers.values()];
    const [results, refusals, servicesRefusals] = [this.#results, this.#refusals, this.#servicesRefusals];
    const answers = results.length + refusals.length + servicesRefusals.length + barriers.length;
    if (hello !== undefined || summary !== undefined || answers > 0) {
      stream.send(encode({ hello, results, refusals, servicesRefusals, summary, barriers }));
      this.#barrierAnswers.clear();
      this.#hello = undefined;
      this.#summary = undefined;
      this.#results = [];
      this.#refusals = [];
      this.#servicesRefusals = [];
    }
    this.#sayWhereToGo();
    for (const { source, datum, held } of this.#subscriptions.due(clock.now())) {
      for (const frame of source.view.framesFor(held)) stream.send(frame);
      this.#record(source.keyText, "pushed", datum.version);
      this.#unpushed.delete(source.id);
      if (receipts === "implied") {
        this.#subscriptions.receipt(source.id, { held: datum.held, resync: false });
        source.acknowledged(source.viewer);
      }
      // The rest goes when the connection has carried this: what has not left yet still coalesces.
      if (stream.congested) break;
    }
    if (!this.#isRestored && this.#unanswered === 0 && this.#unpushed.size === 0) {
      this.#isRestored = true;
      this.#ports.restored();
    }
  }

  /** First which sessions there are: a client that is asked to move chooses among those it knows. */
  #sayWhereToGo(): void {
    const { stream, encode, sessions } = this.#ports;
    const frame = this.#owesSessions ? sessions() : undefined;
    if (frame !== undefined) stream.send(frame);
    this.#owesSessions = false;
    if (this.#move !== undefined) stream.send(encode({ move: this.#move }));
    this.#move = undefined;
  }
}

function idOfService(key: ServiceKey, filter: Filter): string {
  return `${textFromServiceKey(key)} ${textFromFilter(filter)}`;
}

/** No key's text begins with a blank. */
function idOfList(pattern: ServicePattern): string {
  return ` ${textFromPattern(pattern)}`;
}
