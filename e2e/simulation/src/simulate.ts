/** Runs one scenario on one seed, with faults that the seed chooses, and judges what its users saw. */

import { RegistryError } from "@rollcall/core";
import { createClientWith } from "@rollcall/sdk/heart";
import {
  HistoryRecorder,
  SeededRandom,
  checkAll,
  type CheckLimits,
  type History,
  type TraceEntry,
  type Violation,
} from "@rollcall/testing";

import { SimCluster } from "./cluster/sim-cluster.ts";
import { simOperator } from "./cluster/sim-operator.ts";
import { callUnary } from "./cluster/unary-calls.ts";
import type { SimPorts } from "./cluster/sim-ports.ts";
import { measureAtRest } from "./measure.ts";
import { Nemesis } from "./nemesis.ts";
import { Observer } from "./observer.ts";
import type { SimScenario } from "./sim-scenario.ts";
import type { World } from "./world.ts";

export interface Verdict {
  readonly seed: number;
  /** What ended the run too early, in words: something threw, or it went on for ever. */
  readonly broken: string | undefined;
  readonly violations: readonly Violation[];
  /** Steps and faults that took place, by their labels. */
  readonly happened: readonly string[];
  readonly events: number;
  readonly history: History;
  /** What the network carried last. Empty unless asked for. */
  readonly trace: readonly TraceEntry[];
}

export interface SimulateOptions {
  readonly seed: number;
  /** Labels of steps and faults to leave out. */
  readonly without?: ReadonlySet<string> | undefined;
  /** Carried frames to keep for the trace. By default none. */
  readonly traceMax?: number | undefined;
}

/** The times of the default cluster, on the simulated network. */
const LIMITS: CheckLimits = { absenceMs: 15_000, detectMs: 4_000, settleMs: 10_000, ghostMs: 17_000 };

/** Two leases, their detection and convergence, so that whatever a fault left behind has gone. */
const SETTLE_MS = 45_000;

/** Virtual time after which a run that has not ended never will, in milliseconds. */
const RUN_MAX_MS = 600_000;

export async function simulate(
  scenario: SimScenario,
  { seed, without = new Set(), traceMax }: SimulateOptions,
): Promise<Verdict> {
  const happened = new Set<string>();
  const happens = (label: string): void => void happened.add(label);
  const leavesOut = (label: string): boolean => {
    if (!without.has(label)) happens(label);
    return without.has(label);
  };
  const cluster: SimCluster = new SimCluster({
    seed,
    shape: scenario.shape(new SeededRandom(seed).fork("shape")),
    traceMax,
    carried: (frame) => observer.saw(frame),
    refused: (refusal) => observer.sawRefusal(refusal),
  });
  const history = new HistoryRecorder(cluster.clock);
  const observer = new Observer(history, (address) => cluster.nodeAt(address)?.lifeName ?? address);
  const nemesis = new Nemesis({ cluster, history, profile: scenario.profile, without, began: happens });
  let broken: string | undefined;
  try {
    await cluster.start();
    nemesis.begin();
    broken = await runScenario(scenario, worldOf({ cluster, history, nemesis, leavesOut }), cluster);
    measureAtRest(cluster, history);
  } catch (thrown) {
    broken = `the cluster broke: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`;
  }
  return {
    seed,
    broken,
    violations: broken === undefined ? checkAll(history.history(), { ...LIMITS, ...scenario.limits }, scenario) : [],
    happened: [...happened],
    events: cluster.clock.events,
    history: history.history(),
    trace: cluster.network.trace(),
  };
}

export function hasFailed({ broken, violations }: Verdict): boolean {
  return broken !== undefined || violations.length > 0;
}

/** Runs until the scenario has ended; gives what is wrong with that. */
async function runScenario(scenario: SimScenario, world: World, cluster: SimCluster): Promise<string | undefined> {
  let ended = false;
  let broken: string | undefined;
  scenario.run(world).then(
    () => (ended = true),
    (thrown: unknown) => {
      broken = `the scenario failed: ${String(thrown)}`;
      ended = true;
    },
  );
  const end = await cluster.clock.runUntilIdleOr(() => ended, RUN_MAX_MS);
  return end === "met" ? broken : `the run did not end within ${RUN_MAX_MS} ms`;
}

interface WorldParts {
  readonly cluster: SimCluster;
  readonly history: HistoryRecorder;
  readonly nemesis: Nemesis;
  readonly leavesOut: (label: string) => boolean;
}

function worldOf({ cluster, history, nemesis, leavesOut }: WorldParts): World {
  const clients = new Map<string, SimPorts>();
  const calls = cluster.random.fork("calls");
  return {
    random: cluster.random.fork("scenario"),
    history,
    openClient(name) {
      nemesis.knows(name);
      const ports = { ...cluster.portsOf(name), clientId: name };
      clients.set(name, ports);
      return createClientWith(ports, { servers: cluster.sessions.map(({ address }) => address) });
    },
    async callSession(method, request) {
      const up = cluster.sessions.filter(({ state }) => state === "up");
      if (up.length === 0) throw new RegistryError("unavailable", "no session is up");
      return callUnary(calls.pick(up).server, method as never, request as never);
    },
    decide: simOperator(cluster),
    crashClient(name, options) {
      clients.get(name)?.clock.stop();
      cluster.network.crash(name, options);
    },
    leavesOut,
    elapse: (ms) => new Promise((resolve) => cluster.clock.setTimer(ms, resolve)),
    calm: () => nemesis.end(),
    settleMs: SETTLE_MS,
  };
}
