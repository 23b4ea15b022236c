/** Clients of a registry in several processes, all told the same. */

import { Child } from "../child.ts";
import type { RegistryAddress } from "../registries/registry.ts";
import { shares, type RegisterReport, type RegistrarCommand, type SeenReport } from "./words.ts";

export class Registrars implements AsyncDisposable {
  readonly #children: readonly Child[];

  constructor({ kind, address }: RegistryAddress, count: number, processes: number, leaseMs?: number) {
    const lease = leaseMs === undefined ? [] : [String(leaseMs)];
    this.#children = shares(count, processes).map(
      (share) => new Child("load/registrars", [kind, address, String(share.count), String(share.first), ...lease]),
    );
  }

  join(): Promise<unknown> {
    return this.#ask({ kind: "join" });
  }

  leave(): Promise<unknown> {
    return this.#ask({ kind: "leave" });
  }

  register(command: Omit<Extract<RegistrarCommand, { kind: "register" }>, "kind">): Promise<RegisterReport[]> {
    return this.#ask({ kind: "register", ...command });
  }

  /** They are gone without a word. */
  async kill(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.kill()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return endAll(this.#children);
  }

  #ask<Answer>(command: RegistrarCommand): Promise<Answer[]> {
    return Promise.all(this.#children.map((child) => child.asking<Answer>(command)));
  }
}

export interface Audience {
  readonly clients: number;
  /** Services that there are. */
  readonly services: number;
  /** Services that each client follows. */
  readonly each: number;
  /** The number of the first client: 0 by default. */
  readonly first?: number;
}

export class Subscribers implements AsyncDisposable {
  readonly #audience: Audience;
  readonly #children: readonly { readonly child: Child; readonly clients: number }[];

  private constructor({ kind, address }: RegistryAddress, audience: Audience, processes: number) {
    this.#audience = audience;
    this.#children = shares(audience.clients, processes).map((share) => {
      const numbers = [share.count, share.first, audience.services, audience.each].map(String);
      return { child: new Child("load/subscribers", [kind, address, ...numbers]), clients: share.count };
    });
  }

  /** Resolves when all of them follow what they are to follow. */
  static async start(registry: RegistryAddress, audience: Audience, processes: number): Promise<Subscribers> {
    const subscribers = new Subscribers(registry, audience, processes);
    await Promise.all(subscribers.#children.map(({ child }) => child.line()));
    return subscribers;
  }

  /**
   * Resolves when everybody sees so many instances in each service, or does not come to: with how many are missing, or
   * too many, how many pushes brought nothing new, and how many instances were not seen any more since this was asked last.
   */
  async see(
    instancesOfService: number,
    withinMs: number,
  ): Promise<{ readonly lost: number; readonly duplicated: number; readonly gone: number }> {
    const reports = await Promise.all(
      this.#children.map(async ({ child, clients }) => {
        const instances = clients * this.#audience.each * instancesOfService;
        const { seen, unchanged, gone } = await child.asking<SeenReport>({ kind: "see", instances, withinMs });
        return { lost: Math.abs(instances - seen), duplicated: unchanged, gone };
      }),
    );
    const sum = (field: "lost" | "duplicated" | "gone"): number =>
      reports.reduce((total, report) => total + report[field], 0);
    return { lost: sum("lost"), duplicated: sum("duplicated"), gone: sum("gone") };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return endAll(this.#children.map(({ child }) => child));
  }
}

async function endAll(children: readonly Child[]): Promise<void> {
  await Promise.all(children.map((child) => child[Symbol.asyncDispose]()));
}
