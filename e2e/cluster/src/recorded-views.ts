/** A subscription that remembers every view it was shown, and when. */

import type { Client, FilterInput, ServiceInput, ServiceView, Subscription } from "@rollcall/sdk";

import { until } from "./until.ts";

export interface ShownView {
  readonly view: ServiceView;
  /** By the clock that all processes of a machine share, in milliseconds. */
  readonly at: number;
}

export class RecordedViews {
  readonly subscription: Subscription;
  readonly #shown: ShownView[] = [];

  constructor(client: Client, service: ServiceInput, filter: FilterInput = {}) {
    this.subscription = client.subscribe(service, filter);
    this.subscription.onChange((view) => void this.#shown.push({ view, at: machineTime() }));
  }

  get shown(): readonly ShownView[] {
    return this.#shown;
  }

  /** Ids of the instances in each view that was shown. */
  get idsShown(): readonly (readonly string[])[] {
    return this.#shown.map(({ view }) => idsOf(view));
  }

  /** Ids of the instances in the last view; undefined before the first. */
  get ids(): readonly string[] | undefined {
    return this.idsShown.at(-1);
  }

  get last(): ServiceView | undefined {
    return this.#shown.at(-1)?.view;
  }

  /** The first view, from number `from` on, for which `wanted` holds; waits for it. */
  view(
    wanted: (view: ServiceView) => boolean,
    { from = 0, what = "the view", withinMs }: { from?: number; what?: string; withinMs?: number } = {},
  ): Promise<ShownView> {
    return until(() => this.#shown.slice(from).find(({ view }) => wanted(view)), {
      what: `${what} of ${this.subscription.service.service}`,
      withinMs,
      because: () => `shown were ${JSON.stringify(this.idsShown.slice(-20))}`,
    });
  }

  /** Waits until exactly these instances are shown, in whatever order. */
  async untilIds(ids: readonly string[], withinMs?: number): Promise<ShownView> {
    const wanted = JSON.stringify([...ids].toSorted());
    return this.view((view) => JSON.stringify(idsOf(view).toSorted()) === wanted, {
      what: `the view with ${wanted}`,
      ...(withinMs === undefined ? {} : { withinMs }),
      from: Math.max(0, this.#shown.length - 1),
    });
  }
}

export function idsOf({ instances }: ServiceView): string[] {
  return instances.map(({ id }) => id);
}

/** Milliseconds of the monotonic clock, which is the same in all processes of a machine. */
export function machineTime(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}
