/**
 * R13, R14 and R15: many clients without connections, whose renewals are late, repeated, and for what is unknown; of whom
 * a third cannot be heard for a while, though nothing is the matter with them; and a small service that scales to zero.
 */

import type { SeededRandom } from "@rollcall/testing";

import { slow } from "../faults/link-profiles.ts";
import { crash, crashLeader, pause } from "../faults/node-faults.ts";
import { LEASE_MS, LeaseHolder } from "../lease-holder.ts";
import { RecordedClient } from "../recorded-client.ts";
import { wideShape, type SimScenario } from "../sim-scenario.ts";
import type { World } from "../world.ts";

const MANY = "orders";
const FEW = "stock";

/** Enough that a third of them is unusual, and few enough that those who end one by one are not. */
const HOLDERS = 60;
const SMALL = 5;
const LEAVERS = 4;
const CRASHES = 4;

/** Within this time of health the guard has let go of everybody who is gone, and of itself, in milliseconds. */
const GUARD_MS = 60_000;

async function leases(world: World): Promise<void> {
  const { callSession, random } = world;
  if (callSession === undefined) throw new Error("this world has no plain calls");
  const subscriber = new RecordedClient("subscriber", world);
  for (const service of [MANY, FEW]) subscriber.subscribe(service, {});
  const begin = (count: number, service: string): LeaseHolder[] =>
    Array.from({ length: count }, (_, index) => {
      const holder = new LeaseHolder(`${service}-${index + 1}`, service, world, callSession);
      void holder.live();
      return holder;
    });
  const many = begin(HOLDERS, MANY);
  const few = begin(SMALL, FEW);
  await world.elapse(LEASE_MS);

  const [leavers, crashed, stayers] = parted(random.fork("who ends").shuffle(many));
  for (const leaver of leavers) void leaver.leave();
  for (const holder of crashed) holder.crash();
  await world.elapse(2 * LEASE_MS);
  // A renewal that a fault has cost somebody before is no part of what follows, and who has ended is to be gone by then.
  world.calm();
  await world.elapse(2 * LEASE_MS);

  const lost = stayers.slice(0, Math.ceil(HOLDERS * 0.3));
  world.history.record({ kind: "fault", what: `${lost.length} clients cannot be heard` });
  for (const holder of lost) holder.isCutOff = true;
  await world.elapse(random.fork("silence").between(LEASE_MS, 1.6 * LEASE_MS));
  for (const holder of lost) holder.isCutOff = false;
  world.history.record({ kind: "faults over" });
  await world.elapse(GUARD_MS);
  for (const holder of few) holder.crash();
  await world.elapse(GUARD_MS + world.settleMs);
  // What is on its way when the run is judged would count as left over.
  for (const holder of stayers) holder.rest();
  await world.elapse(LEASE_MS / 3);
}

function parted(all: readonly LeaseHolder[]): [LeaseHolder[], LeaseHolder[], LeaseHolder[]] {
  const ends = LEAVERS + CRASHES;
  return [all.slice(0, LEAVERS), all.slice(LEAVERS, ends), all.slice(ends)];
}

export const leasesLost: SimScenario = {
  name: "leases",
  limits: { ghostMs: GUARD_MS },
  run: leases,
  shape: (random: SeededRandom) => wideShape(random),
  lossless: false,
  profile: {
    links: slow,
    everyMs: [4_000, 15_000],
    chances: [
      { weight: 2, lastsMs: [200, 10_000], fault: crash("session", { silent: 0.3 }) },
      { weight: 1, lastsMs: [200, 6_000], fault: pause("session") },
      {
        weight: 1,
        lastsMs: [200, 10_000],
        fault: crashLeader([MANY], { pair: false, silent: 0.3, diskLost: 0.3 }),
      },
    ],
  },
};
