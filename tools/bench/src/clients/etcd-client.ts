/** A key for each instance, with the client's lease; a watch of the prefix for each service that is followed. */

import { noop } from "cockatiel";
import { Etcd3 } from "etcd3";

import { benchValue, changeOf, type Change } from "./bench-instance.ts";
import type { ConnectOptions } from "./connect.ts";
import { newestOnly } from "./newest-only.ts";
import type { RegistryClient } from "./registry-client.ts";

const LEASE_MS = 600_000;

export async function connectEtcd(
  address: string,
  name: string,
  { leaseMs = LEASE_MS, answerMs }: ConnectOptions = {},
): Promise<RegistryClient> {
  // Clients of one process share their connections where their options are the same.
  const etcd = new Etcd3({
    hosts: address.split(","),
    grpcOptions: { "grpc.primary_user_agent": name },
    // Its circuit breaker would keep clients away for five seconds from an etcd that works again.
    faultHandling: { host: () => noop },
  });
  const leased = etcd.lease(leaseMs / 1_000, { autoKeepAlive: leaseMs < LEASE_MS });
  const lease = await leased.grant();
  const putting = (service: string, id: string, change?: Change) => ({
    key: Buffer.from(`${service}/${id}`),
    value: benchValue(id, change),
    lease,
  });
  const putOne = async (service: string, id: string, change?: Change): Promise<void> => {
    const deadline = answerMs === undefined ? undefined : { deadline: Date.now() + answerMs };
    await etcd.kv.put(putting(service, id, change), deadline);
  };
  const read = async (service: string, serializable: boolean): Promise<number> => {
    const { kvs } = await etcd.kv.range({
      key: Buffer.from(`${service}/`),
      range_end: Buffer.from(`${service}0`),
      serializable,
    });
    for (const { value } of kvs) changeOf(value);
    return kvs.length;
  };
  const published = new Map<string, (change: Change) => Promise<void>>();
  const counts = { losses: 0 };
  return {
    losses: () => counts.losses,
    register: (service, id) => putOne(service, id),
    async registerAll(entries) {
      await etcd.kv.txn({ success: entries.map(({ service, id }) => ({ request_put: putting(service, id) })) });
    },
    async watch(service, watcher) {
      const prefix = `${service}/`;
      let seen = 0;
      const watching = await etcd.watch().prefix(prefix).create();
      watching.on("data", ({ events }) => {
        for (const { type, kv } of events) {
          const revision = Number(kv.mod_revision);
          if (revision < seen) watcher.unchanged();
          seen = revision;
          const id = kv.key.toString().slice(prefix.length);
          if ((type as string) === "Put") watcher.appeared(id);
          else watcher.disappeared(id);
        }
      });
    },
    publish(service, id, change) {
      const name = `${service}/${id}`;
      const write = published.get(name) ?? newestOnly((next: Change) => putOne(service, id, next));
      published.set(name, write);
      return write(change);
    },
    async follow(service, id, changed) {
      const watching = await etcd.watch().key(`${service}/${id}`).create();
      watching.on("disconnected", () => counts.losses++);
      watching.on("put", ({ value }) => changed(changeOf(value)));
    },
    reads: {
      linearizable: async (service) => read(service, false),
      serializable: async (service) => read(service, true),
    },
    async close() {
      await leased.revoke();
      etcd.close();
    },
  };
}
