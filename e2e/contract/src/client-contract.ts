/**
 * What a client promises whoever uses it, as one suite. Every client runs it, and every registry that clients are given:
 * the one in memory, a cluster in the same process, real processes. It needs no Node, so it runs where a client runs.
 *
 * Each test has services of its own, waits for what must come, and proves that nothing else came by a change that was
 * made after it and has been seen: no test waits for time to pass.
 */

import type { Client, ClientOptions } from "@rollcall/sdk";
import { afterAll, beforeAll, describe } from "vitest";

import { closing } from "./promises/closing.ts";
import { listing } from "./promises/listing.ts";
import { reconnecting } from "./promises/reconnecting.ts";
import { refusing } from "./promises/refusing.ts";
import { registering } from "./promises/registering.ts";
import { subscribing } from "./promises/subscribing.ts";

export type ContractClientOptions = Partial<Omit<ClientOptions, "servers">>;

/** A registry and a way to make clients of it. */
export interface ContractRegistry extends AsyncDisposable {
  client(options?: ContractClientOptions): Client;
  /**
   * Breaks the connection of a client until the returned function is called. Absent where the platform does not let
   * anybody do that: what needs it is left out then.
   */
  disconnect?(client: Client): () => void;
  /**
   * Whether a registration is its service's and id's, and no client's: who has no connection registers what anybody may
   * replace and take out. Default: each client has its own.
   */
  readonly sharesIds?: boolean | undefined;
}

export interface ContractOptions {
  /** What the platform cannot do at all, and so does not promise. */
  readonly without?: readonly Promised[] | undefined;
}

const promises = { registering, subscribing, listing, reconnecting, closing, refusing };
export type Promised = keyof typeof promises;

/** Defines the tests of everything that clients of the registry promise. */
export function clientContract(
  name: string,
  open: () => ContractRegistry | Promise<ContractRegistry>,
  { without = [] }: ContractOptions = {},
): void {
  describe(name, () => {
    let registry: ContractRegistry | undefined;
    beforeAll(async () => {
      registry = await open();
    });
    afterAll(async () => {
      await registry?.[Symbol.asyncDispose]();
    });
    for (const [what, define] of Object.entries(promises)) {
      describe.skipIf(without.includes(what as Promised))(what, () => {
        define(() => registry!);
      });
    }
  });
}
