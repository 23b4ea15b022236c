/**
 * R23: operators disable instances, which their providers go on to register, change and unregister, while sessions, leaders
 * and everything are lost and come back.
 */

import { controlId, serviceKey, textFromServiceKey, type InstanceOverride } from "@rollcall/core";
import type { SeededRandom } from "@rollcall/testing";

import { slow } from "../faults/link-profiles.ts";
import { crash, crashEverything, crashLeader, stop } from "../faults/node-faults.ts";
import { wideShape, type SimScenario } from "../sim-scenario.ts";
import { INSTANCES, PROVIDERS, SERVICES, workload } from "../workload.ts";
import type { Decide, World } from "../world.ts";

/** Instances that are disabled; every third is enabled again later. */
const DECISIONS = 12;
const PAUSE_MS = [200, 2_500] as const;
const TRY_AGAIN_MS = 250;

const work = workload({ steps: 80, stepMaxMs: 1_000 });

export const overrides: SimScenario = {
  name: "overrides",
  async run(world) {
    if (world.decide !== undefined) void decideAll(world, world.decide);
    await work(world);
  },
  shape: wideShape,
  lossless: false,
  profile: {
    links: slow,
    everyMs: [1_500, 8_000],
    chances: [
      { weight: 2, lastsMs: [200, 8_000], fault: crash("session", { silent: 0.3 }) },
      { weight: 1, lastsMs: [200, 6_000], fault: stop("session") },
      { weight: 3, lastsMs: [200, 8_000], fault: crashLeader(SERVICES, { pair: false, silent: 0.3, diskLost: 0.3 }) },
      { weight: 1, lastsMs: [200, 4_000], fault: crash("meta", { silent: 0.3 }) },
      { weight: 1, lastsMs: [500, 3_000], fault: crashEverything({ silent: 0.3, diskLost: 0.3 }) },
    ],
  },
};

async function decideAll(world: World, decide: Decide): Promise<void> {
  const random = world.random.fork("operator of instances");
  for (let number = 1; number <= DECISIONS; number++) {
    const own = random.fork(`decision ${number}`);
    await world.elapse(own.between(...PAUSE_MS));
    if (world.leavesOut?.(`decision ${number}`) !== true) await disable(world, decide, own, number % 3 === 0);
  }
}

async function disable(world: World, decide: Decide, random: SeededRandom, isForAWhile: boolean): Promise<void> {
  const key = serviceKey({ service: random.pick(SERVICES) });
  const instanceId = `provider-${1 + random.int(PROVIDERS)}.${random.int(INSTANCES)}`;
  const control: InstanceOverride = {
    kind: "instance override",
    target: { kind: "instance", key, instanceId },
    effect: { kind: "disabled" },
    clientId: undefined,
  };
  const of = { service: textFromServiceKey(key), instanceId };
  await insist(world, () => decide.set(control));
  world.history.record({ kind: "disabled", ...of });
  if (!isForAWhile) return;
  await world.elapse(random.between(...PAUSE_MS));
  world.history.record({ kind: "enabled", ...of });
  await insist(world, () => decide.remove(controlId(control)));
}

/** One that came about although the answer was lost comes about again, or has nothing more to take back. */
async function insist(world: World, act: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await act();
      return;
    } catch (thrown) {
      if (thrown instanceof Error && "reason" in thrown && thrown.reason === "invalid_field") return;
      await world.elapse(TRY_AGAIN_MS);
    }
  }
}
