/** The one that leads is killed, beside the peers. */

import { setTimeout as elapse } from "node:timers/promises";

import { createZookeeperServices } from "../clients/zookeeper-client.ts";
import { now } from "../harness/clock.ts";
import { less, more } from "../harness/figures.ts";
import type { Measured, Scenario, Trial } from "../harness/scenario.ts";
import { sized } from "../harness/sized.ts";
import { quantileOf } from "../harness/statistics.ts";
import { timelineOf } from "../harness/timeline.ts";
import { startTrial } from "../harness/trial.ts";
import { usageWhile } from "../harness/usage.ts";
import { Followers, startPublisher } from "../load/paced-load.ts";
import { serviceName, serviceNames } from "../load/words.ts";
import { startRegistry, type Registry, type RegistryKind } from "../registries/registry.ts";

const FULL = { services: 200, subscribers: 200, rate: 1_000, before: 2_000, after: 8_000 };
const SMOKE: typeof FULL = { services: 10, subscribers: 10, rate: 100, before: 200, after: 2_000 };
type Work = typeof FULL;

const MEMBERS = 3;
const PROCESSES = 2;
/** How much of the time before the kill is kept, in milliseconds. */
const SHOWN_BEFORE_MS = 500;
/** What etcd has taken and lost it answers after 7 s only. */
const ANSWER_MS = 1_000;
const SEEN_WITHIN_MS = 20_000;

export const failoverScenario: Scenario = sized(FULL, SMOKE, (work) => ({
  name: "failover",
  title: "The one that leads is killed under load, beside the peers",
  about:
    `${work.rate} changes a second of ${work.services} services, by the clock; each is followed by ` +
    `${work.subscribers / work.services} of ${work.subscribers} subscribers with a connection of their own. Three servers replicate ` +
    "what is registered: data nodes of Rollcall (beside one meta and two sessions), members of etcd and of ZooKeeper. The one that " +
    "leads is killed with `kill -9`: of the three data nodes the one that leads most services, and only its services are " +
    "concerned; with etcd and ZooKeeper it is all of them, and those connected to it have to go elsewhere. What fails, or is not " +
    "answered by etcd within a second, is tried again after 20 ms, unless there is a later change of the same service. A service is back at the first callback with a change that was " +
    "due after the kill. What the servers used is that of those that were left, from the kill on.",
  seconds: 180,
  repeatsMax: 3,
  warmUps: 0,
  subjects: (["rollcall", "etcd", "zookeeper"] as const).map((kind) => ({
    name: kind,
    start: () => startFailover(kind, work),
  })),
}));

/** Each repeat has servers of its own: one of them does not live to see another. */
async function startFailover(kind: RegistryKind, work: Work): Promise<Trial> {
  return startTrial(async (stack) => {
    // The first are started with all others that are measured.
    const first = stack.use(await startRegistry(kind, { members: MEMBERS }));
    let next: Registry | undefined = first;
    return {
      servers: [],
      async repeat(): Promise<Measured> {
        await using registry = next ?? (await startRegistry(kind, { members: MEMBERS }));
        next = undefined;
        // Awaited here, because the servers end with this block.
        return await measure(registry, work);
      },
    };
  });
}

async function measure(registry: Registry, { services, subscribers, rate, before, after }: Work): Promise<Measured> {
  await using stack = new AsyncDisposableStack();
  if (registry.kind === "zookeeper") await createZookeeperServices(registry.address, serviceNames(services));
  const publisher = stack.use(await startPublisher(registry, { services, answerMs: ANSWER_MS }));
  const audience = { clients: subscribers, services, each: 1 };
  const followers = stack.use(await Followers.start(registry, audience, PROCESSES));
  const leader = await registry.findLeader(serviceNames(services));
  const changes = (rate * (before + after)) / 1_000;
  const publishing = publisher.publish({ rate, changes, persistent: true });
  await elapse(before);
  const killedAt = now();
  await leader.kill();
  const { result, usage } = await usageWhile(registry.servers, async () => {
    const published = await publishing;
    const seen = await followers.see({ last: published.last, withinMs: SEEN_WITHIN_MS, tellArrivals: true });
    return { ...published, seen };
  });
  const { last, failures, errors, seen } = result;

  const concerned = new Set([...last.keys()].filter((service) => leader.leads.has(serviceName(service))));
  const first = new Map<number, number>();
  const others: number[] = [];
  for (const [arrivedAt, dueAt, service] of seen.arrivals) {
    if (dueAt <= killedAt) continue;
    if (concerned.has(service)) first.set(service, Math.min(first.get(service) ?? Infinity, arrivedAt - killedAt));
    else others.push(arrivedAt - dueAt);
  }
  const noted = seen.arrivals.map(([arrivedAt, , service]) => ({ arrivedAt, concerned: concerned.has(service) }));
  return {
    metrics: [
      less("until the first of the services concerned is back", "ms", quantileOf([...first.values()], 0)),
      less("until half of them are", "ms", quantileOf([...first.values()], 0.5)),
      less("until the last is", "ms", quantileOf([...first.values()], 1)),
      more("services that are not concerned", "%", (1 - concerned.size / services) * 100),
      // Nothing is late where nobody is.
      less("from a change of those to the callback: p99", "ms", others.length === 0 ? 0 : quantileOf(others, 0.99)),
      less("attempts to change something that failed", "", failures),
      less("callbacks with what was known", "", seen.duplicated),
    ],
    faults: { errors: errors + concerned.size - first.size, lost: seen.lost, duplicated: 0 },
    usage,
    timeline: timelineOf(noted, { zeroAt: killedAt, fromMs: -SHOWN_BEFORE_MS, untilMs: after }),
  };
}
