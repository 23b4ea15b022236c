/**
 * Clients at work while something happens to the cluster: providers, half of whose services change all the time and half
 * never, and subscribers of all of them. Whatever they say, are told and are shown is in the history of their world.
 */

import { RecordedClient, type Endpoint } from "@rollcall/e2e-simulation";
import { serviceKey, textFromServiceKey } from "@rollcall/core";

import type { ViewHappening } from "./live-history.ts";
import type { ProcessWorld } from "./process-world.ts";
import { elapse, until } from "./until.ts";

export interface TrafficShape {
  /** Default 40: some for every data node, and for every pair of them. */
  readonly services: number;
  readonly providers: number;
  readonly subscribers: number;
  /** How many instances each provider has of each service. */
  readonly instances: number;
}

const SHAPE: TrafficShape = { services: 40, providers: 4, subscribers: 3, instances: 1 };

/** Time from one change to the next, in milliseconds. */
const CHANGE_EVERY_MS = 10;

export class Traffic {
  readonly #world: ProcessWorld;
  readonly #name: string;
  readonly #shape: TrafficShape;
  readonly #providers: RecordedClient[] = [];
  readonly #subscribers: string[] = [];
  /** What everybody should see in the end: content by instance id, by service. */
  readonly #written = new Map<string, Map<string, string>>();
  #load: { readonly over: AbortController; readonly done: Promise<void> } | undefined;
  #changes = 0;

  private constructor(world: ProcessWorld, name: string, shape: TrafficShape) {
    this.#world = world;
    this.#name = name;
    this.#shape = shape;
  }

  /**
   * Resolves when everything is registered and every subscriber sees it.
   * @param name nobody else's: services and clients are called after it
   */
  static async begin(world: ProcessWorld, name: string, shape: Partial<TrafficShape> = {}): Promise<Traffic> {
    const traffic = new Traffic(world, name, { ...SHAPE, ...shape });
    const { providers, subscribers } = traffic.#shape;
    for (let number = 1; number <= providers; number++) traffic.#openProvider(number);
    await until(() => world.history.unanswered === 0, { what: "everything is registered", withinMs: 30_000 });
    for (let number = 1; number <= subscribers; number++) traffic.subscribe(`${name}-subscriber-${number}`);
    await traffic.untilSeen(traffic.services, 30_000);
    return traffic;
  }

  get services(): readonly string[] {
    return Array.from({ length: this.#shape.services }, (_, index) => `${this.#name}-${index}`);
  }

  /** Those that change while there is load. */
  get busy(): readonly string[] {
    return this.services.filter((_, index) => index % 2 === 0);
  }

  /** Those that never change. */
  get quiet(): readonly string[] {
    return this.services.filter((_, index) => index % 2 === 1);
  }

  get changes(): number {
    return this.#changes;
  }

  /** One more subscriber of everything. */
  subscribe(client: string): void {
    const recorded = new RecordedClient(client, this.#world);
    for (const service of this.services) recorded.subscribe(service, {});
    this.#subscribers.push(client);
  }

  /** Changes something of a busy service again and again, until {@link stop}. */
  start(): void {
    const over = new AbortController();
    const run = async (): Promise<void> => {
      while (!over.signal.aborted) {
        this.change(this.#world.random.pick(this.busy));
        await elapse(CHANGE_EVERY_MS);
      }
    };
    this.#load = { over, done: run() };
  }

  async stop(): Promise<void> {
    this.#load?.over.abort();
    await this.#load?.done;
    this.#load = undefined;
  }

  /** Changes one instance of a service. */
  change(service: string): void {
    const provider = this.#world.random.pick(this.#providers);
    const id = `${provider.name}.0`;
    const endpoint = this.#endpoint(++this.#changes);
    provider.update(`${service} ${id}`, endpoint);
    this.#written.get(service)!.set(id, contentOf(endpoint));
  }

  /** What came over the wire about services that did not change, after the list that each subscriber begins with. */
  newsOfQuiet(): string[] {
    const quiet = new Set(this.quiet.map(textOfService));
    const begun = new Set<string>();
    const news: string[] = [];
    for (const event of this.#world.history.history().events) {
      if (event.kind !== "pushed" || event.carried === 0 || !quiet.has(event.service)) continue;
      const name = `${event.client} ${event.service}`;
      if (begun.has(name)) news.push(`${event.client} is pushed ${event.carried} of ${event.service}`);
      begun.add(name);
    }
    return news;
  }

  /** Resolves when every subscriber has been shown what was written last. Gives how long that took, in milliseconds. */
  async untilSeen(services: readonly string[], withinMs: number): Promise<number> {
    const from = performance.now();
    const behind = new Set(services);
    await until(
      () => {
        for (const service of behind) if (this.#isSeen(service)) behind.delete(service);
        return behind.size === 0;
      },
      {
        what: `every subscriber sees ${services.length} services of ${this.#name} as they are`,
        withinMs,
        because: () =>
          `${behind.size} are not seen:\n${[...behind]
            .slice(0, 5)
            .map((service) => this.#unseen(service))
            .join("\n")}`,
      },
    );
    return performance.now() - from;
  }

  /** Ends the load, changes every busy service once more, and waits until all is answered and seen. */
  async converge(withinMs: number): Promise<number> {
    const from = performance.now();
    await this.stop();
    for (const service of this.busy) this.change(service);
    await this.untilSeen(this.services, withinMs);
    const left = withinMs - (performance.now() - from);
    await until(() => this.#world.history.unanswered === 0, { what: "everybody is answered", withinMs: left });
    return performance.now() - from;
  }

  /** Leader epochs of services as the first subscriber knows them. */
  epochsOf(services: readonly string[]): ReadonlyMap<string, number> {
    const [subscriber] = this.#subscribers;
    return new Map(services.map((service) => [service, this.#view(subscriber!, service)?.version.epoch ?? 0]));
  }

  /** Resolves when every subscriber was shown a change by a new leader of each service. There has to be load. */
  async untilNewLeaders(epochs: ReadonlyMap<string, number>, withinMs: number): Promise<void> {
    const waiting = new Set(epochs.keys());
    await until(
      () => {
        for (const service of waiting) {
          const views = this.#subscribers.map((client) => this.#view(client, service));
          if (views.every((view) => (view?.version.epoch ?? 0) > epochs.get(service)!)) waiting.delete(service);
        }
        return waiting.size === 0;
      },
      {
        what: "new leaders serve",
        withinMs,
        because: () => `of ${epochs.size} services ${waiting.size} wait: ${[...waiting].slice(0, 5).join(" ")}`,
      },
    );
  }

  #openProvider(number: number): void {
    const provider = new RecordedClient(`${this.#name}-provider-${number}`, this.#world);
    this.#providers.push(provider);
    for (const service of this.services) {
      const written = this.#written.get(service) ?? new Map<string, string>();
      this.#written.set(service, written);
      for (let index = 0; index < this.#shape.instances; index++) {
        const id = `${provider.name}.${index}`;
        const endpoint = this.#endpoint(0);
        provider.register(service, id, endpoint);
        written.set(id, contentOf(endpoint));
      }
    }
  }

  #isSeen(service: string): boolean {
    const written = this.#written.get(service)!;
    return this.#subscribers.every((client) => {
      const shown = this.#view(client, service)?.instances;
      return shown?.size === written.size && [...written].every(([id, content]) => shown.get(id) === content);
    });
  }

  /** What subscribers see of a service that is not as it was written. */
  #unseen(service: string): string {
    const written = this.#written.get(service)!;
    const views = this.#subscribers.map((client) => {
      const shown = this.#view(client, service)?.instances;
      const wrong = [...written].filter(([id, content]) => shown?.get(id) !== content);
      return `${client} of ${shown?.size ?? 0}: ${wrong.map(([id, content]) => `${id} is ${shown?.get(id)} instead of ${content}`).join()}`;
    });
    return `${service}: ${views.join("; ")}`;
  }

  #view(client: string, service: string): ViewHappening | undefined {
    return this.#world.history.view(client, textOfService(service));
  }

  #endpoint(change: number): Endpoint {
    return { address: "10.0.0.1:80", protocol: "http", release: String(change) };
  }
}

function contentOf({ address, protocol, release }: Endpoint): string {
  return `${address} ${protocol} ${release}`;
}

function textOfService(service: string): string {
  return textFromServiceKey(serviceKey({ service }));
}
