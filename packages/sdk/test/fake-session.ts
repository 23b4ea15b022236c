/** A session node that says what the test tells it to, and keeps what it hears. */

import {
  Datum,
  NO_FILTER,
  RegistryError,
  epoch,
  formatVersion,
  instanceFromInput,
  serviceKey,
  textFromFilter,
  type ClientMessage,
  type Filter,
  type InstanceInput,
  type MessageStream,
  type ServerMessage,
  type ServiceKey,
  type StreamRoutes,
  type Update,
  type Version,
} from "@rollcall/core";
import { CONNECT_PATH, bytesFromInstance, clientMessageFromBytes, frameFromServerMessage } from "@rollcall/protocol";
import { SeededRandom, SimClock, SimNetwork } from "@rollcall/testing";
import {
  createClientWith,
  type Client,
  type ClientEvents,
  type ClientPorts,
  type ClientOptions,
  type EventName,
} from "../src/index.ts";

export interface FakeSessionOptions {
  readonly clusterId?: string | undefined;
  /** Whether it says hello by itself. Default true. */
  readonly greets?: boolean | undefined;
  /** Whether it answers every register and unregister with "applied" by itself. Default true. */
  readonly applies?: boolean | undefined;
}

export class FakeSession {
  readonly address: string;
  clusterId: string;
  greets: boolean;
  applies: boolean;
  /** Everything heard, a message each, over all links. */
  readonly heard: ClientMessage[] = [];
  /** How each link was ended, if it was. */
  readonly ends: (RegistryError | undefined)[] = [];
  readonly streams: MessageStream[] = [];
  /** Of every register and unregister heard. */
  readonly sequences: number[] = [];
  #counter = 0;

  constructor(network: SimNetwork, address: string, options: FakeSessionOptions = {}) {
    this.address = address;
    this.clusterId = options.clusterId ?? "cluster";
    this.greets = options.greets ?? true;
    this.applies = options.applies ?? true;
    network.host(address, this.#routes());
  }

  #routes(): StreamRoutes {
    return new Map([[CONNECT_PATH, (stream: MessageStream) => this.#accept(stream)]]);
  }

  #accept(stream: MessageStream): void {
    this.streams.push(stream);
    stream.listen({
      message: (bytes) => this.#hear(stream, clientMessageFromBytes(bytes)),
      closed: (error) => void this.ends.push(error),
    });
  }

  #hear(stream: MessageStream, message: ClientMessage): void {
    this.heard.push(message);
    if (message.hello !== undefined && this.greets) this.greet();
    const items = [...message.registers, ...message.unregisters];
    this.sequences.push(...items.map(({ sequence }) => sequence));
    if (!this.applies || items.length === 0) return;
    const results = items.map(({ sequence }) => this.#appliedResult(sequence));
    stream.send(frameFromServerMessage({ results }));
  }

  #appliedResult(sequence: number): ServerMessage["results"][number] {
    return { sequence, outcome: { kind: "applied", version: version(1, ++this.#counter) } };
  }

  get stream(): MessageStream {
    return this.streams.at(-1)!;
  }

  say(parts: Partial<ServerMessage>): void {
    this.stream.send(frameFromServerMessage(parts));
  }

  greet(): void {
    this.say({ hello: { nodeId: this.address, clusterId: this.clusterId } });
  }

  /** Answers the register or unregister that it heard as number `index`, from 0; a negative one counts from the last. */
  apply(index = -1): void {
    this.say({ results: [this.#appliedResult(this.sequences.at(index)!)] });
  }

  refuse(index = -1, message = "no"): void {
    const sequence = this.sequences.at(index)!;
    const error = new RegistryError("limit_exceeded", message);
    this.say({ results: [{ sequence, outcome: { kind: "refused", error } }] });
  }

  push(...pushes: Update[]): void {
    this.say({ pushes });
  }

  close(error?: RegistryError): void {
    this.stream.close(error);
  }

  /** What it heard, a line for each item and a list for each message; forgets it. */
  take(): string[][] {
    return this.heard.splice(0).map(linesFromMessage);
  }
}

export function linesFromMessage(message: ClientMessage): string[] {
  const { hello, registers, unregisters, subscribes, unsubscribes, receipts } = message;
  return [
    ...(hello === undefined ? [] : [`hello ${hello.clientId} ${hello.incarnation}`]),
    ...registers.map((item) => `register ${name(item)} ${item.version.incarnation}.${item.version.counter}`),
    ...unregisters.map((item) => `unregister ${name(item)} ${item.version.incarnation}.${item.version.counter}`),
    ...subscribes.map(
      (item) => `subscribe ${name(item)}${item.held ? ` held ${formatVersion(item.held.version)}` : ""}`,
    ),
    ...unsubscribes.map((item) => `unsubscribe ${name(item)}`),
    ...receipts.map(
      (item) => `receipt ${name(item)} ${formatVersion(item.held.version)}${item.resync ? " resync" : ""}`,
    ),
  ];
}

function name(item: { key: ServiceKey; instanceId?: string; filter?: Filter }): string {
  const filter = item.filter === undefined ? "" : textFromFilter(item.filter);
  return item.key.service + (item.instanceId === undefined ? "" : `/${item.instanceId}`) + filter;
}

export function version(epochNumber: number, counter: number): Version {
  return { epoch: epoch(epochNumber), counter };
}

/** The leader's datum of a service, to cut updates from. */
export class FakeDatum {
  readonly datum: Datum;
  readonly #filter: Filter;
  #version: Version;

  constructor(service = "orders", filter = NO_FILTER, first = version(1, 1)) {
    this.#filter = filter;
    this.#version = first;
    this.datum = new Datum(serviceKey({ service }), first);
  }

  put(id: string, input: Partial<InstanceInput> = {}): this {
    const instance = instanceFromInput({ address: "10.0.0.1:80", ...input, id }, () => id);
    this.datum.put({ id, bytes: bytesFromInstance(instance) }, this.#next());
    return this;
  }

  remove(id: string): this {
    this.datum.remove(id, this.#next());
    return this;
  }

  /** The same content under a newer version. */
  advance(): this {
    this.datum.adopt(this.#next());
    return this;
  }

  #next(): Version {
    this.#version = { ...this.#version, counter: this.#version.counter + 1 };
    return this.#version;
  }

  snapshot(): Update {
    return this.datum.snapshot(this.#filter, true);
  }

  /** What `change` does to the datum, as a delta whatever its size. */
  delta(change: (datum: this) => void): Update {
    const before = this.datum.held;
    const ids = new Set([...this.datum.instances()].map(({ id }) => id));
    change(this);
    const snapshot = this.snapshot();
    const removedIds = [...ids].filter((id) => this.datum.get(id) === undefined);
    return { ...snapshot, baseDigest: before.digest, removedIds };
  }
}

export interface World {
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly random: SeededRandom;
  readonly session: FakeSession;
  /** A client of the session, unless told otherwise. */
  readonly client: (options?: Partial<ClientOptions>, ports?: Partial<ClientPorts>) => Client;
  /** Lets everything happen that happens within `ms`. */
  readonly run: (ms?: number) => Promise<void>;
}

export const CLIENT_ADDRESS = "client:1";

export function world(options: FakeSessionOptions = {}, seed: number | string = 1): World {
  const clock = new SimClock();
  const random = new SeededRandom(seed);
  const network = new SimNetwork({ clock, random });
  const session = new FakeSession(network, "session-1:9600", options);
  return {
    clock,
    network,
    random,
    session,
    client: (options = {}, ports = {}) =>
      createClientWith(
        {
          clock,
          random: random.fork("client"),
          dialer: network.dialer(CLIENT_ADDRESS),
          clientId: options.name ?? "c",
          ...ports,
        },
        { servers: [session.address], ...options },
      ),
    run: (ms = 10) => clock.runFor(ms),
  };
}

/** Every such event from now on. */
export function eventsOf<Name extends EventName>(client: Client, name: Name): ClientEvents[Name][] {
  const events: ClientEvents[Name][] = [];
  client.on(name, (event) => events.push(event));
  return events;
}

/** What a promise came to, seen from outside of it. */
export function outcomeOf(promise: PromiseLike<unknown>): { value?: unknown; error?: unknown; settled: boolean } {
  const outcome: { value?: unknown; error?: unknown; settled: boolean } = { settled: false };
  promise.then(
    (value) => Object.assign(outcome, { value, settled: true }),
    (error: unknown) => Object.assign(outcome, { error, settled: true }),
  );
  return outcome;
}

export function ids(view: { instances: readonly { id: string }[] } | undefined): string[] | undefined {
  return view?.instances.map(({ id }) => id);
}
