/** What a scenario needs of the world it runs in: the simulator gives it, and so do real processes. */

import type { Control } from "@rollcall/core";
import type { RegistryService } from "@rollcall/protocol";
import type { Client } from "@rollcall/sdk/heart";
import type { HistoryRecorder, SeededRandom } from "@rollcall/testing";

/** A plain call, to any session that is up. Rejects when there is none, and with what the session answers. */
export type CallSession = (
  method: (typeof RegistryService.method)["register" | "renew" | "unregister"],
  request: { readonly key: { readonly service: string } } & Readonly<Record<string, unknown>>,
) => Promise<{ readonly version?: unknown }>;

export interface Decide {
  set(control: Control): Promise<void>;
  remove(id: string): Promise<void>;
}

export interface World {
  readonly random: SeededRandom;
  readonly history: HistoryRecorder;
  /** A client of the SDK that knows all sessions. */
  openClient(name: string): Client;
  /** Calls without a connection, in worlds that have them. */
  readonly callSession?: CallSession | undefined;
  /**
   * Decides as an operator, in worlds with one: resolves when every node that is a member acts by it. Rejects when no meta
   * leads, or the one that led does no more.
   */
  readonly decide?: Decide | undefined;
  /** Ends the process of a client, in worlds that can. With `silent` its machine is gone as well. */
  crashClient?(name: string, options: { readonly silent: boolean }): void;
  /** Whether to leave out a step of the scenario, by its label: so that a failing run can be made smaller. */
  leavesOut?(label: string): boolean;
  /** Lets time pass, in milliseconds. */
  elapse(ms: number): Promise<void>;
  /** Ends every fault that is going on, for good. */
  calm(): void;
  /** How long after that everything has come to rest, in milliseconds. */
  readonly settleMs: number;
}

export interface Scenario {
  readonly name: string;
  run(world: World): Promise<void>;
}
