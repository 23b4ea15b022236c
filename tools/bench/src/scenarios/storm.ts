/** A rolling restart: every instance goes and comes back while many look on. */

import { Child, needOpenFiles } from "../child.ts";
import { less, more } from "../harness/figures.ts";
import type { Measured, Scenario, Trial } from "../harness/scenario.ts";
import { sized } from "../harness/sized.ts";
import { startTrial } from "../harness/trial.ts";
import { usageWhile } from "../harness/usage.ts";
import { shares, type RestartReport, type StormCommand, type StormReport } from "../load/words.ts";
import { startRegistry } from "../registries/registry.ts";

const FULL = { subscribers: 1_000, instances: 1_000, services: 200, perService: 10, each: 10, seconds: 20 };
const SMOKE: typeof FULL = { subscribers: 10, instances: 10, services: 5, perService: 2, each: 2, seconds: 0.2 };

interface Work {
  readonly subscribers: number;
  readonly services: number;
  readonly instances: number;
  readonly each: number;
  readonly seconds: number;
}

const PROCESSES = 2;
/** How long an instance is gone, in milliseconds. */
const GONE_MS = 500;
const SEEN_WITHIN_MS = 30_000;

export const stormScenario: Scenario = sized(FULL, SMOKE, ({ subscribers, seconds, ...sizes }) => ({
  name: "storm",
  title: "A rolling restart",
  about:
    `All instances are restarted within ${seconds} s: each is gone for ${GONE_MS} ms and comes back under another id, which are two ` +
    `changes. ${subscribers} subscribers with a connection of their own look on. Either one service has ${sizes.instances} instances ` +
    `and all follow it, or ${sizes.services} have ${sizes.perService} each and each subscriber follows ${sizes.each}. While a push is ` +
    "on its way to a subscriber, what changes is merged into its next one. The delays count from when a registration was due; " +
    "the final state is what a subscriber holds after the last change of a service.",
  seconds: 190,
  repeatsMax: 3,
  subjects: [
    {
      name: "one large service",
      start: () => startStorm({ subscribers, seconds, services: 1, instances: sizes.instances, each: 1 }),
    },
    {
      name: "many small ones",
      start: () =>
        startStorm({
          subscribers,
          seconds,
          services: sizes.services,
          instances: sizes.perService,
          each: sizes.each,
        }),
    },
  ],
}));

function startStorm({ subscribers, services, instances, each, seconds }: Work): Promise<Trial> {
  return startTrial(async (stack) => {
    needOpenFiles(subscribers + 200);
    const { address, servers } = stack.use(await startRegistry("rollcall"));
    const restarter = stack.use(new Child("load/restarter", [address, services, instances].map(String)));
    await restarter.line();
    const watchers = shares(subscribers, PROCESSES).map(({ count, first }) =>
      stack.use(new Child("load/storm-watchers", [address, count, first, services, each].map(String))),
    );
    await Promise.all(watchers.map((child) => child.line()));
    let generation = 0;
    return {
      servers,
      async repeat(): Promise<Measured> {
        generation++;
        const { result, usage } = await usageWhile(servers, async () => {
          const command = { generation, overMs: seconds * 1_000, goneMs: GONE_MS };
          const restarted = await restarter.asking<RestartReport>(command);
          const { lastDueAt } = restarted;
          const seen: StormCommand = { generation, instances, lastDueAt, withinMs: SEEN_WITHIN_MS };
          return { restarted, reports: await Promise.all(watchers.map((child) => child.asking<StormReport>(seen))) };
        });
        const { restarted, reports } = result;
        const sum = (field: "pushes" | "bytes" | "lost" | "duplicated" | "mismatched" | "subscriptions"): number =>
          reports.reduce((total, report) => total + report[field], 0);
        const most = (field: "p50Ms" | "p99Ms" | "finalP50Ms" | "finalP99Ms"): number =>
          Math.max(...reports.map((report) => report[field]));
        const changesSeen = (restarted.changes / services) * sum("subscriptions");
        return {
          metrics: [
            less("from a registration to its push: p50", "ms", most("p50Ms")),
            less("from a registration to its push: p99", "ms", most("p99Ms")),
            less("from the last one to the final state: p50", "ms", most("finalP50Ms")),
            less("from the last one to the final state: p99", "ms", most("finalP99Ms")),
            more("changes merged into a push of others", "%", (1 - sum("pushes") / changesSeen) * 100),
            more("pushes", "1/s", sum("pushes") / seconds),
            less("bytes for each change and subscriber", "B", sum("bytes") / changesSeen),
          ],
          faults: {
            errors: restarted.errors + sum("mismatched"),
            lost: sum("lost"),
            duplicated: sum("duplicated"),
          },
          usage,
        };
      },
    };
  });
}
