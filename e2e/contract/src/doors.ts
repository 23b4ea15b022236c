/**
 * A registry whose servers are behind doors: one in front of each server for each client, so that the connection of one
 * client can be broken as networks break it, while the servers know nothing of that.
 */

import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

import { createClient, type Client, type NodeClientOptions } from "@rollcall/sdk";

import type { ContractClientOptions, ContractRegistry } from "./client-contract.ts";

class Door {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isShut = false;

  constructor(server: Server, behind: string) {
    this.#server = server;
    server.on("connection", (outer) => this.#pass(outer, behind));
  }

  static async open(behind: string): Promise<Door> {
    const server = createServer();
    const door = new Door(server, behind);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return door;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks what goes through it; whoever comes is sent away until it is opened again. */
  shut(): void {
    this.#isShut = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  reopen(): void {
    this.#isShut = false;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.shut();
    await closed;
  }

  #pass(outer: Socket, behind: string): void {
    if (this.#isShut) {
      outer.resetAndDestroy();
      return;
    }
    const { hostname, port } = new URL(`http://${behind}`);
    const inner = connect(Number(port), hostname);
    for (const [from, to] of [
      [outer, inner],
      [inner, outer],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay();
      // A break is told by the end that follows it.
      from.on("error", () => {});
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }
}

/** As many as a test of the contract has at once, with room. */
const CLIENTS_MAX = 8;

/** One client's doors, one for each server. */
class Entrance {
  readonly #doors: readonly Door[];

  private constructor(doors: readonly Door[]) {
    this.#doors = doors;
  }

  static async open(servers: readonly string[]): Promise<Entrance> {
    return new Entrance(await Promise.all(servers.map((server) => Door.open(server))));
  }

  get addresses(): readonly string[] {
    return this.#doors.map(({ address }) => address);
  }

  /** @returns what opens it again */
  shut(): () => void {
    for (const door of this.#doors) door.shut();
    return () => {
      for (const door of this.#doors) door.reopen();
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#doors.map((door) => door.close()));
  }
}

export interface Behind {
  /** Addresses of the servers. */
  readonly servers: readonly string[];
  /** Makes a client. Default: the one for Node. */
  readonly make?: ((options: NodeClientOptions) => Client) | undefined;
  readonly sharesIds?: boolean | undefined;
  /** Ends the servers, when everything else has ended. */
  readonly end: () => Promise<void>;
}

/** Doors are opened beforehand and used again, so that a client is made at once, as users make it. */
export async function registryBehindDoors({
  servers,
  make = createClient,
  sharesIds,
  end,
}: Behind): Promise<ContractRegistry> {
  const entrances = await Promise.all(Array.from({ length: CLIENTS_MAX }, () => Entrance.open(servers)));
  const free = [...entrances];
  const used = new Map<Client, Entrance>();
  return {
    sharesIds,
    client(options: ContractClientOptions = {}) {
      const entrance = free.pop();
      if (entrance === undefined) throw new Error(`a test has at most ${CLIENTS_MAX} clients at once`);
      const client = makeOrGiveBack(entrance, options);
      used.set(client, entrance);
      client.on("closed", () => {
        used.delete(client);
        free.push(entrance);
      });
      return client;
    },
    disconnect(client) {
      const entrance = used.get(client);
      if (entrance === undefined) throw new Error("the client is closed");
      return entrance.shut();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...used.keys()].map((client) => client.close()));
      await Promise.all(entrances.map((entrance) => entrance.close()));
      await end();
    },
  };

  function makeOrGiveBack(entrance: Entrance, options: ContractClientOptions): Client {
    try {
      // What lies behind the doors is not to be learned: nobody could break a connection there.
      return make({ ...options, servers: entrance.addresses, discoverServers: false });
    } catch (thrown) {
      free.push(entrance);
      throw thrown;
    }
  }
}
