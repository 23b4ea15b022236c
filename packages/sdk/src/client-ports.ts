/** What a client needs of the platform it runs on. */

import type { Clock, Dialer, Log, Random, Tracer } from "@rollcall/core";

import type { ConnectionPorts } from "./connection.ts";
import type { CopyCache } from "./kept/keeper.ts";

export interface ClientPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly dialer: Dialer;
  /** Who records spans. Default: nobody. */
  readonly tracer?: Tracer | undefined;
  /** Default: silence. */
  readonly log?: Log | undefined;
  /**
   * Identity of the client, for simulations and tests that want to know it beforehand. It has to be one that was never
   * used: what an earlier client of that identity has unregistered could not be registered. Default: the option `name`
   * with random bits.
   */
  readonly clientId?: string | undefined;
  /** Where the lists that are followed are kept beyond the life of the program. Default: nowhere. */
  readonly cache?: CopyCache | undefined;
}

/** The same over links of another kind. */
export type LinkedClientPorts = ConnectionPorts & Pick<ClientPorts, "clientId" | "tracer" | "cache">;
