/** Clients ask for the lists of random services. */

import { Child } from "../child.ts";
import { createZookeeperServices } from "../clients/zookeeper-client.ts";
import { less, more } from "../harness/figures.ts";
import type { Measured, Scenario, Trial } from "../harness/scenario.ts";
import { sized } from "../harness/sized.ts";
import { startTrial } from "../harness/trial.ts";
import { totalCpuSeconds, usageWhile } from "../harness/usage.ts";
import { Registrars } from "../load/registry-load.ts";
import { serviceNames, shares, type ReadReport } from "../load/words.ts";
import { startRegistry, type Registry, type RegistryKind } from "../registries/registry.ts";
import { SharedRegistries } from "../registries/shared-registries.ts";

const FULL = { services: 10_000, instances: 10, clients: 64, ms: 2_000 };
const SMOKE: typeof FULL = { services: 10, instances: 2, clients: 2, ms: 50 };
type Work = typeof FULL;

const PROCESSES = 2;
/** Instances that are registered in one go. */
const BATCH = 100;

/** What is asked, and by which of the ways that its client has. */
const SUBJECTS = [
  ["rollcall", "rollcall", "stream"],
  ["rollcall, unary", "rollcall", "unary"],
  ["etcd", "etcd", "linearizable"],
  ["etcd, serializable", "etcd", "serializable"],
  ["zookeeper", "zookeeper", "names"],
  ["zookeeper, with data", "zookeeper", "data"],
] as const;

export const queryScenario: Scenario = sized(FULL, SMOKE, (work) => {
  const registries = new SharedRegistries((kind) => startFilled(kind, work));
  return {
    name: "query",
    title: "Lists that are read once",
    about:
      `${work.clients} clients, each with a connection of its own, read the lists of random ones of ${number(work.services)} ` +
      `services, which have ${work.instances} instances of 200 B each: the next when the last is answered, for ${number(work.ms)} ms. ` +
      "`rollcall` asks over the stream that a client has anyway, `rollcall, unary` by a call of its own that needs no client of " +
      "ours; `etcd` reads a range, `etcd, serializable` without making sure that it is the newest; `zookeeper` reads the names " +
      "only, `with data` what each node holds as well.",
    seconds: 130,
    subjects: SUBJECTS.map(([name, kind, way]) => ({ name, start: () => startReading(registries, kind, way, work) })),
  };
});

function startReading(
  registries: SharedRegistries,
  kind: RegistryKind,
  way: string,
  { services, instances, clients, ms }: Work,
): Promise<Trial> {
  return startTrial(async (stack) => {
    const { address, servers } = stack.use(await registries.use(kind));
    const readers = shares(clients, PROCESSES).map(({ count, first }) => {
      const args = [kind, address, count, first, way, services].map(String);
      return stack.use(new Child("load/readers", args));
    });
    await Promise.all(readers.map((child) => child.line()));
    return {
      servers,
      async repeat(): Promise<Measured> {
        const { result, usage, seconds } = await usageWhile(servers, () =>
          Promise.all(readers.map((child) => child.asking<ReadReport>({ forMs: ms, instances }))),
        );
        const sum = (field: "reads" | "errors" | "lost"): number =>
          result.reduce((total, report) => total + report[field], 0);
        return {
          metrics: [
            more("lists for each CPU-second of all servers", "1/s", sum("reads") / totalCpuSeconds(usage)),
            more("lists", "1/s", sum("reads") / seconds),
            less("p50", "ms", Math.max(...result.map(({ p50Ms }) => p50Ms))),
            less("p99", "ms", Math.max(...result.map(({ p99Ms }) => p99Ms))),
          ],
          faults: { errors: sum("errors"), lost: sum("lost"), duplicated: 0 },
          usage,
        };
      },
    };
  });
}

async function startFilled(kind: RegistryKind, { services, instances }: Work): Promise<Registry> {
  await using stack = new AsyncDisposableStack();
  const registry = stack.use(await startRegistry(kind));
  if (kind === "zookeeper") await createZookeeperServices(registry.address, serviceNames(services));
  // Each of them registers one instance of each service.
  const registrars = stack.use(new Registrars(registry, instances, 1));
  await registrars.join();
  await registrars.register({ round: 0, each: services, batch: BATCH, unanswered: 2, services });
  const kept = stack.move();
  return { ...registry, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}
