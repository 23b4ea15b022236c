/** Nothing happens. */

import { setTimeout as elapse } from "node:timers/promises";

import { createZookeeperServices } from "../clients/zookeeper-client.ts";
import { less } from "../harness/figures.ts";
import { loopbackCount } from "../harness/loopback.ts";
import type { Measured, Metric, Scenario, Trial } from "../harness/scenario.ts";
import { sized } from "../harness/sized.ts";
import { startTrial } from "../harness/trial.ts";
import { usageWhile } from "../harness/usage.ts";
import { Registrars, Subscribers } from "../load/registry-load.ts";
import { serviceNames } from "../load/words.ts";
import { startRegistry, type RegistryKind } from "../registries/registry.ts";

const FULL = { clients: 1_000, each: 10, services: 1_000, subscribers: 2, seconds: 60, settle: 5, lease: 15 };
const SMOKE: typeof FULL = { clients: 4, each: 2, services: 4, subscribers: 1, seconds: 0.5, settle: 0, lease: 15 };
type Work = typeof FULL;

const PROCESSES = 2;
const SEEN_WITHIN_MS = 60_000;

export const steadyScenario: Scenario = sized(FULL, SMOKE, (work) => ({
  name: "steady",
  title: "Nothing happens",
  about:
    `${work.clients} clients, each with a connection of its own, have registered ${work.each} instances each and rest for ` +
    `${work.seconds} s, while ${work.subscribers} subscribers follow all ${work.services} services. Leases of etcd and sessions of ` +
    `ZooKeeper are ${work.lease} s and are kept alive by their clients; those of Rollcall keep a connection, which is tried when ` +
    "it is silent. Packets are those of the loopback interface, with those that only acknowledge. An instance that is not seen any " +
    "more has expired falsely, and counts as lost.",
  seconds: 220,
  repeatsMax: 1,
  warmUps: 0,
  repeatMs: work.seconds * 1_000,
  apart: true,
  subjects: (["rollcall", "etcd", "zookeeper"] as const).map((kind) => ({
    name: kind,
    start: () => startSteady(kind, work),
  })),
}));

function startSteady(kind: RegistryKind, work: Work): Promise<Trial> {
  const { clients, each, services, subscribers, seconds, settle, lease } = work;
  return startTrial(async (stack) => {
    const registry = stack.use(await startRegistry(kind));
    if (kind === "zookeeper") await createZookeeperServices(registry.address, serviceNames(services));
    const audience = stack.use(
      await Subscribers.start(registry, { clients: subscribers, services, each: services }, 1),
    );
    const registrars = stack.use(new Registrars(registry, clients, PROCESSES, lease * 1_000));
    await registrars.join();
    const reports = await registrars.register({ round: 0, each, services, batch: 1, unanswered: 1 });
    const inEach = (clients * each) / services;
    const shown = await audience.see(inEach, SEEN_WITHIN_MS);
    await elapse(settle * 1_000);
    const errors = reports.reduce((sum, report) => sum + report.errors, 0) + shown.lost;
    return {
      servers: registry.servers,
      async repeat(): Promise<Measured> {
        const before = loopbackCount();
        const { usage } = await usageWhile(registry.servers, () => elapse(seconds * 1_000));
        const after = loopbackCount();
        const { lost, duplicated, gone } = await audience.see(inEach, SEEN_WITHIN_MS);
        const all = (field: "cpuSeconds" | "residentMib"): number => usage.reduce((sum, role) => sum + role[field], 0);
        const metrics: Metric[] = [
          less("CPU of all servers, of one processor", "%", (all("cpuSeconds") / seconds) * 100),
          less("resident memory of all servers", "MiB", all("residentMib")),
          less("packets", "1/s", (after.packets - before.packets) / seconds),
          less("bytes", "1/s", (after.bytes - before.bytes) / seconds),
        ];
        return { metrics, faults: { errors, lost: lost + gone, duplicated }, usage };
      },
    };
  });
}
