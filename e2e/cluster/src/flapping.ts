/** A link that comes and goes: often enough, it is one that loses a share of its packets. */

import type { RealNetwork } from "./real-network.ts";
import type { ProcessWorld } from "./process-world.ts";
import { elapse } from "./until.ts";

export interface Flapping {
  readonly downMs: number;
  readonly upMs: number;
  /** How long it goes on, in milliseconds. */
  readonly forMs: number;
  /** Only what the host sends is lost. Default: what it is sent as well. */
  readonly oneWay?: boolean | undefined;
}

/** Short enough for what is lost to be sent again soon: thirty of a hundred packets. */
export const LOSES_30_PERCENT = { downMs: 60, upMs: 140 } as const;

/** Cuts a host from others and heals the network in turns of random length around those given; healed in the end. */
export async function flap(
  network: RealNetwork,
  { one, others, random }: { one: string; others: readonly string[]; random: ProcessWorld["random"] },
  { downMs, upMs, forMs, oneWay = false }: Flapping,
): Promise<void> {
  const about = (ms: number): number => random.between(ms / 2, (ms * 3) / 2);
  const until = performance.now() + forMs;
  while (performance.now() < until) {
    await (oneWay ? network.cutOneWay(one, ...others) : network.cut(one, ...others));
    await elapse(about(downMs));
    await network.heal();
    await elapse(about(upMs));
  }
}
