/** A node of each role is killed under load: a timeline for each. */

import { setTimeout as elapse } from "node:timers/promises";

import { needOpenFiles } from "../child.ts";
import { BenchCluster, serversOf, type BenchNode } from "../cluster.ts";
import { now } from "../harness/clock.ts";
import { less } from "../harness/figures.ts";
import type { Measured, Scenario, Trial } from "../harness/scenario.ts";
import { sized } from "../harness/sized.ts";
import { quantileOf } from "../harness/statistics.ts";
import { timelineOf } from "../harness/timeline.ts";
import { startTrial } from "../harness/trial.ts";
import { usageWhile } from "../harness/usage.ts";
import { startPublisher } from "../load/paced-load.ts";
import { Registrars } from "../load/registry-load.ts";
import { Witnesses } from "../load/witness-group.ts";
import { serviceName, serviceNames } from "../load/words.ts";

const FULL = {
  data: 3,
  services: 200,
  witnesses: 1_000,
  processes: 2,
  rate: 1_000,
  registrations: 100,
  before: 2_000,
  after: 8_000,
};
const SMOKE: typeof FULL = {
  data: 2,
  services: 10,
  witnesses: 10,
  processes: 1,
  rate: 100,
  registrations: 40,
  before: 200,
  after: 2_000,
};
type Work = typeof FULL;

const SESSIONS = 2;
const REGISTRARS = 20;
/** How much of the time before the kill is kept, in milliseconds. */
const SHOWN_BEFORE_MS = 500;
const SEEN_WITHIN_MS = 20_000;
const REPLACED_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 20;

/** A node that is to be killed. */
interface Victim {
  readonly node: BenchNode;
  /** Services with which it has to do, by number. Those whose connections it takes with it are concerned, too. */
  readonly services: ReadonlySet<number>;
  /** Whether another one has taken its place; undefined where that shows in the clients' connections. */
  readonly isReplaced?: () => Promise<boolean>;
}

type Choose = (cluster: BenchCluster, services: number) => Promise<Victim>;

const VICTIMS: Readonly<Record<string, Choose>> = {
  "a data node": chooseDataNode,
  "a session": chooseSession,
  "the meta that acts": chooseMeta,
};

export const recoveryScenario: Scenario = sized(FULL, SMOKE, (work) => ({
  name: "recovery",
  title: "A node of each role is killed under load",
  about:
    `${work.rate} changes a second of ${work.services} services, by the clock, made by one client at each of two sessions, and ` +
    `${work.registrations} registrations a second by ${REGISTRARS} others. ${work.witnesses} subscribers, each with a connection of its ` +
    `own, follow a service each; ${work.data} data nodes. ` +
    "One node is killed with `kill -9`: the data node that leads most of the services, which concerns these; one of the sessions, which concerns what is told to its clients, and what they tell; or the one of " +
    "three metas that acts, which ought to concern nobody. A subscriber is back at its first callback with a change that was due after the " +
    "kill. The place is taken when meta has given all slots to others, when the last client of the session is connected to " +
    "the other one, or when another meta acts. An instance that a list shows no more counts as lost, a push with what was held already " +
    "as duplicated. What the servers used is that of those that were left, from the kill on.",
  seconds: 150,
  repeatsMax: 3,
  warmUps: 0,
  subjects: Object.entries(VICTIMS).map(([name, choose]) => ({ name, start: () => startRecoveries(choose, work) })),
}));

/** Each repeat has servers of its own: one of them does not live to see another. */
async function startRecoveries(choose: Choose, work: Work): Promise<Trial> {
  needOpenFiles(work.witnesses + 200);
  return startTrial(() => Promise.resolve({ servers: [], repeat: () => measure(choose, work) }));
}

async function measure(choose: Choose, work: Work): Promise<Measured> {
  const { data, services, witnesses, processes, rate, registrations, before, after } = work;
  await using stack = new AsyncDisposableStack();
  const metas = choose === chooseMeta ? 3 : 1;
  const cluster = stack.use(await BenchCluster.start({ data, sessions: SESSIONS, metas, medium: "memory" }));
  const addresses = cluster.sessions.map(({ address }) => address);
  const registry = { kind: "rollcall", address: addresses.join() } as const;
  const publishers = await Promise.all(
    addresses.map(async (own, session) => {
      const share = { services: services / SESSIONS, first: firstAt(session, services) };
      const address = [own, ...addresses.toSpliced(session, 1)].join();
      return stack.use(await startPublisher({ ...registry, address }, share));
    }),
  );
  const audience = { clients: witnesses, services, each: 1 };
  const witnessing = stack.use(await Witnesses.start(registry, audience, processes));
  const registrars = stack.use(new Registrars(registry, REGISTRARS, 1));
  await registrars.join();

  const publishing = publishers.map((publisher) => {
    const changes = (rate * (before + after)) / 1_000 / SESSIONS;
    return publisher.publish({ rate: rate / SESSIONS, changes, persistent: true });
  });
  const each = Math.ceil((registrations * (before + after)) / 1_000 / REGISTRARS);
  const beside = { services, firstService: services, perSecond: registrations };
  // All of them may be unanswered: each begins when it is due.
  const registering = registrars.register({ round: 0, each, batch: 1, unanswered: each, ...beside });
  await elapse(before);
  const victim = await choose(cluster, services);
  const killedAt = now();
  await cluster.end(victim.node, "SIGKILL");
  const { result, usage } = await usageWhile(serversOf(cluster), async () => {
    const replacing = victim.isReplaced === undefined ? undefined : until(victim.isReplaced);
    const published = await Promise.all(publishing);
    const [registered] = await registering;
    const last = published.flatMap((one) => one.last);
    const seen = await witnessing.see({ last, instancesOfService: 1, withinMs: SEEN_WITHIN_MS });
    return { published, registered: registered!, seen, replacedAt: await replacing };
  });
  const { published, registered, seen } = result;

  const moved = new Set(seen.losses.flatMap(({ client, server }) => (server === victim.node.address ? [client] : [])));
  const isConcerned = (witness: number): boolean => moved.has(witness) || victim.services.has(witness % services);
  const back = new Map<number, number>();
  const others: number[] = [];
  for (const [arrivedAt, dueAt, , witness] of seen.arrivals) {
    if (dueAt <= killedAt) continue;
    if (!isConcerned(witness)) others.push(arrivedAt - dueAt);
    else back.set(witness, Math.min(back.get(witness) ?? Infinity, arrivedAt - killedAt));
  }
  const concerned = Array.from({ length: witnesses }, (_, witness) => witness).filter(isConcerned).length;
  const backMs = [...back.values()];
  const reconnectedAt = seen.connections.flatMap(({ client, at }) => (moved.has(client) ? [at] : []));
  const replacedAt = result.replacedAt ?? Math.max(killedAt, ...reconnectedAt);
  const sum = (field: "failures" | "errors"): number => published.reduce((total, one) => total + one[field], 0);
  return {
    metrics: [
      less("subscribers that are concerned", "%", (concerned / witnesses) * 100),
      less("until its place is taken", "ms", replacedAt - killedAt),
      ...(concerned === 0
        ? []
        : [
            less("until half of those concerned are back", "ms", quantileOf(backMs, 0.5)),
            less("until the last of them is", "ms", quantileOf(backMs, 1)),
          ]),
      ...(others.length === 0
        ? []
        : [
            less("from a change to the callback of the others: p99", "ms", quantileOf(others, 0.99)),
            less("from a change to the callback of the others: most", "ms", quantileOf(others, 1)),
          ]),
      less("a registration, before and after: p50", "ms", registered.p50Ms),
      less("a registration, before and after: p99", "ms", registered.p99Ms),
      less("changes that failed and were tried again", "", sum("failures")),
    ],
    faults: {
      errors: sum("errors") + registered.errors + concerned - back.size,
      lost: seen.behind + seen.missing + seen.gone,
      duplicated: seen.unchanged + seen.goneBack,
    },
    usage,
    timeline: timelineOf(
      seen.arrivals.map(([arrivedAt, , , witness]) => ({ arrivedAt, concerned: isConcerned(witness) })),
      { zeroAt: killedAt, fromMs: -SHOWN_BEFORE_MS, untilMs: after },
    ),
  };
}

async function chooseDataNode(cluster: BenchCluster, services: number): Promise<Victim> {
  const { node, leads } = await cluster.mostLeading(serviceNames(services));
  return {
    node,
    services: new Set(numbersBelow(services).filter((service) => leads.has(serviceName(service)))),
    async isReplaced() {
      const { owners } = (await cluster.state()).table;
      return owners.every(({ leader }) => leader !== undefined && leader !== node.nodeId);
    },
  };
}

async function chooseSession(cluster: BenchCluster, services: number): Promise<Victim> {
  const share = numbersBelow(services).filter((service) => service < firstAt(1, services));
  return { node: cluster.sessions[0]!, services: new Set(share) };
}

async function chooseMeta(cluster: BenchCluster): Promise<Victim> {
  const node = await cluster.actingMeta();
  if (node === undefined) throw new Error("no meta acts");
  return { node, services: new Set(), isReplaced: async () => (await cluster.actingMeta()) !== undefined };
}

/** The number of the first service that is changed at a session. */
function firstAt(session: number, services: number): number {
  return (session * services) / SESSIONS;
}

function numbersBelow(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number);
}

/** Resolves with when that was. */
async function until(condition: () => Promise<boolean>): Promise<number> {
  const deadline = now() + REPLACED_WITHIN_MS;
  while (!(await condition())) {
    if (now() > deadline) throw new Error(`nobody has taken its place after ${REPLACED_WITHIN_MS} ms`);
    await elapse(LOOK_EVERY_MS);
  }
  return now();
}
