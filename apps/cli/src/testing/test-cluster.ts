/** A real cluster in the user's own process, for end-to-end tests of programs that use the client. */

import { setTimeout as elapse } from "node:timers/promises";

import { NODE_ROLES, RegistryError, invalidField, silentLog, type Log, type NodeRole } from "@rollcall/core";
import { createClient, type Client, type NodeClientOptions } from "@rollcall/sdk";

import { DevCluster, NODES_MAX } from "../dev/dev-cluster.ts";

export interface ClusterOptions {
  /** Session nodes, 1 to 10. Default 1. */
  readonly sessions?: number | undefined;
  /** Data nodes, 1 to 10. Default 1. */
  readonly data?: number | undefined;
  /** Who hears what the nodes have to say. Default: nobody. */
  readonly log?: Log | undefined;
}

export interface ClusterNode {
  readonly nodeId: string;
  readonly role: NodeRole;
  readonly address: string;
}

export interface Cluster extends AsyncDisposable {
  /** Of the sessions that run, as `host:port`: what a client's `servers` are. */
  readonly addresses: readonly string[];
  /** What runs: sessions first, each role in the order of its numbers. */
  readonly nodes: readonly ClusterNode[];
  /** A client that knows all sessions unless told otherwise. It is closed with the cluster at the latest. */
  client(options?: Partial<NodeClientOptions>): Client;
  /**
   * Resolves when all that was asked for by clients of this cluster has been applied, and every subscriber has been
   * shown all that there is to show. Rejects with `deadline_exceeded` when that takes longer than 15 s.
   */
  flush(): Promise<void>;
  /** Stops a node in order: `session-1`, `data-2`. Its clients go on at another. @throws RegistryError `invalid_field`. */
  stop(nodeId: string): Promise<void>;
  /** Closes all clients of the cluster, and stops every node. */
  close(): Promise<void>;
}

/** On an idle machine both take a tenth of a second; later than this, in milliseconds, something is wrong. */
const READY_WITHIN_MS = 15_000;
const LOOK_EVERY_MS = 2;

/** A service of nobody. A client that has been shown it has been heard in all that it asked for before. */
const LAST_ASKED = { namespace: "rollcall", group: "testing", service: "flush" };

class InProcessCluster implements Cluster {
  readonly #cluster: DevCluster;
  readonly #clients = new Set<Client>();

  constructor(cluster: DevCluster) {
    this.#cluster = cluster;
  }

  get addresses(): readonly string[] {
    return this.nodes.filter(({ role }) => role === "session").map(({ address }) => address);
  }

  get nodes(): readonly ClusterNode[] {
    return this.#cluster.nodes.map(({ role, node: { nodeId, address } }) => ({ nodeId, role, address }));
  }

  client(options: Partial<NodeClientOptions> = {}): Client {
    const client = createClient({ servers: this.addresses, ...options });
    this.#clients.add(client);
    client.on("closed", () => void this.#clients.delete(client));
    return client;
  }

  async flush(): Promise<void> {
    await Promise.all([...this.#clients].map(heard));
    // Not the data nodes: one that is taking slots over keeps unsettled whoever asks it for what is in them.
    await this.#until("everybody has been told everything", ["session"], () => this.#cluster.isSettled);
  }

  async ready(): Promise<void> {
    await this.#until("the cluster is ready", NODE_ROLES, () => true);
  }

  /** Resolves when the nodes of these roles are ready and `condition` holds. */
  async #until(what: string, roles: readonly NodeRole[], condition: () => boolean): Promise<void> {
    const deadline = performance.now() + READY_WITHIN_MS;
    for (;;) {
      const unready = this.#cluster.unready(roles);
      if (unready.length === 0 && condition()) return;
      if (performance.now() > deadline)
        throw new RegistryError(
          "deadline_exceeded",
          [`not within ${READY_WITHIN_MS} ms: ${what}`, ...unready].join("; "),
        );
      await elapse(LOOK_EVERY_MS);
    }
  }

  stop(nodeId: string): Promise<void> {
    return this.#cluster.stopNode(nodeId);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.close()));
    await this.#cluster.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Resolves when a session has taken in what the client has asked for until now. */
async function heard(client: Client): Promise<void> {
  if (client.state === "closing") await client.close();
  else if (client.state !== "closed") await client.resolve(LAST_ASKED, {}, { timeoutMs: READY_WITHIN_MS });
}

function checkCount(field: string, count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > NODES_MAX)
    throw invalidField(field, `a whole number from 1 to ${NODES_MAX}`, count);
}

/**
 * Starts a real cluster in this process: one meta, data nodes and sessions, each on a loopback port of its own. Nothing
 * is kept on disk. Resolves when every node can serve; close it when the tests are over, or write `await using`.
 * @throws RegistryError `invalid_field`, `deadline_exceeded`
 */
export async function startCluster({ sessions = 1, data = 1, log = silentLog }: ClusterOptions = {}): Promise<Cluster> {
  checkCount("sessions", sessions);
  checkCount("data", data);
  const settings = { sessions, data, port: 0, host: "127.0.0.1", advertise: () => undefined };
  const cluster = new InProcessCluster(await DevCluster.start(settings, () => log));
  try {
    await cluster.ready();
  } catch (thrown) {
    await cluster.close();
    throw thrown;
  }
  return cluster;
}
