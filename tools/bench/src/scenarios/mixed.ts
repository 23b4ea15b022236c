/** Changes and registrations go on while a few of many subscribers stop reading. */

import { needOpenFiles } from "../child.ts";
import { createZookeeperServices } from "../clients/zookeeper-client.ts";
import { now } from "../harness/clock.ts";
import { less } from "../harness/figures.ts";
import type { Faults, Measured, Metric, Scenario, Trial } from "../harness/scenario.ts";
import { sized } from "../harness/sized.ts";
import { startTrial } from "../harness/trial.ts";
import { residentMib, usageWhile } from "../harness/usage.ts";
import { Followers, startPublisher } from "../load/paced-load.ts";
import { Registrars } from "../load/registry-load.ts";
import { serviceNames } from "../load/words.ts";
import { startRegistry, type RegistryKind } from "../registries/registry.ts";

const FULL = { subscribers: 1_000, slow: 10, services: 200, rate: 500, registrations: 200, ms: 4_000 };
const SMOKE: typeof FULL = { subscribers: 10, slow: 2, services: 5, rate: 100, registrations: 200, ms: 200 };
type Work = typeof FULL;

const PROCESSES = 2;
const REGISTRARS = 20;
const SEEN_WITHIN_MS = 20_000;

export const mixedScenario: Scenario = sized(FULL, SMOKE, (work) => ({
  name: "mixed",
  title: "Everything at once, with one subscriber in a hundred that stops reading",
  about:
    `${work.rate} changes and ${work.registrations} registrations a second, by the clock, for ${work.ms} ms. ` +
    `${work.subscribers} subscribers, each with a connection of its own, follow one of the ${work.services} services each. It is ` +
    `measured in turn while all of them read and while the process of ${work.slow} stands still. The latencies are those of the ` +
    "others, from when a change was due to the callback. What servers gain is mostly heaps that grow under load, whoever reads: what " +
    "the others hold up is the difference. Then those that stood still go on, and have to come to see the last change.",
  seconds: 200,
  subjects: (["rollcall", "etcd", "zookeeper"] as const).map((kind) => ({
    name: kind,
    start: () => startMixed(kind, work),
  })),
}));

function startMixed(kind: RegistryKind, work: Work): Promise<Trial> {
  const { subscribers, slow, services, rate, registrations, ms } = work;
  const changes = (rate * ms) / 1_000;
  const each = (registrations * ms) / 1_000 / REGISTRARS;
  return startTrial(async (stack) => {
    needOpenFiles(subscribers + 200);
    const registry = stack.use(await startRegistry(kind));
    const { servers } = registry;
    if (kind === "zookeeper") await createZookeeperServices(registry.address, serviceNames(2 * services));
    const publisher = stack.use(await startPublisher(registry, { services }));
    const reading = { clients: subscribers - slow, services, each: 1 };
    const others = stack.use(await Followers.start(registry, reading, PROCESSES));
    const stopping = { clients: slow, services, each: 1, first: subscribers - slow };
    const slowOnes = stack.use(await Followers.start(registry, stopping, 1));
    const registrars = stack.use(new Registrars(registry, REGISTRARS, 1));
    const faults: { -readonly [Fault in keyof Faults]: number } = { errors: 0, lost: 0, duplicated: 0 };
    let round = 0;

    /** Both loads at once, and what the others see of it. */
    const run = async () => {
      await registrars.join();
      const registering = { round: ++round, each, services: 2 * services, batch: 1, unanswered: 1 };
      const [published, reports] = await Promise.all([
        publisher.publish({ rate, changes }),
        registrars.register({ ...registering, perSecond: registrations }),
      ]);
      const seen = await others.see({ last: published.last, withinMs: SEEN_WITHIN_MS });
      await registrars.leave();
      faults.errors += published.errors + reports.reduce((sum, { errors }) => sum + errors, 0);
      faults.lost += seen.lost;
      faults.duplicated += seen.duplicated;
      return { ...seen, last: published.last };
    };
    const resident = (): number => servers.reduce((sum, { pid }) => sum + residentMib(pid), 0);

    return {
      servers,
      async repeat(): Promise<Measured> {
        Object.assign(faults, { errors: 0, lost: 0, duplicated: 0 });
        const { result: metrics, usage } = await usageWhile(servers, async (): Promise<Metric[]> => {
          const residentAtFirst = resident();
          const without = await run();
          // Heaps grow under load, also when nobody stands still: only what is gained beyond that is theirs.
          const grownWithout = Math.max(0, resident() - residentAtFirst);
          await slowOnes.see({ last: without.last, withinMs: SEEN_WITHIN_MS });
          const residentBefore = resident();
          slowOnes.signal("SIGSTOP");
          const beside = await run();
          // Garbage that was collected meanwhile is none of theirs.
          const grown = Math.max(0, resident() - residentBefore);
          slowOnes.signal("SIGCONT");
          const wokenAt = now();
          const woken = await slowOnes.see({ last: beside.last, withinMs: SEEN_WITHIN_MS });
          const behindMs = now() - wokenAt;
          faults.lost += woken.lost;
          faults.duplicated += woken.duplicated;
          return [
            less("all read: p50", "ms", without.p50Ms),
            less("all read: p99", "ms", without.p99Ms),
            less("all read: resident memory that the servers gained", "MiB", grownWithout),
            less(`${slow} stand still: p50`, "ms", beside.p50Ms),
            less(`${slow} stand still: p99`, "ms", beside.p99Ms),
            less(`${slow} stand still: resident memory that the servers gained`, "MiB", grown),
            less("until those that stood still have seen the last change", "ms", behindMs),
          ];
        });
        return { metrics, faults: { ...faults }, usage };
      },
    };
  });
}
