/**
 * An ephemeral node for each instance, below one of its service. Who follows a service reads the names of its children
 * and is told once that they changed: then it reads them again. It does not read what the nodes hold. Who follows one instance
 * reads what its node holds, and again after it was told that it changed.
 */

import { promisify } from "node:util";

import { CreateMode, createClient } from "node-zookeeper-client";

import { benchValue, changeOf } from "./bench-instance.ts";
import { Listed } from "./listed.ts";
import type { RegistryClient } from "./registry-client.ts";

const SESSION_MS = 40_000;
const RETRY_AFTER_MS = 20;

export async function connectZookeeper(address: string, sessionTimeout = SESSION_MS): Promise<RegistryClient> {
  const client = createClient(address, { sessionTimeout });
  const connected = new Promise<void>((resolve) => void client.once("connected", resolve));
  client.connect();
  await connected;
  const create = promisify<string, Buffer, number, unknown>(client.create.bind(client));
  const setData = promisify<string, Buffer, unknown>(client.setData.bind(client));
  const namesIn = promisify<string, string[]>(client.getChildren.bind(client));
  const dataOf = promisify<string, Buffer>(client.getData.bind(client));
  const published = new Set<string>();
  const counts = { losses: 0 };
  client.on("disconnected", () => counts.losses++);
  return {
    losses: () => counts.losses,
    async register(service, id) {
      await create(`/${service}/${id}`, benchValue(id), CreateMode.EPHEMERAL);
    },
    async registerAll(entries) {
      const transaction = client.transaction();
      for (const { service, id } of entries)
        transaction.create(`/${service}/${id}`, benchValue(id), CreateMode.EPHEMERAL);
      await promisify(transaction.commit.bind(transaction))();
    },
    async watch(service, watcher) {
      const listed = new Listed(watcher);
      const path = `/${service}`;
      const read = (): Promise<void> =>
        new Promise((resolve, reject) => {
          client.getChildren(
            path,
            () => void read(),
            (error, children) => {
              if (error) return reject(new Error(String(error)));
              listed.show(children);
              resolve();
            },
          );
        });
      await read();
    },
    async publish(service, id, change) {
      const path = `/${service}/${id}`;
      const value = benchValue(id, change);
      if (published.has(path)) await setData(path, value);
      else await create(path, value, CreateMode.EPHEMERAL);
      published.add(path);
    },
    async follow(service, id, changed) {
      const path = `/${service}/${id}`;
      const read = (isFirst: boolean): Promise<void> =>
        new Promise((resolve, reject) => {
          client.getData(
            path,
            () => void read(false),
            (error, data) => {
              // The connection was lost meanwhile, and comes back.
              if (error && !isFirst) return void setTimeout(() => void read(false), RETRY_AFTER_MS);
              if (error) return reject(new Error(String(error)));
              if (!isFirst) changed(changeOf(data));
              resolve();
            },
          );
        });
      await read(true);
    },
    reads: {
      names: async (service) => (await namesIn(`/${service}`)).length,
      async data(service) {
        const path = `/${service}`;
        const values = await Promise.all((await namesIn(path)).map((name) => dataOf(`${path}/${name}`)));
        for (const value of values) changeOf(value);
        return values.length;
      },
    },
    async close() {
      const left = new Promise<void>((resolve) => void client.once("disconnected", resolve));
      client.close();
      await left;
    },
  };
}

/** Creates the nodes of services, once for all clients. */
export async function createZookeeperServices(address: string, services: readonly string[]): Promise<void> {
  const client = createClient(address);
  const connected = new Promise<void>((resolve) => void client.once("connected", resolve));
  client.connect();
  await connected;
  for (let from = 0; from < services.length; from += SERVICES_AT_A_TIME) {
    const transaction = client.transaction();
    for (const service of services.slice(from, from + SERVICES_AT_A_TIME)) transaction.create(`/${service}`);
    await promisify(transaction.commit.bind(transaction))();
  }
  client.close();
}

const SERVICES_AT_A_TIME = 1_000;
