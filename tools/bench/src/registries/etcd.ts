/** Members of etcd. */

import { EtcdCluster } from "@rollcall/etcd";

import { atExit } from "../harness/at-exit.ts";
import { makeOwnFolder } from "../harness/own-folder.ts";
import type { Registry, RegistryShape } from "./registry.ts";

export async function startEtcd({ medium, members }: RegistryShape): Promise<Registry> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await makeOwnFolder(medium, "etcd"));
  const cluster = stack.use(await EtcdCluster.start({ folder: folder.path, members }));
  const running = new Map(cluster.members.map((member) => [member.name, cluster.pidOf(member)]));
  stack.defer(
    atExit(() => {
      for (const pid of running.values()) process.kill(pid, "SIGKILL");
    }),
  );
  const kept = stack.move();
  return {
    kind: "etcd",
    address: cluster.members.map(({ address }) => address).join(),
    get servers() {
      return [...running.values()].map((pid) => ({ role: "etcd", pid }));
    },
    async findLeader(services) {
      const leader = await cluster.leader();
      return {
        leads: new Set(services),
        kill() {
          running.delete(leader.name);
          return cluster.kill(leader);
        },
      };
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
