/** Many clients are gone at once, without a word. */

import { createZookeeperServices } from "../clients/zookeeper-client.ts";
import type { Measured, Scenario, Trial } from "../harness/scenario.ts";
import { startTrial } from "../harness/trial.ts";
import { totalCpuSeconds, usageWhile } from "../harness/usage.ts";
import { Registrars, Subscribers } from "../load/registry-load.ts";
import { serviceNames } from "../load/words.ts";
import { startRegistry, type RegistryKind } from "../registries/registry.ts";

interface Work {
  readonly clients: number;
  /** What each of them registers. */
  readonly each: number;
  readonly services: number;
  readonly processes: number;
  /** Each follows all services. */
  readonly subscribers: number;
}

const FULL: Work = { clients: 128, each: 40, services: 512, processes: 2, subscribers: 10 };
const SMOKE: Work = { clients: 8, each: 4, services: 16, processes: 1, subscribers: 2 };

/** The shortest that ZooKeeper grants; etcd grants half of it. */
const LEASE_MS = 4_000;
const SEEN_WITHIN_MS = 40_000;

export const expiryScenario: Scenario = {
  name: "expiry",
  title: "Many clients die at once",
  about:
    "The processes of 128 clients, which have registered 40 instances each, are killed with `kill -9`. 10 subscribers follow all " +
    "of the 512 services. Leases of etcd and sessions of ZooKeeper are 4 s, the shortest that ZooKeeper grants; a connection of " +
    "Rollcall that is reset has 300 ms to come back. But nearly all of its connections are lost within a second here: it takes that for " +
    "the network's doing and keeps what they registered for 30 s. A client whose machine is gone resets nothing: then it takes 4 s to " +
    "find out, and 12 more.",
  seconds: 55,
  smokes: false,
  warmUps: 0,
  repeatsMax: 3,
  subjects: (["rollcall", "etcd", "zookeeper"] as const).map((kind) => ({
    name: kind,
    start: (scale) => startExpiry(kind, scale === "full" ? FULL : SMOKE),
  })),
};

function startExpiry(kind: RegistryKind, work: Work): Promise<Trial> {
  const { clients, each, services, processes, subscribers } = work;
  return startTrial(async (stack) => {
    const registry = stack.use(await startRegistry(kind));
    const { servers } = registry;
    if (kind === "zookeeper") await createZookeeperServices(registry.address, serviceNames(services));
    const audience = stack.use(
      await Subscribers.start(registry, { clients: subscribers, services, each: services }, processes),
    );
    let round = 0;
    return {
      servers,
      async repeat(): Promise<Measured> {
        round++;
        await using registrars = new Registrars(registry, clients, processes, LEASE_MS);
        await registrars.join();
        const reports = await registrars.register({ round, each, services, batch: 1, unanswered: 1 });
        const shown = await audience.see((clients * each) / services, SEEN_WITHIN_MS);
        await registrars.kill();
        const { result: gone, usage, seconds } = await usageWhile(servers, () => audience.see(0, SEEN_WITHIN_MS));
        return {
          metrics: [
            { name: "until nobody sees any of them", unit: "s", better: "less", value: seconds },
            {
              name: "removed for each CPU-second of all servers",
              unit: "1/s",
              better: "more",
              value: (clients * each) / totalCpuSeconds(usage),
            },
          ],
          faults: {
            errors: reports.reduce((sum, { errors }) => sum + errors, 0),
            lost: shown.lost + gone.lost,
            duplicated: shown.duplicated + gone.duplicated,
          },
          usage,
        };
      },
    };
  });
}
