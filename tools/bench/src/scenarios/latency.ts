/** How long a change takes to reach a callback, at several rates. */

import { Child } from "../child.ts";
import { createZookeeperServices } from "../clients/zookeeper-client.ts";
import type { Measured, Metric, Scenario, Trial } from "../harness/scenario.ts";
import { usageWhile } from "../harness/usage.ts";
import { serviceName, type FollowReport, type PublishReport } from "../load/words.ts";
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
    { name: "idle", rate: 50, changes: 100 },
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
  seconds: 110,
  subjects: (["rollcall", "etcd", "zookeeper"] as const).map((kind) => ({
    name: kind,
    start: (scale) => startTrial(kind, scale === "full" ? FULL : SMOKE),
  })),
};

async function startTrial(kind: RegistryKind, { services, paces }: Work): Promise<Trial> {
  const stack = new AsyncDisposableStack();
  const registry = stack.use(await startRegistry(kind));
  const names = Array.from({ length: services }, (_, index) => serviceName(index));
  if (kind === "zookeeper") await createZookeeperServices(registry.address, names);
  const ready = async (script: string): Promise<Child> => {
    const child = stack.use(new Child(script, [kind, registry.address, String(services)]));
    await child.line();
    return child;
  };
  const publishing = await ready("load/publisher");
  const following = await ready("load/follower");
  const run = async ({ rate, changes }: Pace) => {
    const published = await asking<PublishReport>(publishing, { rate, changes });
    const seen = await asking<FollowReport>(following, { last: published.last, withinMs: SEEN_WITHIN_MS });
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
          for (const [name, value] of [
            ["p50", p50Ms],
            ["p99", p99Ms],
            ["most", maxMs],
          ] as const)
            metrics.push({ name: `${pace.name}: ${name}`, unit: "ms", better: "less", value });
          const merged = (1 - seen / pace.changes) * 100;
          metrics.push({ name: `${pace.name}: merged with a later one`, unit: "%", better: "less", value: merged });
          for (const field of ["errors", "lost", "duplicated"] as const) faults[field] += counted[field];
        }
      });
      return { metrics, faults, usage };
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function asking<Answer>(child: Child, command: object): Promise<Answer> {
  return JSON.parse(await child.ask(JSON.stringify(command))) as Answer;
}
