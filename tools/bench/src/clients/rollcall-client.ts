import { createClient as createCaller } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { RegistryService } from "@rollcall/protocol";
import { createClient, type Client, type Registration, type ServiceView } from "@rollcall/sdk";

import { benchInput, changeIn } from "./bench-instance.ts";
import type { ConnectOptions } from "./connect.ts";
import { Listed } from "./listed.ts";
import type { RegistryClient } from "./registry-client.ts";

export async function connectRollcall(
  address: string,
  name: string,
  { atFirst = false }: ConnectOptions = {},
): Promise<RegistryClient> {
  const client = await open(address.split(","), name, atFirst);
  const transport = createConnectTransport({ baseUrl: `http://${address.split(",")[0]}`, httpVersion: "2" });
  const calls = createCaller(RegistryService, transport);
  const published = new Map<string, Registration>();
  const changed = new Map<string, () => void>();
  client.on("pushed", ({ service }) => changed.get(service.service)?.());
  const counts = { losses: 0 };
  client.on("disconnected", () => counts.losses++);
  return {
    losses: () => counts.losses,
    async register(service, id) {
      await client.register({ service, ...benchInput(id) });
    },
    async registerAll(entries) {
      await Promise.all(entries.map(({ service, id }) => client.register({ service, ...benchInput(id) })));
    },
    async watch(service, watcher) {
      const listed = new Listed(watcher);
      // A push is counted before its view is seen, and nothing else shows what brought nothing new.
      let awaited = 0;
      const subscription = client.subscribe(service);
      await subscription.ready;
      changed.set(service, () => {
        if (awaited++ > 0) watcher.unchanged();
      });
      subscription.onChange(({ instances }) => {
        awaited = 0;
        listed.show(instances.map(({ id }) => id));
      });
    },
    async publish(service, id, change) {
      const input = benchInput(id, change);
      const name = `${service}/${id}`;
      const known = published.get(name);
      if (known === undefined) published.set(name, await client.register({ service, ...input }));
      else await known.update({ metadata: input.metadata });
    },
    async follow(service, id, told) {
      const subscription = client.subscribe(service);
      await subscription.ready;
      const find = (view: ServiceView | undefined) => view?.instances.find((one) => one.id === id);
      let known = find(subscription.current());
      subscription.onChange((view) => {
        const instance = find(view);
        // One that did not change is the same object in the next view.
        if (instance !== undefined && instance !== known) told(changeIn(instance.metadata));
        known = instance;
      });
    },
    reads: {
      stream: async (service) => (await client.resolve(service)).instances.length,
      unary: async (service) => (await calls.resolve({ key: { service } })).instances.length,
    },
    close: () => client.close(),
  };
}

/** Of several servers a client takes any, so that one that has to be at the first may have to try more than once. */
async function open(servers: readonly string[], name: string, atFirst: boolean): Promise<Client> {
  for (;;) {
    const client = createClient({ servers, name, closeTimeoutMs: LEAVING_MS });
    if (!atFirst) return client;
    const { promise: connected, resolve } = Promise.withResolvers<string>();
    client.on("connected", ({ server }) => resolve(server));
    if ((await connected) === servers[0]) return client;
    await client.close();
  }
}

/** Nobody else is left before all of it is taken out. */
const LEAVING_MS = 60_000;
