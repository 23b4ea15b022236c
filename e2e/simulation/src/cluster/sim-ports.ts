/** The outside world of one process in the simulation. */

import type { Dialer } from "@rollcall/core";
import type { NodeClock, SeededRandom, SimClock, SimNetwork } from "@rollcall/testing";

export interface SimPorts {
  readonly clock: NodeClock;
  readonly random: SeededRandom;
  readonly dialer: Dialer;
}

export interface SimSurroundings {
  readonly clock: SimClock;
  readonly random: SeededRandom;
  readonly network: SimNetwork;
}

/** Clocks of nodes start up to this far apart, in milliseconds, and drift by up to a tenth of a percent. */
const CLOCK_OFFSET_MAX_MS = 3_600_000;
const CLOCK_DRIFT_MAX = 0.001;

/** @param life counts the processes that there were at `address`, from 1 */
export function portsAt(address: string, life: number, { clock, random, network }: SimSurroundings): SimPorts {
  const label = life === 1 ? address : `${address}, life ${life}`;
  const ofClock = random.fork(`clock of ${label}`);
  return {
    clock: clock.nodeClock(ofClock.next() * CLOCK_OFFSET_MAX_MS, (ofClock.next() - 0.5) * 2 * CLOCK_DRIFT_MAX),
    random: random.fork(label),
    dialer: network.dialer(address),
  };
}
