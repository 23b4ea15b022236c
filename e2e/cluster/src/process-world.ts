/** The world of real processes, for scenarios that were written for the simulator: real time, real sockets. */

import type { World } from "@rollcall/e2e-simulation";
import { errorDetailCodec } from "@rollcall/protocol";
import { systemClock, systemRandom } from "@rollcall/runtime";
import { createHttp2Dialer } from "@rollcall/runtime/stream";
import type { Client } from "@rollcall/sdk";
import { createClientWith } from "@rollcall/sdk/heart";
import { SeededRandom, type CheckLimits } from "@rollcall/testing";

import { LiveHistory } from "./live-history.ts";
import { observedDialer } from "./observed-dialer.ts";
import type { RealCluster } from "./real-cluster.ts";
import { elapse } from "./until.ts";

export interface ProcessWorldOptions {
  readonly seed: number;
  /** How long after the last fault everything has come to rest, in milliseconds. */
  readonly settleMs: number;
  /** Ends the faults that the test makes. */
  readonly calm?: (() => void) | undefined;
  /** Addresses of the sessions that a client knows, to which it keeps. Default: all that run, and those that it learns of. */
  readonly serversOf?: ((client: string) => readonly string[]) | undefined;
}

export class ProcessWorld implements World {
  readonly random: SeededRandom;
  readonly history = new LiveHistory({ now: () => performance.now() });
  readonly settleMs: number;
  readonly #cluster: RealCluster;
  readonly #clients: Client[] = [];
  readonly #calm: () => void;
  readonly #serversOf: ((client: string) => readonly string[]) | undefined;

  constructor(cluster: RealCluster, { seed, settleMs, calm = () => {}, serversOf }: ProcessWorldOptions) {
    this.#cluster = cluster;
    this.random = new SeededRandom(seed);
    this.settleMs = settleMs;
    this.#calm = calm;
    this.#serversOf = serversOf;
  }

  /** The times by which the history of this world is judged. */
  get limits(): CheckLimits {
    return { absenceMs: 15_000, detectMs: 4_000, settleMs: this.settleMs - 500, ghostMs: 17_000 };
  }

  /** A client whose pushes are noted as they come in. */
  openClient(name: string): Client {
    const dialer = createHttp2Dialer({ errorDetail: errorDetailCodec });
    const servers = this.#serversOf?.(name);
    const client = this.#cluster.openClient({ name, ...(servers && { servers }) }, (options) =>
      createClientWith(
        {
          clock: systemClock,
          random: systemRandom,
          dialer: observedDialer(dialer, { client: name, history: this.history }),
        },
        options,
      ),
    );
    this.#clients.push(client);
    // Its last words are still on their way when it says so.
    client.on("closed", () => void setTimeout(() => dialer.close(), FAREWELL_MS).unref());
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

const FAREWELL_MS = 1_000;
