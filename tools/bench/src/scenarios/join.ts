/** A fresh data node joins a cluster that is at work. */

import { ALL_SLOTS } from "@rollcall/core";

import { needOpenFiles } from "../child.ts";
import { BenchCluster, serversOf, type BenchNode } from "../cluster.ts";
import { less, more } from "../harness/figures.ts";
import { metricOf } from "../harness/metrics.ts";
import type { Measured, Scenario, Trial } from "../harness/scenario.ts";
import { sized } from "../harness/sized.ts";
import { quantileOf } from "../harness/statistics.ts";
import { startTrial } from "../harness/trial.ts";
import { usageWhile } from "../harness/usage.ts";
import { startPublisher } from "../load/paced-load.ts";
import { Registrars } from "../load/registry-load.ts";
import { Witnesses } from "../load/witness-group.ts";

const FULL = { clients: 1_000, each: 100, services: 2_000, rate: 200, before: 2_000 };
const SMOKE: typeof FULL = { clients: 4, each: 5, services: 10, rate: 100, before: 100 };
type Work = typeof FULL;

const PROCESSES = 2;
/** Instances that a client registers in one go. */
const BATCH = 100;
const BALANCED_WITHIN_MS = 60_000;
const SEEN_WITHIN_MS = 60_000;
/** How often one looks whether the slots are balanced, in milliseconds. */
const LOOK_EVERY_MS = 50;
/** How many changes are asked for at a time: those of so many milliseconds. */
const CHANGES_OF_MS = 500;
/** A difference that meta does not think worth a move. */
const TOLERANCE = 0.1;

export const joinScenario: Scenario = sized(FULL, SMOKE, (work) => ({
  name: "join",
  title: "A fresh data node joins",
  about:
    `${work.clients} clients, each with a connection of its own, hold ${work.each} instances each in ${work.services} services; two ` +
    `data nodes, two sessions. ${work.rate} changes a second go on, by the clock, of one more instance of each service in turn, and one ` +
    "client follows all lists. Then a third data node starts that has nothing. Slots are balanced when every data node leads " +
    "and follows its share, give or take a tenth, and every follower has all of its slots. An instance that a list shows no " +
    "more counts as lost, a push with what was held already as duplicated. Afterwards the node leaves in order.",
  seconds: 120,
  repeatsMax: 3,
  warmUps: 0,
  subjects: [{ name: "rollcall", start: () => startJoins(work) }],
}));

function startJoins({ clients, each, services, rate, before }: Work): Promise<Trial> {
  return startTrial(async (stack) => {
    needOpenFiles(clients + 200);
    const cluster = stack.use(await BenchCluster.start({ data: 2, sessions: 2 }));
    const registry = { kind: "rollcall", address: cluster.sessions.map(({ address }) => address).join() } as const;
    const registrars = stack.use(new Registrars(registry, clients, PROCESSES));
    await registrars.join();
    const reports = await registrars.register({ round: 0, each, services, batch: BATCH, unanswered: 1 });
    const errors = reports.reduce((sum, report) => sum + report.errors, 0);
    const publisher = stack.use(await startPublisher(registry, { services }));
    const witness = stack.use(await Witnesses.start(registry, { clients: 1, services, each: services }, 1));
    const instancesOfService = (clients * each) / services + 1;

    /** Changes go on until `over`; gives what was seen of them, and how many failed. */
    const changing = async (over: () => boolean) => {
      const counts = { errors: 0 };
      let last: readonly number[] = [];
      do {
        const published = await publisher.publish({ rate, changes: Math.ceil((rate * CHANGES_OF_MS) / 1_000) });
        last = published.last;
        counts.errors += published.errors;
      } while (!over());
      const seen = await witness.see({ last, instancesOfService, withinMs: SEEN_WITHIN_MS });
      return { ...seen, errors: counts.errors, latenciesMs: seen.arrivals.map(([at, dueAt]) => at - dueAt) };
    };

    return {
      servers: [],
      async repeat(): Promise<Measured> {
        await untilBalanced(cluster);
        const quietUntil = performance.now() + before;
        const quiet = await changing(() => performance.now() > quietUntil);
        const beganAt = performance.now();
        const sinceMs = (): number => performance.now() - beganAt;
        const fresh = await cluster.add("data");
        const listenMs = sinceMs();
        const servers = serversOf(cluster).map((server) =>
          server.metricsAt === fresh.address ? { ...server, role: "data, fresh" } : server,
        );
        const { result, usage } = await usageWhile(servers, async () => {
          const balanced = { ms: Number.NaN };
          const balancing = untilBalanced(cluster).finally(() => (balanced.ms = sinceMs()));
          const seen = await changing(() => !Number.isNaN(balanced.ms));
          await balancing;
          return { seen, balancedMs: balanced.ms };
        });
        const { seen, balancedMs } = result;
        const holds = await holdingsOf(fresh);
        // The next one finds what this one found.
        await cluster.end(fresh, "SIGTERM");
        return {
          metrics: [
            less("until it listens", "ms", listenMs),
            less("until slots are balanced", "ms", balancedMs),
            more("slots that it leads then", "", holds.leads),
            more("instances in these", "", holds.instances),
            less("from a change to the callback, before: p50", "ms", quantileOf(quiet.latenciesMs, 0.5)),
            less("from a change to the callback, before: p99", "ms", quantileOf(quiet.latenciesMs, 0.99)),
            less("from a change to the callback, meanwhile: p50", "ms", quantileOf(seen.latenciesMs, 0.5)),
            less("from a change to the callback, meanwhile: p99", "ms", quantileOf(seen.latenciesMs, 0.99)),
            less("from a change to the callback, meanwhile: most", "ms", quantileOf(seen.latenciesMs, 1)),
          ],
          faults: {
            errors: errors + quiet.errors + seen.errors,
            lost: quiet.behind + quiet.missing + quiet.gone + seen.behind + seen.missing + seen.gone,
            duplicated: quiet.unchanged + quiet.goneBack + seen.unchanged + seen.goneBack,
          },
          usage,
        };
      },
    };
  });
}

async function holdingsOf({ address }: BenchNode): Promise<{ readonly leads: number; readonly instances: number }> {
  const [leads, instances] = await Promise.all(
    ["rollcall_data_slots_leading", "rollcall_data_instances"].map((name) => metricOf(address, name)),
  );
  return { leads: leads!, instances: instances! };
}

async function untilBalanced(cluster: BenchCluster): Promise<void> {
  const deadline = performance.now() + BALANCED_WITHIN_MS;
  while (!(await isBalanced(cluster))) {
    if (performance.now() > deadline) throw new Error(`slots are not balanced after ${BALANCED_WITHIN_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/**
 * A slot has one follower only when nothing of it is on the move: the one too many is dropped when the other one has all of
 * what a leader holds that has taken over completely. Metrics would say the same, but to read them ends what they sum up.
 */
async function isBalanced(cluster: BenchCluster): Promise<boolean> {
  const { data } = cluster;
  const { owners } = (await cluster.state()).table;
  if (owners.some(({ followers }) => followers.length !== 1)) return false;
  const share = ALL_SLOTS.length / data.length;
  const isFair = (count: number): boolean => Math.abs(count - share) <= Math.ceil(share * TOLERANCE);
  return data.every(
    ({ nodeId }) =>
      isFair(owners.filter(({ leader }) => leader === nodeId).length) &&
      isFair(owners.filter(({ followers }) => followers.includes(nodeId)).length),
  );
}
