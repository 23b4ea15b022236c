/** Those who look on, in several processes, all asked the same. */

import { Child } from "../child.ts";
import type { RegistryAddress } from "../registries/registry.ts";
import type { Audience } from "./registry-load.ts";
import { shares, type Testimony, type WitnessCommand } from "./words.ts";

export class Witnesses implements AsyncDisposable {
  readonly #each: number;
  readonly #children: readonly { readonly child: Child; readonly clients: number }[];

  private constructor({ address }: RegistryAddress, { clients, services, each }: Audience, processes: number) {
    this.#each = each;
    this.#children = shares(clients, processes).map((share) => {
      const numbers = [share.count, share.first, services, each].map(String);
      return { child: new Child("load/witnesses", [address, ...numbers]), clients: share.count };
    });
  }

  /** Resolves when all of them hold all lists that they are to hold. */
  static async start(registry: RegistryAddress, audience: Audience, processes: number): Promise<Witnesses> {
    const witnesses = new Witnesses(registry, audience, processes);
    await Promise.all(witnesses.#children.map(({ child }) => child.line()));
    return witnesses;
  }

  /** What all of them together have seen since they were asked last. */
  async see({
    instancesOfService,
    ...command
  }: Omit<WitnessCommand, "instances"> & { readonly instancesOfService: number }): Promise<Testimony> {
    const told = await Promise.all(
      this.#children.map(({ child, clients }) => {
        const instances = clients * this.#each * instancesOfService;
        return child.asking<Testimony>({ ...command, instances } satisfies WitnessCommand);
      }),
    );
    const sum = (field: "unchanged" | "goneBack" | "gone" | "behind" | "missing"): number =>
      told.reduce((total, one) => total + one[field], 0);
    return {
      arrivals: told.flatMap(({ arrivals }) => arrivals),
      losses: told.flatMap(({ losses }) => losses),
      connections: told.flatMap(({ connections }) => connections),
      unchanged: sum("unchanged"),
      goneBack: sum("goneBack"),
      gone: sum("gone"),
      behind: sum("behind"),
      missing: sum("missing"),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map(({ child }) => child[Symbol.asyncDispose]()));
  }
}
