/**
 * Clients that know the same sessions. Each has an instance in a service of its own, and another one subscribes to it:
 * when something happens to the cluster, what each of them is shown tells whether anybody noticed.
 */

import type { Client } from "@rollcall/sdk";

import type { RealCluster } from "./real-cluster.ts";
import { RecordedViews } from "./recorded-views.ts";

/** Enough for every session to have clients and for every data node to lead some of their services. */
const CLIENTS = 12;

export class Crowd {
  readonly #name: string;
  readonly #clients: readonly Client[];
  readonly #views: readonly RecordedViews[];
  #shownBefore: readonly number[] = [];
  #disconnected = 0;

  private constructor(cluster: RealCluster, name: string) {
    this.#name = name;
    this.#clients = Array.from({ length: CLIENTS }, () => cluster.openClient());
    this.#views = this.#clients.map(
      (_, index) => new RecordedViews(this.#clients[(index + 1) % CLIENTS]!, this.#service(index)),
    );
    for (const client of this.#clients) client.on("disconnected", () => this.#disconnected++);
  }

  /** Resolves when everybody is registered and is seen. */
  static async gather(cluster: RealCluster, name: string): Promise<Crowd> {
    const crowd = new Crowd(cluster, name);
    await Promise.all(crowd.#clients.map((client, index) => client.register(crowd.#instance(index, "only"))));
    await Promise.all(crowd.#views.map((views) => views.untilIds(["only"])));
    crowd.#remember();
    return crowd;
  }

  get services(): readonly string[] {
    return this.#clients.map((_, index) => this.#service(index));
  }

  get clients(): readonly Client[] {
    return this.#clients;
  }

  /** How often a client has lost a connection that was up. */
  get disconnected(): number {
    return this.#disconnected;
  }

  get connected(): boolean {
    return this.#clients.every(({ state }) => state === "connected");
  }

  /** Whatever was shown to anybody since the crowd last was as it should be: empty as long as nothing changes. */
  news(): string[] {
    return this.#views.flatMap(({ idsShown }, index) =>
      idsShown.slice(this.#shownBefore[index]).map((ids) => `${this.#service(index)}: ${ids.join(" ")}`),
    );
  }

  /**
   * Changes every service and back, and resolves when everybody was shown it: links, leaders and pushes work
   * everywhere. Rejects when that takes too long, or when somebody was shown less than was there all the time.
   */
  async proveLive(withinMs = 10_000): Promise<void> {
    const joined = this.#clients.map((client, index) => client.register(this.#instance(index, "second")));
    await Promise.all(this.#views.map((views) => views.untilIds(["only", "second"], withinMs)));
    await Promise.all(joined.map((registration) => registration.unregister()));
    await Promise.all(this.#views.map((views) => views.untilIds(["only"], withinMs)));
    const shrunken = this.news().filter((line) => !/: only\b/.test(line));
    if (shrunken.length > 0) throw new Error(`a view lacked what was there: ${shrunken.join("; ")}`);
    this.#remember();
  }

  /** Ends every client. */
  async leave(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  #remember(): void {
    this.#shownBefore = this.#views.map(({ shown }) => shown.length);
  }

  #service(index: number): string {
    return `${this.#name}-${index}`;
  }

  #instance(index: number, id: string): { service: string; id: string; address: string } {
    return { service: this.#service(index), id, address: "10.0.0.1:80" };
  }
}
