/** The world of real processes, for scenarios that were written for the simulator: real time, real sockets. */

import type { World } from "@rollcall/e2e-simulation";
import type { Client } from "@rollcall/sdk";
import { HistoryRecorder, SeededRandom, type CheckLimits } from "@rollcall/testing";

import type { RealCluster } from "./real-cluster.ts";
import { elapse } from "./until.ts";

export interface ProcessWorldOptions {
  readonly seed: number;
  /** How long after the last fault everything has come to rest, in milliseconds. */
  readonly settleMs: number;
  /** Ends the faults that the test makes. */
  readonly calm?: (() => void) | undefined;
}

export class ProcessWorld implements World {
  readonly random: SeededRandom;
  readonly history = new HistoryRecorder({ now: () => performance.now() });
  readonly settleMs: number;
  readonly #cluster: RealCluster;
  readonly #clients: Client[] = [];
  readonly #calm: () => void;

  constructor(cluster: RealCluster, { seed, settleMs, calm = () => {} }: ProcessWorldOptions) {
    this.#cluster = cluster;
    this.random = new SeededRandom(seed);
    this.settleMs = settleMs;
    this.#calm = calm;
  }

  /** The times by which the history of this world is judged. */
  get limits(): CheckLimits {
    return { absenceMs: 15_000, detectMs: 4_000, settleMs: this.settleMs - 500, ghostMs: 17_000 };
  }

  openClient(name: string): Client {
    const client = this.#cluster.openClient({ clientId: name });
    this.#clients.push(client);
    return client;
  }

  elapse(ms: number): Promise<void> {
    return elapse(ms);
  }

  calm(): void {
    this.#calm();
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }
}
