/** Runs one scenario on one seed, with faults that the seed chooses, and judges what its users saw. */

import { createClientWith } from "@rollcall/sdk/heart";
import {
  HistoryRecorder,
  checkAll,
  formatViolations,
  renderTranscript,
  type CheckLimits,
  type LinkFaults,
  type SeededRandom,
} from "@rollcall/testing";

import { describeMessage } from "./describe-message.ts";
import { SimCluster } from "./sim-cluster.ts";
import type { Scenario, World } from "./world.ts";

export interface Verdict {
  readonly seed: number;
  /** Undefined when all is well; otherwise what was violated. */
  readonly failure: string | undefined;
  readonly events: number;
  /** What the network carried last, in words. Empty unless asked for. */
  readonly trace: string;
}

export interface SimulateOptions {
  readonly seed: number;
  /** Which faults there are; all of them by default. */
  readonly faults?: boolean | undefined;
  /** Carried frames to keep for the trace. By default none. */
  readonly traceMax?: number | undefined;
}

/** The times of the default cluster, on the simulated network. */
const LIMITS: CheckLimits = { absenceMs: 15_000, detectMs: 4_000, settleMs: 10_000, ghostMs: 17_000 };

/** A lease, its detection and convergence, so that whatever a fault left behind has gone. */
const SETTLE_MS = 30_000;

/** Virtual time after which a run that has not ended never will, in milliseconds. */
const RUN_MAX_MS = 300_000;

export async function simulate(
  scenario: Scenario,
  { seed, faults = true, traceMax }: SimulateOptions,
): Promise<Verdict> {
  const cluster = new SimCluster({ seed, shape: { data: 3, sessions: 2 }, traceMax });
  await cluster.start();
  const nemesis = new Nemesis(cluster);
  if (faults) nemesis.begin();
  const history = new HistoryRecorder(cluster.clock);
  const world: World = {
    random: cluster.random.fork("scenario"),
    history,
    openClient(name) {
      nemesis.knows(name);
      return createClientWith(cluster.portsOf(name), {
        servers: cluster.sessions.map(({ address }) => address),
        clientId: name,
      });
    },
    elapse: (ms) => new Promise((resolve) => cluster.clock.setTimer(ms, resolve)),
    calm: () => nemesis.end(),
    settleMs: SETTLE_MS,
  };
  let ended = false;
  let failure: string | undefined;
  scenario.run(world).then(
    () => (ended = true),
    (thrown: unknown) => {
      failure = `the scenario failed: ${String(thrown)}`;
      ended = true;
    },
  );
  try {
    const end = await cluster.clock.runUntilIdleOr(() => ended, RUN_MAX_MS);
    if (end !== "met") failure = `the run did not end within ${RUN_MAX_MS} ms`;
  } catch (thrown) {
    failure = `the cluster broke: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`;
  }
  const violations = checkAll(history.history(), LIMITS);
  if (violations.length > 0) failure = [failure, formatViolations(violations)].filter(Boolean).join("\n");
  return {
    seed,
    failure,
    events: cluster.clock.events,
    trace: renderTranscript(cluster.network.trace(), describeMessage),
  };
}

/** Whoever makes things go wrong. */
class Nemesis {
  readonly #cluster: SimCluster;
  readonly #random: SeededRandom;
  readonly #clients: string[] = [];
  #ended = false;

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
    this.#random = cluster.random.fork("nemesis");
  }

  knows(client: string): void {
    this.#clients.push(client);
  }

  begin(): void {
    const random = this.#random;
    const faults: Partial<LinkFaults> = {
      delayMs: random.between(0.1, 5),
      jitterMs: random.between(0, 50),
      loss: random.chance(0.7) ? random.between(0, 0.15) : 0,
      duplication: random.chance(0.7) ? random.between(0, 0.15) : 0,
      reorder: random.chance(0.7) ? random.between(0, 0.15) : 0,
      reorderMs: random.between(1, 300),
    };
    this.#cluster.network.setFaults("all", faults);
    this.#schedulePartition();
  }

  end(): void {
    this.#ended = true;
    this.#cluster.network.calm();
  }

  #schedulePartition(): void {
    const { clock } = this.#cluster;
    clock.setTimer(this.#random.between(500, 4_000), () => {
      if (this.#ended) return;
      const [a, b] = this.#pair();
      this.#cluster.network.partition(a, b, { oneWay: this.#random.chance(0.3) });
      clock.setTimer(this.#random.between(200, 9_000), () => this.#cluster.network.heal(a, b));
      this.#schedulePartition();
    });
  }

  #pair(): [string, string] {
    const { meta, data, sessions } = this.#cluster;
    const anyData = (): string => this.#random.pick(data).address;
    const anySession = (): string => this.#random.pick(sessions).address;
    switch (this.#random.int(4)) {
      case 0:
        return [anySession(), anyData()];
      case 1:
        return [meta.address, anyData()];
      case 2:
        return [meta.address, anySession()];
      default:
        return [anySession(), this.#random.pick(this.#clients)];
    }
  }
}
