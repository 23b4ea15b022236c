/** All servers are gone at once and start again, while clients hold what they have registered. */

import { needOpenFiles } from "../child.ts";
import { BenchCluster, serversOf } from "../cluster.ts";
import { less } from "../harness/figures.ts";
import type { Measured, Scenario, Trial } from "../harness/scenario.ts";
import { sized } from "../harness/sized.ts";
import { startTrial } from "../harness/trial.ts";
import { usageWhile } from "../harness/usage.ts";
import { Registrars, Subscribers } from "../load/registry-load.ts";

const FULL = { clients: 1_000, each: 100, services: 2_000 };
const SMOKE: typeof FULL = { clients: 4, each: 5, services: 10 };
type Work = typeof FULL;

const PROCESSES = 2;
/** Instances that a client registers in one go. */
const BATCH = 100;
const READY_WITHIN_MS = 60_000;
const SEEN_WITHIN_MS = 60_000;

export const coldStartScenario: Scenario = sized(FULL, SMOKE, (work) => ({
  name: "cold-start",
  title: "All servers start again",
  about:
    `${work.clients} clients, each with a connection of its own, hold ${work.each} instances each. All servers (one meta, two data ` +
    "nodes, two sessions) are killed with `kill -9` and started again at once, with what they had on disk. All times count " +
    `from then. The newcomer is a client that follows all of the ${work.services} services and had no list before.`,
  seconds: 80,
  repeatsMax: 3,
  warmUps: 0,
  subjects: [{ name: "rollcall", start: () => startColdStarts(work) }],
}));

function startColdStarts({ clients, each, services }: Work): Promise<Trial> {
  return startTrial(async (stack) => {
    needOpenFiles(clients + 200);
    const cluster = stack.use(await BenchCluster.start({ data: 2, sessions: 2 }));
    const registry = { kind: "rollcall", address: cluster.sessions.map(({ address }) => address).join() } as const;
    const registrars = stack.use(new Registrars(registry, clients, PROCESSES));
    await registrars.join();
    const reports = await registrars.register({ round: 0, each, services, batch: BATCH, unanswered: 1 });
    const errors = reports.reduce((sum, report) => sum + report.errors, 0);
    return {
      servers: [],
      async repeat(): Promise<Measured> {
        const [meta, others] = [cluster.metas[0]!, [...cluster.data, ...cluster.sessions]];
        await Promise.all([meta, ...others].map((node) => cluster.end(node, "SIGKILL")));
        const beganAt = performance.now();
        const sinceMs = (): number => performance.now() - beganAt;
        await cluster.restart(meta);
        const nodes = await Promise.all(others.map((node) => cluster.restart(node)));
        const listenMs = sinceMs();
        const { result, usage } = await usageWhile(serversOf(cluster), async () => {
          const ready = Promise.all(nodes.map((node) => cluster.ready(node, READY_WITHIN_MS))).then(sinceMs);
          await using newcomer = await Subscribers.start(registry, { clients: 1, services, each: services }, 1);
          const seen = await newcomer.see((clients * each) / services, SEEN_WITHIN_MS);
          const seenMs = sinceMs();
          return { readyMs: await ready, seenMs, seen };
        });
        return {
          metrics: [
            less("until all servers listen", "ms", listenMs),
            less("until all are ready", "ms", result.readyMs),
            less("until a newcomer sees every instance", "ms", result.seenMs),
          ],
          faults: { errors, lost: result.seen.lost, duplicated: result.seen.duplicated },
          usage,
        };
      },
    };
  });
}
