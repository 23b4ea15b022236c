/**
 * How long it takes until everything is as it should be again after one fault in a cluster that is otherwise well: the
 * limits of the contract, each on as many seeds as one likes. The time is the simulation's, so it is the same on any
 * machine and knows nothing of what work costs: it shows the waiting that is built in, which is nearly all there is.
 */

import { createClientWith } from "@rollcall/sdk/heart";

import { SimCluster } from "./cluster/sim-cluster.ts";

export interface Recovery {
  readonly name: string;
  /** What the contract allows, in milliseconds. */
  readonly limitMs: number;
  /** Does what is to be recovered from, lasting a while if it likes. From its end on the time is taken. */
  readonly strike: (cluster: SimCluster, random: () => number) => Promise<void>;
  /** Default 1. */
  readonly metas?: number;
  /** What has to be so besides everything being seen. */
  readonly until?: (cluster: SimCluster) => boolean;
}

const SERVICES = Array.from({ length: 12 }, (_, index) => `service-${index + 1}`);

/** How long a cut lasts: longer than the lease of a node, shorter than that of registrations. */
const CUT_MS = 12_000;

/** When a run that has not recovered is given up, in milliseconds. */
const GIVEN_UP_MS = 60_000;

export const recoveries: readonly Recovery[] = [
  {
    name: "R3: the leader of slots is killed",
    limitMs: 4_000,
    async strike(cluster, random) {
      leaderOf(cluster, random).crash();
    },
  },
  {
    name: "R4: leader and follower are killed; from the assignment on",
    limitMs: 5_000,
    async strike(cluster, random) {
      const service = SERVICES[Math.floor(random() * SERVICES.length)]!;
      const pair = [cluster.leaderOf(service), ...cluster.followersOf(service)];
      for (const node of pair) node.crash();
      const isAssigned = (): boolean => !pair.some(({ nodeId }) => nodeId === cluster.ownerOf(service)?.leader);
      await cluster.clock.runUntilIdleOr(isAssigned, GIVEN_UP_MS);
    },
  },
  {
    name: "R5: the meta that leads is killed",
    limitMs: 5_000,
    metas: 3,
    async strike(cluster) {
      cluster.meta.crash();
    },
    until: (cluster) => cluster.metas.some(({ state, server }) => state === "up" && server.leads()),
  },
  {
    name: "R6: all servers are killed and come back",
    limitMs: 15_000,
    async strike(cluster) {
      for (const node of cluster.nodes) node.crash();
      await cluster.clock.runFor(2_000);
      for (const node of cluster.nodes) node.restart({ disk: "kept" });
    },
  },
  cutFrom("R7: a data node was cut from meta", (cluster, random) => [
    [leaderOf(cluster, random).address],
    [cluster.meta.address],
  ]),
  cutFrom("R7: a data node was cut from the sessions", (cluster, random) => [
    [leaderOf(cluster, random).address],
    cluster.sessions.map(({ address }) => address),
  ]),
  cutFrom("R8: a session was cut from all data nodes", (cluster, random) => [
    [cluster.sessions[Math.floor(random() * cluster.sessions.length)]!.address],
    cluster.data.map(({ address }) => address),
  ]),
];

function cutFrom(
  name: string,
  sides: (cluster: SimCluster, random: () => number) => readonly [string[], string[]],
): Recovery {
  return {
    name,
    limitMs: 10_000,
    async strike(cluster, random) {
      const [some, others] = sides(cluster, random);
      cluster.network.partition(some, others);
      await cluster.clock.runFor(CUT_MS);
      cluster.network.heal();
    },
  };
}

function leaderOf(cluster: SimCluster, random: () => number) {
  return cluster.leaderOf(SERVICES[Math.floor(random() * SERVICES.length)]!);
}

/**
 * Strikes once and gives how long it took, in milliseconds, until every node is ready, everything that was registered
 * before is in every view, and so is what was registered after.
 */
export async function timeRecovery({ strike, metas, until = () => true }: Recovery, seed: number): Promise<number> {
  const shape = { data: 3 + (seed % 2), sessions: 2 + (seed % 3 === 0 ? 1 : 0), metas };
  const cluster = new SimCluster({ seed, shape });
  await cluster.start();
  const random = cluster.random.fork("strike");
  const servers = cluster.sessions.map(({ address }) => address);
  const open = (name: string) => createClientWith({ ...cluster.portsOf(name), clientId: name }, { servers });
  const clients = ["a", "b", "c"].map(open);
  const views = clients.flatMap((client) => SERVICES.map((service) => client.subscribe(service)));
  const register = (id: string): void => {
    for (const service of SERVICES) void clients[0]!.register({ service, id, address: "10.0.0.1:80" });
  };
  register("before");
  // Rebalancing has come to rest by then, and the moment of the fault is any.
  await cluster.clock.runFor(5_000 + random.between(0, 1_000));

  await strike(cluster, () => random.next());
  const struckAt = cluster.clock.now();
  register("after");
  const isWhole = (): boolean =>
    until(cluster) &&
    cluster.nodes.every(({ state, isReady }) => state !== "up" || isReady) &&
    views.every(
      (view) =>
        view
          .current()
          ?.instances.map(({ id }) => id)
          .join() === "after,before",
    );
  await cluster.clock.runUntilIdleOr(isWhole, GIVEN_UP_MS);
  return cluster.clock.now() - struckAt;
}

/** The times of a recovery on many seeds, shortest first. */
export async function timeRecoveries(recovery: Recovery, seeds: Iterable<number>): Promise<number[]> {
  const times: number[] = [];
  for (const seed of seeds) times.push(await timeRecovery(recovery, seed));
  return times.toSorted((a, b) => a - b);
}
