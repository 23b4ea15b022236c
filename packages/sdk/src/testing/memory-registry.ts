/** A registry in memory, for the tests of those who use the client: the client is the real one, the servers are not there. */

import {
  DEFAULT_GROUP,
  DEFAULT_NAMESPACE,
  serviceKey,
  type Clock,
  type Instance,
  type Log,
  type Random,
} from "@rollcall/core";
import { instanceFromBytes } from "@rollcall/protocol";

import type { Client } from "../client-surface.ts";
import { createClientWith } from "../client.ts";
import type { ServiceInput } from "../service-input.ts";
import type { ClientOptions } from "../options.ts";
import { MemoryDialer } from "./memory-dialer.ts";
import { MemorySession, type Refusal } from "./memory-session.ts";

/** As of any client, without `servers`: there is one, in memory. */
export interface MemoryClientOptions extends Omit<ClientOptions, "servers"> {
  readonly log?: Log | undefined;
}

export interface MemoryRegistry extends AsyncDisposable {
  /** A client of this registry: the very client that a program has, over links in memory. */
  client(options?: MemoryClientOptions): Client;
  /**
   * Resolves when all that was asked for has been answered and every subscriber has been shown all that there is to
   * show. Whoever is disconnected or held back is not waited for.
   */
  flush(): Promise<void>;
  /** What is registered of a service, sorted by id. */
  instances(service: ServiceInput): readonly Instance[];
  /**
   * Breaks the connection of a client, of all clients by default, until the returned function is called. What they have
   * registered stays, as when a connection comes back in time.
   */
  disconnect(client?: Client): () => void;
  /** Pushes nothing, to nobody, until the returned function is called. Changes coalesce meanwhile. */
  holdPushes(): () => void;
  /** Refuses each registration and subscription that `refusal` gives an error for, until the returned function is called. */
  refuse(refusal: Refusal): () => void;
  /** Vouches for nothing until the returned function is called, as while a whole registry is being restarted. */
  doubt(): () => void;
  /** Closes every client. */
  close(): Promise<void>;
}

export interface MemoryRegistryPorts {
  readonly clock: Clock;
  readonly random: Random;
  /** Resolves when everything that is to happen at once has happened. */
  readonly everything: () => Promise<void>;
}

const SERVERS = ["memory:1"];

class LinkedMemoryRegistry implements MemoryRegistry {
  readonly #ports: MemoryRegistryPorts;
  readonly #session: MemorySession;
  readonly #dialers = new Map<Client, MemoryDialer>();

  constructor(ports: MemoryRegistryPorts) {
    this.#ports = ports;
    this.#session = new MemorySession(ports.clock);
  }

  client({ log, ...options }: MemoryClientOptions = {}): Client {
    const { clock, random } = this.#ports;
    const dialer = new MemoryDialer(clock, this.#session.accept);
    const client = createClientWith({ clock, random, dialer, log }, { ...options, servers: SERVERS });
    this.#dialers.set(client, dialer);
    client.on("closed", () => {
      this.#dialers.delete(client);
      // One that was disconnected could not say goodbye, and nobody else does it for it here.
      this.#session.forget(client.id);
    });
    return client;
  }

  async flush(): Promise<void> {
    do await this.#ports.everything();
    while ([...this.#dialers].some(([client, dialer]) => !dialer.isCut && isOnItsWay(client)));
  }

  instances(service: ServiceInput): readonly Instance[] {
    const { namespace, group, service: name } = typeof service === "string" ? { service } : service;
    const key = serviceKey({
      namespace: namespace || DEFAULT_NAMESPACE,
      group: group || DEFAULT_GROUP,
      service: name,
    });
    const instances = [...this.#session.service(key).datum.instances()].map(({ bytes }) => instanceFromBytes(bytes));
    return instances.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  disconnect(client?: Client): () => void {
    const dialers = client === undefined ? [...this.#dialers.values()] : [this.#dialers.get(client)];
    for (const dialer of dialers) dialer?.cut();
    return () => {
      for (const dialer of dialers.splice(0)) dialer?.restore();
    };
  }

  holdPushes(): () => void {
    return this.#session.holdPushes();
  }

  refuse(refusal: Refusal): () => void {
    return this.#session.refuse(refusal);
  }

  doubt(): () => void {
    return this.#session.doubt();
  }

  async close(): Promise<void> {
    // Nobody is left to wait for a registry that is away.
    for (const dialer of this.#dialers.values()) dialer.mend();
    await Promise.all([...this.#dialers.keys()].map((client) => client.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function isOnItsWay({ state }: Client): boolean {
  return state === "connecting" || state === "waiting";
}

export function createMemoryRegistryWith(ports: MemoryRegistryPorts): MemoryRegistry {
  return new LinkedMemoryRegistry(ports);
}
