/** How long a change takes to reach a callback, at several rates. */

import { createZookeeperServices } from "../clients/zookeeper-client.ts";
import { less } from "../harness/figures.ts";
import type { Measured, Metric, Scenario, Trial } from "../harness/scenario.ts";
import { startTrial } from "../harness/trial.ts";
import { usageWhile } from "../harness/usage.ts";
import { Followers, startPublisher } from "../load/paced-load.ts";
import { serviceNames } from "../load/words.ts";
import { startRegistry, type RegistryKind } from "../registries/registry.ts";

interface Pace {
  readonly name: string;
  /** Changes for each second. */
  readonly rate: number;
  readonly changes: number;
}

interface Work {
  readonly services: number;
  readonly paces: readonly Pace[];
}

const FULL: Work = {
  services: 200,
  paces: [
    { name: "idle", rate: 50, changes: 200 },
    { name: "1,000/s", rate: 1_000, changes: 2_000 },
    { name: "5,000/s", rate: 5_000, changes: 7_500 },
  ],
};
const SMOKE: Work = { services: 5, paces: FULL.paces.map(({ name, rate }) => ({ name, rate, changes: rate / 10 })) };

/** How long it may take until the last changes are seen, in milliseconds. */
const SEEN_WITHIN_MS = 10_000;

export const latencyScenario: Scenario = {
  name: "latency",
  title: "From a change to the callback",
  about:
    "One process changes the only instance of 200 services in turn, by the clock, and another one follows all of them, each " +
    "over one connection. A latency counts from when the change was due, not from when it could be made, to the callback. " +
    "Idle is 50 changes a second. Changes of one service that come while one is on its way may be merged.",
  seconds: 150,
  subjects: (["rollcall", "etcd", "zookeeper"] as const).map((kind) => ({
    name: kind,
    start: (scale) => startLatency(kind, scale === "full" ? FULL : SMOKE),
  })),
};

function startLatency(kind: RegistryKind, { services, paces }: Work): Promise<Trial> {
  return startTrial(async (stack) => {
    const registry = stack.use(await startRegistry(kind));
    if (kind === "zookeeper") await createZookeeperServices(registry.address, serviceNames(services));
    const publishing = stack.use(await startPublisher(registry, { services }));
    const following = stack.use(await Followers.start(registry, { clients: 1, services, each: services }, 1));
    const run = async ({ rate, changes }: Pace) => {
      const published = await publishing.publish({ rate, changes });
      const seen = await following.see({ last: published.last, withinMs: SEEN_WITHIN_MS });
      return { ...seen, errors: published.errors };
    };
    return {
      servers: registry.servers,
      async repeat(): Promise<Measured> {
        const metrics: Metric[] = [];
        const faults = { errors: 0, lost: 0, duplicated: 0 };
        const { usage } = await usageWhile(registry.servers, async () => {
          for (const pace of paces) {
            const { p50Ms, p99Ms, maxMs, seen, ...counted } = await run(pace);
            const merged = (1 - seen / pace.changes) * 100;
            metrics.push(
              less(`${pace.name}: p50`, "ms", p50Ms),
              less(`${pace.name}: p99`, "ms", p99Ms),
              less(`${pace.name}: most`, "ms", maxMs),
              less(`${pace.name}: merged with a later one`, "%", merged),
            );
            for (const field of ["errors", "lost", "duplicated"] as const) faults[field] += counted[field];
          }
        });
        return { metrics, faults, usage };
      },
    };
  });
}
