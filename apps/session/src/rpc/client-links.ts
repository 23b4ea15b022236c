/**
 * RegistryService.Connect: the links of all clients, and how they are asked to go elsewhere.
 *
 *     serving --> draining --> stopped         draining: nobody is let in, and who is here is on the way elsewhere
 */

import {
  RegistryError,
  type Log,
  type MessageStream,
  type Move,
  type Random,
  type ServerHello,
  type StreamHandler,
} from "@rollcall/core";

import type { ClientConnection } from "../connections/client-connection.ts";
import { MASS_GRACE_MS, MassLoss } from "../connections/mass-loss.ts";
import { overloaded } from "../connections/restore-gate.ts";
import { ClientLink, type ClientLinkPorts } from "./client-link.ts";
import { RepeatedReceipts } from "./repeated-receipts.ts";

export interface ClientLinksOptions {
  /** How long the registrations of a connection that was reset wait for the client to come back, in milliseconds. */
  readonly connectionGraceMs: number;
  /** The same for a connection that fell silent, from when that was found out. */
  readonly silenceGraceMs: number;
  /** Connections at a time; who comes on top of that is sent elsewhere. */
  readonly connectionsMax: number;
}

export interface ClientLinksPorts extends Omit<ClientLinkPorts, "greeting" | "receipts"> {
  readonly random: Random;
  readonly log: Log;
  /** What to greet clients with; undefined until this node has joined a cluster. */
  readonly hello: () => ServerHello | undefined;
}

type Phase =
  | { readonly kind: "serving" }
  | { readonly kind: "draining"; readonly over: () => void }
  | { readonly kind: "stopped" };

export class ClientLinks {
  readonly #options: ClientLinksOptions;
  readonly #ports: ClientLinksPorts;
  readonly #links = new Set<ClientLink>();
  readonly #connections = new Set<ClientConnection>();
  /** Those that have ended, and whose registrations wait for their clients to come back. */
  readonly #ended = new Set<ClientConnection>();
  readonly #receipts = new RepeatedReceipts();
  readonly #massLoss = new MassLoss();
  #phase: Phase = { kind: "serving" };
  #refused = 0;

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

  /** How many were refused because there were as many connections as there may be. */
  get refused(): number {
    return this.#refused;
  }

  /** How often many connections were lost at once, and not taken for clients that died. */
  get massLosses(): number {
    return this.#massLoss.episodes;
  }

  /** Whether clients are to go elsewhere. */
  get isLeaving(): boolean {
    return this.#phase.kind !== "serving";
  }

  readonly handler: StreamHandler = (stream, { address }) => {
    if (this.#links.size >= this.#options.connectionsMax) return this.#refuse(stream);
    const link = new ClientLink(
      stream,
      address,
      { ...this.#ports, receipts: this.#receipts, greeting: () => this.#greeting() },
      {
        connected: (connection) => void this.#connections.add(connection),
        ended: (ended, connection, error) => {
          this.#links.delete(ended);
          if (error !== undefined)
            this.#ports.log.debug("a client's connection ended", {
              peer: address,
              client: connection?.client.clientId,
              reason: error.message,
            });
          if (connection !== undefined) this.#connectionEnded(connection, error);
        },
      },
    );
    this.#links.add(link);
    return stream.listen(link);
  };

  /** Who is connected. */
  list(): ReadonlySet<ClientConnection> {
    return this.#connections;
  }

  /** Ends the connections of a client, and takes out at once what is registered through them. Gives how many there were. */
  closeConnections(clientId: string, why: RegistryError): number {
    const closed = [...this.#connections].filter(({ client }) => client.clientId === clientId);
    for (const connection of closed) {
      connection.sendAway(why);
      this.#ports.registrations.abandon(connection.owner);
    }
    return closed.length;
  }

  sweep(now: number): void {
    for (const connection of this.#connections) connection.sweep(now);
  }

  /** Subscriptions that have missed a push because an operator has stopped it. */
  get held(): number {
    let held = 0;
    for (const connection of this.#connections) held += connection.held;
    return held;
  }

  /** How many clients have something switched off. */
  get switchedOff(): number {
    return [...this.#connections].filter(({ isOff }) => isOff).length;
  }

  /** Operators have switched other clients off than before. */
  switchesChanged(): void {
    for (const connection of [...this.#connections, ...this.#ended]) connection.switchesChanged();
  }

  /** An operator has decided that others are pushed than before. */
  pushesChanged(): void {
    for (const connection of this.#connections) connection.pushesChanged();
  }

  /** Tells all clients which sessions there are. */
  sessionsChanged(): void {
    for (const connection of this.#connections) connection.sessionsChanged();
  }

  /** Asks so many clients, drawn at random, to move. Gives how many there were to ask. */
  ask(clients: number, move: Move): number {
    const movable = [...this.#connections].filter(({ client }) => client.moves);
    const asked = Math.min(clients, movable.length);
    for (let index = 0; index < asked; index++) {
      const drawn = index + Math.floor(this.#ports.random.next() * (movable.length - index));
      movable[drawn]!.ask(move);
      movable[drawn] = movable[index]!;
    }
    return asked;
  }

  /**
   * Lets nobody in any more and sends everybody elsewhere, spread over half the time. Resolves when all are gone, or after
   * `withinMs`, or when {@link endDrain} is called.
   * @param to addresses of sessions that take clients
   */
  async drain(withinMs: number, to: readonly string[]): Promise<void> {
    const { clock, random } = this.#ports;
    const spreadMs = Math.ceil(withinMs / 2);
    const over = new Promise<void>((resolve) => {
      this.#phase = { kind: "draining", over: resolve };
    });
    const timer = clock.setTimer(withinMs, () => this.endDrain());
    for (const connection of this.#connections) {
      if (connection.client.moves) connection.ask({ to, withinMs: spreadMs });
      else clock.setTimer(random.next() * spreadMs, () => connection.sendAway(shuttingDown()));
    }
    await over;
    timer.cancel();
  }

  /** There is nothing to be gained by waiting any longer. */
  endDrain(): void {
    if (this.#phase.kind === "draining") this.#phase.over();
  }

  /** Sends away who is still there. Their registrations stay with the leaders until they are elsewhere. */
  stop(): void {
    this.#phase = { kind: "stopped" };
    for (const { stream } of this.#links) stream.close(shuttingDown());
  }

  #refuse(stream: MessageStream): void {
    this.#refused++;
    stream.listen({ message: () => {}, closed: () => {} });
    stream.close(overloaded(`it has ${this.#options.connectionsMax} connections`));
  }

  #greeting(): ServerHello {
    if (this.isLeaving) throw shuttingDown();
    const greeting = this.#ports.hello();
    if (greeting === undefined) throw new RegistryError("not_ready", "the session node has not joined the cluster yet");
    return greeting;
  }

  #connectionEnded(connection: ClientConnection, error: RegistryError | undefined): void {
    this.#connections.delete(connection);
    connection.close();
    // A node that stops is no reason for its clients' registrations to go: the clients are still there.
    if (this.#phase.kind === "stopped") return;
    if (this.#connections.size === 0) this.endDrain();
    this.#ended.add(connection);
    const { clock } = this.#ports;
    const { connectionGraceMs, silenceGraceMs } = this.#options;
    if (error === undefined) return this.#abandonAfter(0, connection);
    // One that has fallen silent may be on the far side of a broken network, and one that gave a reason is on its way.
    if (error.reason !== "unavailable") return this.#abandonAfter(silenceGraceMs, connection);
    // A process that ends takes its connections with it, and is not waited for long.
    const lostAt = clock.now();
    this.#massLoss.lost(lostAt);
    clock.setTimer(connectionGraceMs, () => {
      const isMass = this.#massLoss.isMass(lostAt, this.#connections.size);
      this.#abandonAfter(isMass ? Math.max(0, MASS_GRACE_MS - connectionGraceMs) : 0, connection);
    });
  }

  #abandonAfter(graceMs: number, connection: ClientConnection): void {
    this.#ports.clock.setTimer(graceMs, () => {
      this.#ended.delete(connection);
      if (this.#phase.kind !== "stopped") this.#ports.registrations.abandon(connection.owner);
    });
  }
}

function shuttingDown(): RegistryError {
  return new RegistryError("shutting_down", "the session node is stopping");
}
