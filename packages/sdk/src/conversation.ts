/** What a client says to its server and hears from it, whichever link that goes over: {@link Connection} tells which. */

import {
  NOTHING_OFF,
  type ClientHello,
  type ClientMessage,
  type ClientSummary,
  type Log,
  type ServerHello,
  type ServerMessage,
  type SwitchedOff,
} from "@rollcall/core";

import type { Comparison } from "./comparison.ts";
import type { ConnectionOwner } from "./connection.ts";
import type { Drains } from "./drains.ts";
import type { EventHub } from "./events.ts";
import { Draft, type Outbox } from "./outbox.ts";
import type { Registrations } from "./registrations.ts";
import type { ServiceLists } from "./service-lists.ts";
import type { Subscriptions } from "./subscriptions.ts";

export interface ConversationPorts {
  readonly log: Log;
  readonly events: EventHub;
  readonly registrations: Registrations;
  readonly subscriptions: Subscriptions;
  readonly drains: Drains;
  readonly lists: ServiceLists;
  readonly comparison: Comparison;
  /** What the server should have of this client; undefined while it may not have heard or answered all of it. */
  readonly summary: () => ClientSummary | undefined;
  /** Made later: it sends over the connection, which needs this conversation. */
  readonly outbox: () => Outbox;
}

export class Conversation implements ConnectionOwner {
  readonly #client: Omit<ClientHello, "incarnation">;
  readonly #ports: ConversationPorts;
  #off: SwitchedOff = NOTHING_OFF;

  /** @param client who says hello */
  constructor(client: Omit<ClientHello, "incarnation">, ports: ConversationPorts) {
    this.#client = client;
    this.#ports = ports;
  }

  dialed(incarnation: number): void {
    this.#sayAnew(incarnation);
    this.#ports.outbox().begin({ ...this.#client, incarnation });
  }

  greeting(incarnation: number): ClientMessage {
    return new Draft({ ...this.#client, incarnation });
  }

  switched(incarnation: number): void {
    this.#sayAnew(incarnation);
    this.#ports.outbox().wake();
  }

  isAnswered(): boolean {
    return this.#ports.summary() !== undefined;
  }

  opened(server: string, hello: ServerHello): void {
    const { nodeId, clusterId } = hello;
    const { registrations, subscriptions, lists, drains, comparison } = this.#ports;
    registrations.opened();
    subscriptions.opened(hello);
    lists.opened();
    drains.opened();
    comparison.opened();
    this.#ports.log.info("connected to the registry", { server, nodeId, clusterId });
    this.#ports.events.emit("connected", { server, nodeId, clusterId });
  }

  received(message: ServerMessage): void {
    const { results, refusals, pushes, servicesPushes, servicesRefusals, summary, barriers } = message;
    const { registrations, subscriptions, drains, lists, comparison } = this.#ports;
    for (const result of results) registrations.take(result);
    for (const answer of barriers) drains.take(answer);
    for (const refusal of refusals) subscriptions.refuse(refusal);
    for (const push of pushes) subscriptions.take(push);
    for (const refusal of servicesRefusals) lists.refuse(refusal);
    for (const push of servicesPushes) lists.take(push);
    if (summary !== undefined) comparison.take(summary);
    // With its hello a server says what is off, and nothing when all is on.
    const off = message.switchedOff ?? (message.hello && NOTHING_OFF);
    if (off !== undefined) this.#switched(off);
  }

  #switched(off: SwitchedOff): void {
    const before = this.#off;
    if (off.register === before.register && off.subscribe === before.subscribe) return;
    this.#off = off;
    this.#ports.log.warn("an operator has switched this client off or on", { ...off });
    this.#ports.events.emit("switchedOff", off);
  }

  /** Answers about registrations are out of date there; pushes are as good as any until the new server sends its own. */
  receivedOnLeaving({ pushes }: ServerMessage): ClientMessage | undefined {
    const draft = new Draft();
    for (const push of pushes) this.#ports.subscriptions.takeAside(push, draft);
    return draft.isEmpty ? undefined : draft;
  }

  drained(): void {
    this.#ports.outbox().wake();
  }

  lost({ server, wasOpen, error, failures, pauseMs }: Parameters<ConnectionOwner["lost"]>[0]): void {
    const { registrations, subscriptions, drains, lists, comparison, events } = this.#ports;
    registrations.disconnected();
    drains.disconnected();
    subscriptions.disconnected();
    comparison.disconnected();
    lists.disconnected();
    if (wasOpen) events.emit("disconnected", { server, error });
    events.emit("retrying", { failures, pauseMs, error });
  }

  #sayAnew(incarnation: number): void {
    this.#ports.registrations.replay(incarnation);
    this.#ports.drains.replay();
    this.#ports.subscriptions.replay();
    this.#ports.lists.replay();
  }
}
