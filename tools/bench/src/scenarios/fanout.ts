/** One change reaches many subscribers. */

import { Child, needOpenFiles } from "../child.ts";
import { connectClient } from "../clients/connect.ts";
import { createZookeeperServices } from "../clients/zookeeper-client.ts";
import { now } from "../harness/clock.ts";
import { FANOUT_SERVICE, startComparison, startRollcall, wayOf, type Pusher } from "../fanout-pushers.ts";
import type { Measured, Scenario, Subject, Trial } from "../harness/scenario.ts";
import { medianOf, quantileOf } from "../harness/statistics.ts";
import { startTrial } from "../harness/trial.ts";
import { totalCpuSeconds, usageWhile, type Server } from "../harness/usage.ts";
import { shares, type CalledBack } from "../load/words.ts";
import { startRegistry, type RegistryKind } from "../registries/registry.ts";

interface Work {
  readonly subscribers: number;
  readonly changes: number;
  readonly processes: number;
}

const INSTANCES = 100;
const SMOKE: Work = { subscribers: 20, changes: 3, processes: 1 };

/** Ids in the order of their numbers: the one that changes is the first. */
const instanceId = (index: number): string => `instance-${String(index).padStart(3, "0")}`;

export const narrowFanoutScenario: Scenario = {
  ...scenario({ subscribers: 100, changes: 30, processes: 2 }, 30),
  smokes: false,
};

export const fanoutScenario = scenario({ subscribers: 1_000, changes: 15, processes: 2 }, 80);

export const wideFanoutScenario: Scenario = {
  ...scenario({ subscribers: 10_000, changes: 5, processes: 2 }, 160),
  smokes: false,
  repeatsMax: 3,
};

function scenario(work: Work, seconds: number): Scenario {
  const count = work.subscribers.toLocaleString("en-US");
  return {
    name: `fanout-${work.subscribers}`,
    title: `One change to ${count} subscribers`,
    about:
      `One of the 100 instances of a service changes ${work.changes} times, each time when all ${count} subscribers, each with a ` +
      "connection of its own, have been called back with the change before. `etcd` watches that one key, `zookeeper` that one " +
      "node; `rollcall` keeps the whole list. `rollcall, frames` is the same for subscribers that read frames and do no more, as " +
      "do those of `http2`: a server on bare node:http2 that writes the same bytes to everybody, and `http2, receipts`, where " +
      "everybody answers with a receipt, as subscribers of Rollcall do.",
    seconds,
    apart: true,
    subjects: [
      registrySubject("rollcall", work),
      registrySubject("etcd", work),
      registrySubject("zookeeper", work),
      pusherSubject("rollcall, frames", "rollcall", work),
      pusherSubject("http2, receipts", "receipted", work),
      pusherSubject("http2", "http2", work),
    ],
  };
}

function registrySubject(kind: RegistryKind, full: Work): Subject {
  return {
    name: kind,
    start: (scale) =>
      startTrial(async (stack) => {
        const work = scale === "full" ? full : SMOKE;
        needOpenFiles(work.subscribers + 200);
        const registry = stack.use(await startRegistry(kind));
        if (kind === "zookeeper") await createZookeeperServices(registry.address, [FANOUT_SERVICE]);
        const publisher = await connectClient(kind, registry.address, "publisher");
        stack.defer(() => publisher.close());
        for (let index = 0; index < INSTANCES; index++)
          await publisher.publish(FANOUT_SERVICE, instanceId(index), { number: 0, dueAt: 0 });
        const children = shares(work.subscribers, work.processes).map((share) => {
          const args = [kind, registry.address, share.count, share.first, FANOUT_SERVICE, instanceId(0)].map(String);
          return stack.use(new Child("load/fanout-subscribers", args));
        });
        const push = (number: number): void =>
          void publisher.publish(FANOUT_SERVICE, instanceId(0), { number, dueAt: 0 });
        return started(registry.servers, children, push, work);
      }),
  };
}

function pusherSubject(name: string, server: string, full: Work): Subject {
  return {
    name,
    start: (scale) =>
      startTrial(async (stack) => {
        const work = scale === "full" ? full : SMOKE;
        needOpenFiles(work.subscribers + 200);
        const pusher: Pusher = stack.use(
          await (server === "rollcall" ? startRollcall(INSTANCES) : startComparison(server, "delta", INSTANCES)),
        );
        const children = shares(work.subscribers, work.processes).map((share) => {
          const args = [pusher.address, FANOUT_SERVICE, share.count, share.first, wayOf(server, "delta"), "plain"];
          return stack.use(new Child("fanout-clients", args.map(String)));
        });
        return started(pusher.servers, children, (change) => pusher.push(change), work);
      }),
  };
}

/** Ready once all subscribers are. */
async function started(
  servers: readonly Server[],
  children: readonly Child[],
  push: (change: number) => void,
  { subscribers, changes }: Work,
): Promise<Pick<Trial, "servers" | "repeat">> {
  await Promise.all(children.map((child) => child.line()));
  let change = 0;
  return {
    servers,
    async repeat(): Promise<Measured> {
      const rounds: number[][] = [];
      let duplicated = 0;
      let losses = 0;
      const { usage } = await usageWhile(servers, async () => {
        for (let round = 0; round < changes; round++) {
          const from = now();
          push(++change);
          const lines = await Promise.all(children.map((child) => child.line()));
          const seen = lines.map((line) => JSON.parse(line) as CalledBack);
          rounds.push(seen.flatMap(({ arrivedAt }) => arrivedAt.map((at) => at - from)));
          duplicated += seen.reduce((sum, one) => sum + (one.duplicated ?? 0), 0);
          losses += seen.reduce((sum, one) => sum + (one.losses ?? 0), 0);
        }
      });
      const at = (share: number): number => medianOf(rounds.map((arrived) => quantileOf(arrived, share)));
      const lost = rounds.reduce((sum, arrived) => sum + subscribers - arrived.length, 0);
      return {
        metrics: [
          { name: "to the last callback", unit: "ms", better: "less", value: at(1) },
          { name: "to the median callback", unit: "ms", better: "less", value: at(0.5) },
          { name: "to the first callback", unit: "ms", better: "less", value: at(0) },
          {
            name: "CPU of the servers for each push",
            unit: "µs",
            better: "less",
            value: (totalCpuSeconds(usage) * 1e6) / (changes * subscribers),
          },
          // Who has to come back is late by as long as that takes.
          { name: "connections lost meanwhile", unit: "", better: "less", value: losses },
        ],
        faults: { errors: 0, lost, duplicated },
        usage,
      };
    },
  };
}
