/** Clients register instances: singly, in bulk, and where others look on. */

import { createZookeeperServices } from "../clients/zookeeper-client.ts";
import type { Medium } from "../harness/own-folder.ts";
import type { Measured, Scenario, Subject, Trial } from "../harness/scenario.ts";
import { startTrial } from "../harness/trial.ts";
import { totalCpuSeconds, usageWhile } from "../harness/usage.ts";
import { Registrars, Subscribers } from "../load/registry-load.ts";
import { serviceNames } from "../load/words.ts";
import { startRegistry, type RegistryKind } from "../registries/registry.ts";

interface Work {
  readonly processes: number;
  readonly clients: number;
  /** What each of them registers. */
  readonly each: number;
  /** In one go. */
  readonly batch: number;
  /** Of these, at a time. */
  readonly unanswered: number;
  readonly services: number;
  /** Clients that look on, and services that each of them follows. */
  readonly subscribers?: { readonly clients: number; readonly each: number };
}

/** How long it may take until all who look on have seen everything, in milliseconds. */
const SEEN_WITHIN_MS = 60_000;

const SINGLY: Work = { processes: 2, clients: 256, each: 80, batch: 1, unanswered: 1, services: 15_000 };
const FEW_SINGLY: Work = { processes: 1, clients: 16, each: 10, batch: 1, unanswered: 1, services: 50 };

export const registerScenario: Scenario = {
  name: "register",
  title: "Clients that each register singly",
  about:
    "256 clients, each with a connection of its own, register 80 instances each, one after the other: the next when the " +
    "last is acknowledged. 128 B of metadata, 15,000 services, nobody subscribes. Data lies in memory files, but for `etcd on disk`.",
  seconds: 90,
  smokes: false,
  subjects: [...subjects(SINGLY, FEW_SINGLY), subject("etcd on disk", "etcd", "disk", SINGLY, FEW_SINGLY)],
};

export const bulkScenario: Scenario = {
  name: "register-bulk",
  title: "Registrations in bulk",
  about:
    "16 clients register 5,000 instances each, a hundred at a time (what clients of Rollcall register in one turn; a " +
    "transaction of etcd; a multi of ZooKeeper), two hundred unacknowledged.",
  seconds: 60,
  subjects: subjects(
    { processes: 2, clients: 16, each: 5_000, batch: 100, unanswered: 2, services: 15_000 },
    { processes: 1, clients: 2, each: 200, batch: 100, unanswered: 2, services: 50 },
  ),
};

export const watchedScenario: Scenario = {
  name: "register-watched",
  title: "Registrations with 10 subscribers for each service",
  about:
    "The 256 clients register 40 instances each, singly, into 1,024 services: 10 in each. Each service is followed by 10 of " +
    "160 clients, each on a connection of its own. The work is over when every subscriber sees all of its instances.",
  seconds: 80,
  subjects: subjects(
    {
      processes: 2,
      clients: 256,
      each: 40,
      batch: 1,
      unanswered: 1,
      services: 1_024,
      subscribers: { clients: 160, each: 64 },
    },
    {
      processes: 1,
      clients: 16,
      each: 4,
      batch: 1,
      unanswered: 1,
      services: 32,
      subscribers: { clients: 10, each: 32 },
    },
  ),
};

function subjects(full: Work, smoke: Work): Subject[] {
  return (["rollcall", "etcd", "zookeeper"] as const).map((kind) => subject(kind, kind, "memory", full, smoke));
}

function subject(name: string, kind: RegistryKind, medium: Medium, full: Work, smoke: Work): Subject {
  return { name, start: (scale) => startRegistering(kind, medium, scale === "full" ? full : smoke) };
}

function startRegistering(
  kind: RegistryKind,
  medium: Medium,
  { processes, clients, subscribers, ...work }: Work,
): Promise<Trial> {
  return startTrial(async (stack) => {
    const registry = stack.use(await startRegistry(kind, { medium }));
    if (kind === "zookeeper") await createZookeeperServices(registry.address, serviceNames(work.services));
    const registrars = stack.use(new Registrars(registry, clients, processes));
    const { servers } = registry;
    const audience =
      subscribers &&
      stack.use(await Subscribers.start(registry, { services: work.services, ...subscribers }, processes));
    const inEach = (clients * work.each) / work.services;
    /** Resolves when those who look on see so many in each service. */
    const see = async (instances: number) =>
      audience === undefined ? NOTHING_MISSED : audience.see(instances, SEEN_WITHIN_MS);
    let round = 0;
    return {
      servers,
      async repeat(): Promise<Measured> {
        round++;
        await registrars.join();
        const { result, usage, seconds } = await usageWhile(servers, async () => ({
          reports: await registrars.register({ round, ...work }),
          missed: await see(inEach),
        }));
        const leaving = await usageWhile(servers, async () => {
          await registrars.leave();
          return see(0);
        });
        const { reports, missed } = result;
        const acknowledged = reports.reduce((sum, report) => sum + report.acknowledged, 0);
        const errors = reports.reduce((sum, report) => sum + report.errors, 0);
        return {
          metrics: [
            {
              name: "acknowledged for each CPU-second of all servers",
              unit: "1/s",
              better: "more",
              value: acknowledged / totalCpuSeconds(usage),
            },
            { name: "acknowledged", unit: "1/s", better: "more", value: acknowledged / seconds },
            { name: "p50", unit: "ms", better: "less", value: Math.max(...reports.map(({ p50Ms }) => p50Ms)) },
            { name: "p99", unit: "ms", better: "less", value: Math.max(...reports.map(({ p99Ms }) => p99Ms)) },
            {
              name: "removed for each CPU-second of all servers, when the clients leave",
              unit: "1/s",
              better: "more",
              value: acknowledged / totalCpuSeconds(leaving.usage),
            },
          ],
          faults: {
            errors,
            lost: missed.lost + leaving.result.lost,
            duplicated: missed.duplicated + leaving.result.duplicated,
          },
          usage,
        };
      },
    };
  });
}

const NOTHING_MISSED = { lost: 0, duplicated: 0 };
