/**
 * Somebody who does nothing wrong while others misbehave: a provider that changes its instance all the time, and a
 * subscriber that has to see every change on the one connection it opened in the beginning.
 */

import type { Client, Registration } from "@rollcall/sdk";

import { RecordedViews, machineTime } from "./recorded-views.ts";
import type { RealCluster } from "./real-cluster.ts";

/** A change that takes longer to be seen is lost, in milliseconds. */
const SEEN_WITHIN_MS = 5_000;

export class Innocent {
  readonly #clients: readonly Client[];
  readonly #views: RecordedViews;
  readonly #registration: Registration;
  #disconnected = 0;
  #changes = 0;

  private constructor(clients: readonly Client[], views: RecordedViews, registration: Registration) {
    this.#clients = clients;
    this.#views = views;
    this.#registration = registration;
    for (const client of clients) client.on("disconnected", () => this.#disconnected++);
  }

  /** @param service nobody else's */
  static async start(cluster: RealCluster, service: string): Promise<Innocent> {
    const [attacked, other] = cluster.sessions.map(({ address }) => address) as [string, string];
    const subscriber = cluster.openClient({ servers: [attacked] });
    const provider = cluster.openClient({ servers: [other] });
    const views = new RecordedViews(subscriber, service);
    const registration = await provider.register({ service, id: "innocent", address: "10.0.0.1:80" });
    await views.untilIds(["innocent"]);
    return new Innocent([subscriber, provider], views, registration);
  }

  /**
   * Does its work for as long as `misbehaviour` goes on, and once more after it. Rejects when a change is not seen, or
   * when a connection was lost. Gives the longest time that a change took to be seen, in milliseconds.
   */
  async during(misbehaviour: () => Promise<void>): Promise<number> {
    const over = new AbortController();
    const misbehaving = misbehaviour().finally(() => over.abort());
    // It is awaited below; until then nobody is to call it unhandled.
    misbehaving.catch(() => {});
    let longestMs = 0;
    try {
      do longestMs = Math.max(longestMs, await this.#change());
      while (!over.signal.aborted);
      longestMs = Math.max(longestMs, await this.#change());
    } finally {
      await misbehaving;
    }
    if (this.#disconnected > 0) throw new Error(`an innocent connection was lost ${this.#disconnected} times`);
    return longestMs;
  }

  async leave(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  async #change(): Promise<number> {
    const step = String(++this.#changes);
    const from = Math.max(0, this.#views.shown.length - 1);
    const changedAt = machineTime();
    await this.#registration.update({ metadata: { step } });
    const { at } = await this.#views.view(({ instances }) => instances[0]?.metadata["step"] === step, {
      from,
      what: `change ${step}`,
      withinMs: SEEN_WITHIN_MS,
    });
    return at - changedAt;
  }
}
