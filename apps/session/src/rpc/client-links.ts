/** RegistryService.Connect: one link per client. */

import {
  RegistryError,
  type Clock,
  type DurationHistogram,
  type ClientMessage,
  type Log,
  type MessageStream,
  type ServerHello,
  type ServiceEvents,
  type StreamHandler,
  type Tracer,
} from "@rollcall/core";
import { clientMessageFromBytes, frameFromServerMessage } from "@rollcall/protocol";

import { ClientConnection } from "../connections/client-connection.ts";
import type { ServiceLists } from "../lists/service-lists.ts";
import type { RegistrationStore } from "../registrations/registration-store.ts";
import type { Barriers } from "../routing/barriers.ts";
import type { Interests } from "../views/interests.ts";
import { admit, admitHello } from "./admission.ts";
import { RepeatedReceipts } from "./repeated-receipts.ts";

export interface ClientLinksOptions {
  /** How long the registrations of a connection that was reset wait for the client to come back, in milliseconds. */
  readonly connectionGraceMs: number;
  /** The same for a connection that fell silent, from when that was found out. */
  readonly silenceGraceMs: number;
}

/** A client that has not said hello for so long, in milliseconds, is sent away. */
const HELLO_TIMEOUT_MS = 10_000;

export interface ClientLinksPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly registrations: RegistrationStore;
  readonly interests: Interests;
  readonly tracer: Tracer;
  /** From pushes to their receipts. */
  readonly receiptTimes: DurationHistogram;
  readonly barriers: Barriers;
  readonly events: ServiceEvents;
  readonly lists: ServiceLists;
  /** What to greet clients with; undefined until this node has joined a cluster. */
  readonly hello: () => ServerHello | undefined;
}

export class ClientLinks {
  readonly #options: ClientLinksOptions;
  readonly #ports: ClientLinksPorts;
  readonly #streams = new Set<MessageStream>();
  readonly #connections = new Set<ClientConnection>();
  readonly #receipts = new RepeatedReceipts();
  #stopping = false;

  constructor(options: ClientLinksOptions, ports: ClientLinksPorts) {
    this.#options = options;
    this.#ports = ports;
  }

  get connections(): number {
    return this.#connections.size;
  }

  get subscriptions(): number {
    let subscriptions = 0;
    for (const connection of this.#connections) subscriptions += connection.subscriptions;
    return subscriptions;
  }

  /** Every client has its answers and what it is subscribed to. */
  get isSettled(): boolean {
    return [...this.#connections].every((connection) => connection.isSettled);
  }

  readonly handler: StreamHandler = (stream, { address }) => {
    const { clock, log } = this.#ports;
    let connection: ClientConnection | undefined;
    const helloTimer = clock.setTimer(HELLO_TIMEOUT_MS, () =>
      stream.close(
        new RegistryError("deadline_exceeded", `the client has not said hello within ${HELLO_TIMEOUT_MS} ms`),
      ),
    );
    this.#streams.add(stream);
    stream.listen({
      message: (bytes) => {
        const repeated = connection && this.#receipts.find(bytes);
        if (repeated !== undefined) {
          connection?.receive(repeated);
          return;
        }
        const message = clientMessageFromBytes(bytes);
        if (connection === undefined) {
          connection = this.#connect(stream, message);
          helloTimer.cancel();
        }
        const { admitted, results, refusals, servicesRefusals } = admit(message);
        connection.refuse(results, refusals, servicesRefusals);
        connection.receive(admitted);
        this.#receipts.remember(bytes, admitted);
      },
      drained: () => connection?.drained(),
      closed: (error) => {
        helloTimer.cancel();
        this.#streams.delete(stream);
        if (error !== undefined)
          log.debug("a client's connection ended", {
            peer: address,
            client: connection?.client.clientId,
            reason: error.message,
          });
        if (connection !== undefined) this.#ended(connection, error);
      },
    });
  };

  sweep(now: number): void {
    for (const connection of this.#connections) connection.sweep(now);
  }

  /** Sends everybody to another session. Their registrations stay with the leaders until they are there. */
  stop(): void {
    this.#stopping = true;
    for (const stream of this.#streams)
      stream.close(new RegistryError("shutting_down", "the session node is stopping"));
  }

  #connect(stream: MessageStream, { hello }: ClientMessage): ClientConnection {
    const { clock, registrations, interests, lists, barriers, tracer, receiptTimes, events } = this.#ports;
    if (this.#stopping) throw new RegistryError("shutting_down", "the session node is stopping");
    const greeting = this.#ports.hello();
    if (greeting === undefined) throw new RegistryError("not_ready", "the session node has not joined the cluster yet");
    const connection = new ClientConnection(admitHello(hello), greeting, {
      clock,
      stream,
      encode: frameFromServerMessage,
      registrations,
      interests,
      lists,
      receipts: "given",
      tracer,
      receiptTimes,
      barriers,
      events,
    });
    this.#connections.add(connection);
    return connection;
  }

  #ended(connection: ClientConnection, error: RegistryError | undefined): void {
    this.#connections.delete(connection);
    connection.close();
    // A node that stops is no reason for its clients' registrations to go: the clients are still there.
    if (this.#stopping) return;
    this.#ports.clock.setTimer(this.#graceAfter(error), () => {
      if (!this.#stopping) this.#ports.registrations.abandon(connection);
    });
  }

  /**
   * A process that ends takes its connections with it, and is not waited for long. One that has fallen silent may be on
   * the far side of a broken network, and one that gave a reason is alive and on its way to another session.
   */
  #graceAfter(error: RegistryError | undefined): number {
    if (error === undefined) return 0;
    return error.reason === "unavailable" ? this.#options.connectionGraceMs : this.#options.silenceGraceMs;
  }
}
