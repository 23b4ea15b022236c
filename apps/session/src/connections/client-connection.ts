/**
 * One client's connection: what it registers lives as long as the connection does, and what it subscribes to is pushed
 * on it. Everything owed to the client goes out once the input at hand has been handled; while the connection is
 * congested it waits, and changes of a subscribed service coalesce.
 */

import {
  LIMITS,
  NOTHING_OFF,
  isPassed,
  limitExceeded,
  oncePerTurn,
  type Barrier,
  type BarrierAnswer,
  type ClientHello,
  type ClientIdentity,
  type ClientMessage,
  type ClientSummary,
  type Frame,
  type Move,
  type RegisterItem,
  type RegistrationResult,
  type RegistryError,
  type ServerHello,
  type ServerMessage,
  type ServiceKey,
  type ServicesRefusal,
  type SubscribeItem,
  type SubscribeServicesItem,
  type SubscriptionRefusal,
  type SwitchedOff,
  type Tracer,
  type UnregisterItem,
} from "@rollcall/core";

import type { RegistrationIdentity } from "../registrations/registration.ts";
import { RegistrationOwner } from "../registrations/registration-owner.ts";
import type { RegistrationStore, Wish } from "../registrations/registration-store.ts";
import { traceWrite } from "../registrations/write-span.ts";
import type { Barriers } from "../routing/barriers.ts";
import { ClientSubscriptions, type ClientSubscriptionsPorts } from "./client-subscriptions.ts";

export interface ClientConnectionPorts extends Omit<ClientSubscriptionsPorts, "clientId"> {
  readonly encode: (message: Partial<ServerMessage>) => Frame;
  readonly registrations: RegistrationStore;
  readonly barriers: Barriers;
  readonly tracer: Tracer;
  /** The sessions there are, framed: the same for every client. */
  readonly sessions: () => Frame | undefined;
  /** All that the client has asked for so far has its answer; called once. */
  readonly restored: () => void;
  /** What operators have switched off of a client. */
  readonly switchedOff: (client: ClientIdentity) => SwitchedOff;
}

/** What lives with a connection. */
export interface ClientHoldings {
  readonly registrations: readonly RegistrationIdentity[];
  /** It is subscribed to these. */
  readonly services: readonly ServiceKey[];
}

const NO_BYTES = new Uint8Array(0);

/** Answers that may wait for a client to read: twice what it can have registered and subscribed. */
const ANSWERS_MAX = 2 * (LIMITS.registrationsPerClient + LIMITS.subscriptionsPerClient);

export class ClientConnection {
  readonly client: ClientHello;
  /** Has what it has registered. */
  readonly owner = new RegistrationOwner();
  readonly #ports: ClientConnectionPorts;
  readonly #subscriptions: ClientSubscriptions;
  #hello: ServerHello | undefined;
  #results: RegistrationResult[] = [];
  #refusals: SubscriptionRefusal[] = [];
  #summary: ClientSummary | undefined;
  /** By the client's sequence: what gives the barrier up. */
  readonly #barriers = new Map<number, () => void>();
  /** The newest answer to each barrier. */
  readonly #barrierAnswers = new Map<number, BarrierAnswer>();
  #servicesRefusals: ServicesRefusal[] = [];
  #move: Move | undefined;
  #off: SwitchedOff = NOTHING_OFF;
  #owesOff = false;
  #owesSessions: boolean;
  /** Registers and unregisters without an answer. */
  #unanswered = 0;
  #isRestored = false;
  readonly #scheduleFlush: () => void;

  constructor(client: ClientHello, hello: ServerHello, ports: ClientConnectionPorts) {
    this.client = client;
    this.#ports = ports;
    this.#scheduleFlush = oncePerTurn(ports.clock, () => this.#flush());
    this.#hello = hello;
    this.#owesSessions = client.moves;
    this.#subscriptions = new ClientSubscriptions({ ...ports, clientId: client.clientId }, () => this.#scheduleFlush());
    this.switchesChanged();
    this.#scheduleFlush();
  }

  /** An operator has switched something of this client off. */
  get isOff(): boolean {
    return this.#off.register || this.#off.subscribe;
  }

  get subscriptions(): number {
    return this.#subscriptions.size;
  }

  /** Subscriptions that have missed a push because an operator has stopped it. */
  get held(): number {
    return this.#subscriptions.held;
  }

  /** For operators. */
  holdings(): ClientHoldings {
    return { registrations: this.owner.identities(), services: this.#subscriptions.services() };
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
    const subscriptions = this.#subscriptions;
    for (const { key, filter } of message.unsubscribes) subscriptions.unsubscribe(key, filter);
    for (const pattern of message.servicesUnsubscribes) subscriptions.unsubscribeServices(pattern);
    for (const receipt of message.receipts) subscriptions.receipt(receipt);
    for (const receipt of message.servicesReceipts) subscriptions.servicesReceipt(receipt.pattern, receipt);
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

  /** Operators have switched other clients off than before. */
  switchesChanged(): void {
    const before = this.#off;
    const off = this.#ports.switchedOff({ clientId: this.client.clientId, address: this.#ports.address });
    if (off.register === before.register && off.subscribe === before.subscribe) return;
    this.#off = off;
    this.#owesOff = true;
    this.#ports.registrations.holdBack(this.owner, off.register);
    this.#subscriptions.switchOff(off.subscribe);
    this.#scheduleFlush();
  }

  /** An operator has decided that others are pushed than before. */
  pushesChanged(): void {
    this.#subscriptions.pushesChanged();
  }

  /** Ends the connection, so that the client looks for another session. */
  sendAway(error: RegistryError): void {
    this.#ports.stream.close(error);
  }

  drained(): void {
    this.#scheduleFlush();
  }

  sweep(now: number): void {
    this.#subscriptions.sweep(now);
  }

  /** Ends the subscriptions. What becomes of the registrations is for whoever knows why the connection ended. */
  close(): void {
    this.#subscriptions.close();
    for (const giveUp of this.#barriers.values()) giveUp();
  }

  #register(item: RegisterItem): void {
    const { registrations } = this.#ports;
    const held = this.owner.size;
    if (held >= LIMITS.registrationsPerClient && !registrations.holds({ ...item, clientId: this.client.clientId })) {
      const error = limitExceeded("registrations of a client", `${LIMITS.registrationsPerClient}`, held + 1);
      this.refuse([{ sequence: item.sequence, outcome: { kind: "refused", error } }], []);
      return;
    }
    this.#wish(item, item.instance);
  }

  #unregister(item: UnregisterItem): void {
    this.#wish(item, undefined);
  }

  /** @param instance the encoded instance; undefined for a removal */
  #wish(item: UnregisterItem, instance: Uint8Array | undefined): void {
    const { sequence, key, version, instanceId } = item;
    const { registrations, tracer } = this.#ports;
    const { traceparent, settled } = traceWrite(tracer, item, (outcome) => {
      this.#unanswered--;
      if (outcome !== undefined) this.#answer([{ sequence, outcome }]);
    });
    this.#unanswered++;
    const wish: Wish = {
      key,
      instanceId,
      clientId: this.client.clientId,
      version,
      owner: this.owner,
      removed: instance === undefined,
      instance: instance ?? NO_BYTES,
      leaseMs: 0,
      heldBack: this.#off.register,
      traceparent,
    };
    registrations.wish(wish, settled);
  }

  /** What there is of the client, for it to compare. It is about now, after all that came before. */
  #summarize(): void {
    this.#summary = {
      registrations: this.owner.digest(),
      subscriptions: this.#subscriptions.digest(),
    };
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

  #subscribe(item: SubscribeItem): void {
    const error = this.#subscriptions.subscribe(item);
    if (error !== undefined) this.refuse([], [{ key: item.key, filter: item.filter, error }]);
  }

  #subscribeServices(item: SubscribeServicesItem): void {
    const error = this.#subscriptions.subscribeServices(item);
    if (error !== undefined) this.refuse([], [], [{ pattern: item.pattern, error }]);
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

  #flush(): void {
    const { stream, encode } = this.#ports;
    if (stream.congested) return;
    const [hello, summary] = [this.#hello, this.#summary];
    const switchedOff = this.#owesOff ? this.#off : undefined;
    const barriers = [...this.#barrierAnswers.values()];
    const [results, refusals, servicesRefusals] = [this.#results, this.#refusals, this.#servicesRefusals];
    const answers = results.length + refusals.length + servicesRefusals.length + barriers.length;
    if (hello !== undefined || summary !== undefined || switchedOff !== undefined || answers > 0) {
      stream.send(encode({ hello, results, refusals, servicesRefusals, summary, barriers, switchedOff }));
      this.#owesOff = false;
      this.#barrierAnswers.clear();
      this.#hello = undefined;
      this.#summary = undefined;
      this.#results = [];
      this.#refusals = [];
      this.#servicesRefusals = [];
    }
    this.#sayWhereToGo();
    this.#subscriptions.send();
    this.#lookIfRestored();
  }

  /** What is switched off is not waited for. */
  #lookIfRestored(): void {
    const isAnswered = this.#unanswered === 0 || this.#off.register;
    if (this.#isRestored || !isAnswered || !this.#subscriptions.isBegun) return;
    this.#isRestored = true;
    this.#ports.restored();
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
