// All servers die at once: R6 of the contract. By hand with more:
//   E2E_INSTANCES=100000 npx vitest run test/data-restart.test.ts

import { test } from "vitest";

import { expectSurvived, tell } from "./fault-fixture.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 2, sessions: 2 });

/** By a client less than it may register. */
const BY_CLIENT = 5_000;
const INSTANCES = Number(process.env["E2E_INSTANCES"] ?? 20_000);
const SERVICES = 200;
const PROVIDERS = Math.ceil(INSTANCES / BY_CLIENT);

/** Limit of the contract, in milliseconds. */
const FULL_MS = 15_000;

/** The sessions that died may be waited for as long as a registration lease. */
const READY_MS = 20_000;

test(`every server is killed and started again with ${INSTANCES} instances registered: nobody sees less`, async () => {
  const { cluster } = fixture;
  const shape = { services: SERVICES, providers: PROVIDERS, subscribers: 2, instances: BY_CLIENT / SERVICES };
  const trial = { name: "all-killed", shape, load: false, convergedWithinMs: FULL_MS };
  await expectSurvived(cluster, trial, async ({ traffic, world }) => {
    const nodes = [cluster.meta, ...cluster.data, ...cluster.sessions];
    await Promise.all(nodes.map((node) => cluster.kill(node)));
    world.history.record({ kind: "all servers down" });
    await Promise.all(nodes.map((node) => cluster.restart(node)));
    world.history.record({ kind: "servers back" });
    const backAt = performance.now();
    traffic.subscribe("all-killed-newcomer");
    await traffic.untilSeen(traffic.services, FULL_MS);
    tell(`a newcomer is shown all ${INSTANCES} instances ${since(backAt)} ms after the servers were back`);
    await cluster.ready(READY_MS);
    tell(`all servers are ready ${since(backAt)} ms after they were back`);
  });
}, 120_000);

function since(from: number): string {
  return (performance.now() - from).toFixed(0);
}
