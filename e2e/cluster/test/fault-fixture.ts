/** How a fault is tried: clients are at work, something happens, it is over, and the history is judged. */

import { checkAll, formatHistory, formatViolations } from "@rollcall/testing";
import { expect, onTestFinished } from "vitest";

import { ProcessWorld } from "../src/process-world.ts";
import type { RealCluster } from "../src/real-cluster.ts";
import { SlotMoves } from "../src/slot-moves.ts";
import { Traffic, type TrafficShape } from "../src/traffic.ts";

export interface Trial {
  /** Nobody else's: what is registered is called after it. */
  readonly name: string;
  readonly shape?: Partial<TrafficShape> | undefined;
  /** Addresses of the sessions that a client knows. Default: all that run. */
  readonly serversOf?: ((client: string) => readonly string[]) | undefined;
  /** How long after the fault everybody may still be behind, in milliseconds. Default 10,000, as the contract has it. */
  readonly convergedWithinMs?: number | undefined;
  /** Whether there are changes all the time. Default true. */
  readonly load?: boolean | undefined;
}

/** What the fault itself gets. */
export interface Stage {
  readonly traffic: Traffic;
  readonly world: ProcessWorld;
  readonly slots: SlotMoves;
}

/** Rest after the end of everything, until which whatever is still to come has come, in milliseconds. */
const SETTLE_MS = 2_500;

/** Thousands of views may lack the same. */
const VIOLATIONS_SHOWN = 20;

/** Tries what `fault` does. When it is over and everybody sees what there is, no promise may have been broken. */
export async function expectSurvived(
  cluster: RealCluster,
  { name, shape, serversOf, convergedWithinMs = 10_000, load = true }: Trial,
  fault: (stage: Stage) => Promise<void>,
): Promise<void> {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const world = new ProcessWorld(cluster, { seed, settleMs: SETTLE_MS, serversOf });
  onTestFinished(() => world.close());
  await using slots = new SlotMoves(cluster, world.history);
  const traffic = await Traffic.begin(world, name, shape);
  onTestFinished(() => traffic.stop());
  if (load) traffic.start();
  world.history.record({ kind: "fault", what: name });
  await fault({ traffic, world, slots });
  const convergedMs = await traffic.converge(convergedWithinMs);
  world.history.record({ kind: "faults over" });
  await world.elapse(SETTLE_MS);
  const history = world.history.history();
  const pushes = history.events.filter(({ kind }) => kind === "pushed").length;
  tell(
    `${name}: everybody sees everything ${convergedMs.toFixed(0)} ms after it, ` +
      `${traffic.changes} changes made, ${pushes} pushes`,
  );
  const violations = checkAll(history, world.limits, { lossless: true });
  const first = violations.slice(0, VIOLATIONS_SHOWN);
  const story = (): string =>
    formatHistory(history, new Set(first.slice(0, 1).flatMap(({ service }) => service ?? [])));
  expect(violations.length, `seed ${seed}\n${formatViolations(first)}\n\n${story()}`).toBe(0);
  const news = traffic.newsOfQuiet();
  expect(news.length, `what did not change is pushed:\n${news.slice(0, VIOLATIONS_SHOWN).join("\n")}`).toBe(0);
}

/** A figure for whoever reads the run. */
export function tell(text: string): void {
  // oxlint-disable-next-line no-console -- that is where it is read
  console.log(text);
}
