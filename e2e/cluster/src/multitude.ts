/**
 * Many clients, of which each has an instance in a service of its own and looks at that of the next one. What they say
 * and are told, on the wire and above it, is in the history of their world; where they are connected is known as well.
 */

import { RecordedClient, type World } from "@rollcall/e2e-simulation";
import { serviceKey, textFromServiceKey } from "@rollcall/core";
import type { Client } from "@rollcall/sdk";

import type { ProcessWorld } from "./process-world.ts";
import { machineTime } from "./recorded-views.ts";
import { until } from "./until.ts";

/** Where a client has arrived, and when. */
export interface Place {
  readonly nodeId: string;
  /** By the clock that all processes of a machine share, in milliseconds. */
  readonly since: number;
}

/** How long everybody may take to register or to see a change, in milliseconds. */
const SEEN_WITHIN_MS = 30_000;

export class Multitude {
  readonly #world: ProcessWorld;
  readonly #name: string;
  readonly #members: RecordedClient[] = [];
  /** By client; nowhere while it has no connection. */
  readonly #places = new Map<string, Place>();
  #release = 0;
  #disconnected = 0;
  #eventsBefore = 0;

  private constructor(world: ProcessWorld, name: string) {
    this.#world = world;
    this.#name = name;
  }

  /** Resolves when everybody is registered and is seen, and nobody who has moved meanwhile is told so twice. */
  static async gather(world: ProcessWorld, name: string, count: number): Promise<Multitude> {
    const multitude = new Multitude(world, name);
    const { random, history, settleMs } = world;
    const observed: World = {
      random,
      history,
      settleMs,
      openClient: (client) => multitude.#open(client),
      elapse: (ms) => world.elapse(ms),
      calm: () => world.calm(),
    };
    for (let index = 0; index < count; index++) {
      const member = new RecordedClient(`${name}-client-${index}`, observed);
      multitude.#members.push(member);
      member.register(multitude.#service(index), "only", multitude.#endpoint());
      member.subscribe(multitude.#service((index + 1) % count), {});
    }
    await multitude.#untilSeen();
    await world.elapse(settleMs);
    multitude.#remember();
    return multitude;
  }

  /** By the names of those who have a connection. */
  get places(): ReadonlyMap<string, Place> {
    return new Map(this.#places);
  }

  /** How often a client has lost a connection and had no other. */
  get disconnected(): number {
    return this.#disconnected;
  }

  /** How many are connected to each of these nodes. */
  connectedTo(nodeIds: readonly string[]): number[] {
    const places = [...this.#places.values()];
    return nodeIds.map((wanted) => places.filter(({ nodeId }) => nodeId === wanted).length);
  }

  /** Content that was pushed, and views that were shown: empty as long as nobody changes anything. */
  news(): string[] {
    const news: string[] = [];
    for (const event of this.#world.history.history().events.slice(this.#eventsBefore)) {
      if (event.kind === "view") news.push(`${event.client} sees ${event.instances.size} of ${event.service}`);
      if (event.kind === "pushed" && event.carried > 0)
        news.push(`${event.client} is pushed ${event.carried} of ${event.service}`);
    }
    return news;
  }

  /** Everybody changes what it has, and sees what the next one has changed. */
  async proveLive(): Promise<void> {
    this.#release++;
    for (const [index, member] of this.#members.entries())
      member.update(`${this.#service(index)} only`, this.#endpoint());
    await this.#untilSeen();
  }

  #remember(): void {
    this.#eventsBefore = this.#world.history.history().events.length;
  }

  #open(name: string): Client {
    const client = this.#world.openClient(name);
    client.on("connected", ({ nodeId }) => void this.#places.set(name, { nodeId, since: machineTime() }));
    client.on("disconnected", () => {
      this.#places.delete(name);
      this.#disconnected++;
    });
    return client;
  }

  async #untilSeen(): Promise<void> {
    const { history } = this.#world;
    const release = ` ${this.#release}`;
    const behind = new Set(this.#members.keys());
    const sees = (index: number): boolean => {
      const service = textFromServiceKey(serviceKey({ service: this.#service((index + 1) % this.#members.length) }));
      return history.view(this.#members[index]!.name, service)?.instances.get("only")?.endsWith(release) === true;
    };
    await until(
      () => {
        for (const index of behind) if (sees(index)) behind.delete(index);
        return behind.size === 0 && history.unanswered === 0;
      },
      {
        what: `everybody of ${this.#name} sees the next one`,
        withinMs: SEEN_WITHIN_MS,
        because: () => `${behind.size} see something else, ${history.unanswered} calls are unanswered`,
      },
    );
  }

  #service(index: number): string {
    return `${this.#name}-${index}`;
  }

  #endpoint(): { address: string; protocol: string; release: string } {
    return { address: "10.0.0.1:80", protocol: "http", release: String(this.#release) };
  }
}
