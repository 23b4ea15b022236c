/** What the tests of the contract have in common: clients that are gone after their test, and views that are remembered. */

import type { Client, FilterInput, ServiceInput, ServiceView, Subscription } from "@rollcall/sdk";
import { expect, onTestFinished, vi } from "vitest";

import type { ContractClientOptions, ContractRegistry } from "./client-contract.ts";

/** Longer than anything takes that works. */
const WITHIN_MS = 10_000;
const EVERY_MS = 5;

/** Resolves when `check` passes. */
export async function eventually<Value>(check: () => Value): Promise<Value> {
  return vi.waitFor(check, { timeout: WITHIN_MS, interval: EVERY_MS });
}

/** A client that is closed when the test is over. */
export function clientOf(registry: ContractRegistry, options?: ContractClientOptions): Client {
  const client = registry.client(options);
  onTestFinished(() => client.close());
  return client;
}

/** A subscription that remembers what it was shown. */
export class Watched {
  readonly subscription: Subscription;
  readonly views: ServiceView[] = [];

  constructor(client: Client, service: ServiceInput, filter?: FilterInput) {
    this.subscription = client.subscribe(service, filter);
    this.subscription.onChange((view) => void this.views.push(view));
  }

  get ids(): string[][] {
    return this.views.map(idsOf);
  }

  get last(): ServiceView | undefined {
    return this.views.at(-1);
  }

  /** Resolves when exactly these instances are shown. */
  async untilIds(...ids: readonly string[]): Promise<ServiceView> {
    return this.until((view) => expect(idsOf(view)).toEqual(ids.toSorted()));
  }

  /** Resolves when `check` passes on what is shown. */
  async until(check: (view: ServiceView) => void): Promise<ServiceView> {
    return eventually(() => {
      const { last } = this;
      expect(last, "there is a view").toBeDefined();
      check(last!);
      return last!;
    });
  }
}

export function idsOf({ instances }: Pick<ServiceView, "instances">): string[] {
  return instances.map(({ id }) => id);
}

/**
 * Whatever could still come of a service has come: a change was made after it and has been seen, and taken back. What
 * was shown since, without that change, is given.
 */
export async function settled(provider: Client, watched: Watched): Promise<string[][]> {
  const { service } = watched.subscription;
  const marker = await provider.register({ ...service, id: "marker", address: "10.9.9.9:9" });
  await watched.until((view) => expect(idsOf(view)).toContain("marker"));
  await marker.unregister();
  await watched.until((view) => expect(idsOf(view)).not.toContain("marker"));
  return watched.ids.filter((ids) => !ids.includes("marker"));
}
