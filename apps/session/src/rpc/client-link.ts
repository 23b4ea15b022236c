/**
 * One client's link, from the first byte to the end.
 *
 *     stranger --> queued --> connected        queued: it has said hello and waits for its turn to be brought back
 */

import {
  LIMITS,
  RegistryError,
  type ClientHello,
  type ClientIdentity,
  type Clock,
  type DurationHistogram,
  type Frame,
  type MessageStream,
  type ServerHello,
  type ServiceEvents,
  type StreamListener,
  type SwitchedOff,
  type Timer,
  type Tracer,
} from "@rollcall/core";
import { clientMessageFromBytes, frameFromServerMessage } from "@rollcall/protocol";

import { ClientConnection } from "../connections/client-connection.ts";
import type { Entrant, RestoreGate } from "../connections/restore-gate.ts";
import type { ServiceLists } from "../lists/service-lists.ts";
import type { PushSwitch } from "../pushes/push-switch.ts";
import type { RegistrationStore } from "../registrations/registration-store.ts";
import type { Barriers } from "../routing/barriers.ts";
import type { Interests } from "../views/interests.ts";
import { admit, admitHello } from "./admission.ts";
import type { RepeatedReceipts } from "./repeated-receipts.ts";

/** A client that has not said hello for so long, in milliseconds, is sent away. */
const HELLO_TIMEOUT_MS = 10_000;

/** What a client that waits for its turn may have said in the meantime, in bytes. */
const QUEUED_BYTES_MAX = 2 * LIMITS.clientMessageBytes;

export interface ClientLinkPorts {
  readonly clock: Clock;
  readonly registrations: RegistrationStore;
  readonly interests: Interests;
  readonly gate: RestoreGate;
  readonly tracer: Tracer;
  /** From pushes to their receipts. */
  readonly receiptTimes: DurationHistogram;
  readonly barriers: Barriers;
  readonly events: ServiceEvents;
  readonly lists: ServiceLists;
  readonly pushes: PushSwitch;
  readonly receipts: RepeatedReceipts;
  /** What to greet a client with. Throws the RegistryError for which nobody is let in now. */
  readonly greeting: () => ServerHello;
  /** The sessions there are, for clients that move; undefined before any are known. */
  readonly sessions: () => Frame | undefined;
  readonly switchedOff: (client: ClientIdentity) => SwitchedOff;
}

export interface ClientLinkOwner {
  connected(connection: ClientConnection): void;
  /** The link has ended; with the connection if there was one. */
  ended(link: ClientLink, connection: ClientConnection | undefined, error: RegistryError | undefined): void;
}

type State =
  | { readonly kind: "stranger"; readonly helloTimer: Timer }
  | { readonly kind: "queued"; readonly client: ClientHello; readonly said: Uint8Array[] }
  | { readonly kind: "connected"; readonly connection: ClientConnection };

export class ClientLink implements Entrant, StreamListener {
  readonly stream: MessageStream;
  readonly #ports: ClientLinkPorts;
  readonly #owner: ClientLinkOwner;
  /** Where the client comes from. */
  readonly #address: string;
  #state: State;

  constructor(stream: MessageStream, address: string, ports: ClientLinkPorts, owner: ClientLinkOwner) {
    this.stream = stream;
    this.#address = address;
    this.#ports = ports;
    this.#owner = owner;
    const late = new RegistryError("deadline_exceeded", `the client has not said hello within ${HELLO_TIMEOUT_MS} ms`);
    const helloTimer = ports.clock.setTimer(HELLO_TIMEOUT_MS, () => stream.close(late));
    this.#state = { kind: "stranger", helloTimer };
  }

  message(bytes: Uint8Array): void {
    switch (this.#state.kind) {
      case "stranger":
        return this.#arrive(this.#state.helloTimer, bytes);
      case "queued":
        return this.#queue(this.#state.said, bytes);
      case "connected":
        return this.#take(this.#state.connection, bytes);
    }
  }

  drained(): void {
    if (this.#state.kind === "connected") this.#state.connection.drained();
  }

  closed(error: RegistryError | undefined): void {
    const state = this.#state;
    if (state.kind === "stranger") state.helloTimer.cancel();
    this.#ports.gate.leave(this);
    this.#owner.ended(this, state.kind === "connected" ? state.connection : undefined, error);
  }

  /** It is this client's turn. */
  enter(): void {
    if (this.#state.kind !== "queued") return;
    const { client, said } = this.#state;
    try {
      const connection = this.#connect(client);
      this.#state = { kind: "connected", connection };
      this.#owner.connected(connection);
      for (const bytes of said) this.#take(connection, bytes);
    } catch (thrown) {
      if (!(thrown instanceof RegistryError)) throw thrown;
      this.stream.close(thrown);
    }
  }

  turnAway(error: RegistryError): void {
    this.stream.close(error);
  }

  #arrive(helloTimer: Timer, bytes: Uint8Array): void {
    const client = admitHello(clientMessageFromBytes(bytes).hello);
    this.#ports.greeting();
    helloTimer.cancel();
    this.#state = { kind: "queued", client, said: [bytes] };
    this.#ports.gate.request(this);
  }

  #queue(said: Uint8Array[], bytes: Uint8Array): void {
    said.push(bytes);
    const total = said.reduce((sum, { length }) => sum + length, 0);
    if (total > QUEUED_BYTES_MAX) this.#ports.gate.turnAway(this, `${total} bytes wait with this client for its turn`);
  }

  #connect(client: ClientHello): ClientConnection {
    const { clock, registrations, interests, gate, tracer, receiptTimes, barriers, events } = this.#ports;
    const { lists, pushes, greeting, sessions } = this.#ports;
    return new ClientConnection(client, greeting(), {
      address: this.#address,
      pushes,
      switchedOff: this.#ports.switchedOff,
      clock,
      stream: this.stream,
      encode: frameFromServerMessage,
      registrations,
      interests,
      receipts: "given",
      tracer,
      receiptTimes,
      barriers,
      events,
      lists,
      sessions,
      restored: () => gate.leave(this),
    });
  }

  /** @throws RegistryError for a message that is refused as a whole. */
  #take(connection: ClientConnection, bytes: Uint8Array): void {
    const { receipts } = this.#ports;
    const repeated = receipts.find(bytes);
    if (repeated !== undefined) return connection.receive(repeated);
    const { admitted, results, refusals, servicesRefusals } = admit(clientMessageFromBytes(bytes));
    connection.refuse(results, refusals, servicesRefusals);
    connection.receive(admitted);
    return receipts.remember(bytes, admitted);
  }
}
