/** A client of the SDK whose every word, and every word to it, goes into the history that the checkers read. */

import {
  RegistryError,
  epoch,
  filterFromInput,
  textFromFilter,
  textFromServiceKey,
  type FilterInput,
  type Instance,
  type InstanceInput,
  type ProbeInput,
  type ServiceKey,
  type Version,
} from "@rollcall/core";
import type { Client, Registration } from "@rollcall/sdk/heart";
import type { HistoryRecorder } from "@rollcall/testing";

import type { World } from "./world.ts";

/** What the scenarios let instances differ in. */
export interface Endpoint {
  readonly address: string;
  readonly protocol: string;
  readonly release: string;
  readonly probe?: ProbeInput | undefined;
}

export class RecordedClient {
  readonly name: string;
  readonly #client: Client;
  readonly #history: HistoryRecorder;
  readonly #registrations = new Map<string, Registration>();
  readonly #leaving = new Set<string>();

  constructor(name: string, world: World) {
    this.name = name;
    this.#history = world.history;
    this.#client = world.openClient(name);
    let lost = false;
    this.#client.on("disconnected", () => {
      lost = true;
      this.#history.record({ kind: "connection lost", client: name });
    });
    this.#client.on("connected", () => {
      if (lost) this.#history.record({ kind: "connection restored", client: name });
      lost = false;
    });
  }

  /** What is registered, each as `service id`. */
  get registered(): readonly string[] {
    return [...this.#registrations.keys()];
  }

  /** Registering again before the end is answered would leave open which of the two an answer is to. */
  mayRegister(service: string, instanceId: string): boolean {
    const label = `${service} ${instanceId}`;
    return !this.#registrations.has(label) && !this.#leaving.has(label);
  }

  register(service: string, instanceId: string, endpoint: Endpoint): void {
    const asked = this.#asked("register", service, instanceId, endpoint);
    const pending = this.#client.register({ service, id: instanceId, ...inputFromEndpoint(endpoint) });
    this.#registrations.set(`${service} ${instanceId}`, pending);
    pending.then(
      ({ version }) => this.#history.record({ kind: "registered", answers: asked, version: version! }),
      (error: unknown) => this.#unanswered(asked, error),
    );
  }

  update(label: string, endpoint: Endpoint): void {
    const [service, instanceId] = label.split(" ") as [string, string];
    const asked = this.#asked("register", service, instanceId, endpoint);
    this.#registrations
      .get(label)!
      .update(inputFromEndpoint(endpoint))
      .then(
        ({ version }) => this.#history.record({ kind: "registered", answers: asked, version: version! }),
        (error: unknown) => this.#unanswered(asked, error),
      );
  }

  unregister(label: string): void {
    const [asked, registration] = this.#leave(label);
    this.#awaitUnregister(label, asked, registration);
  }

  /** Unregisters, and waits until everybody knows. */
  drain(label: string): void {
    const [asked, registration] = this.#leave(label);
    registration.drain().then(
      () => {
        this.#unregistered(label, asked, registration);
        return this.#history.record({ kind: "drained", unregister: asked });
      },
      // Others may take longer than is waited for them. The instance is on its way out all the same.
      () => this.#awaitUnregister(label, asked, registration),
    );
  }

  #awaitUnregister(label: string, asked: number, registration: Registration): void {
    registration.unregister().then(
      () => this.#unregistered(label, asked, registration),
      (error: unknown) => this.#unanswered(asked, error),
    );
  }

  #leave(label: string): [asked: number, Registration] {
    const [service, instanceId] = label.split(" ") as [string, string];
    const what = { client: this.name, service: textOfService(service), instanceId };
    const asked = this.#history.record({ kind: "unregister", ...what });
    const registration = this.#registrations.get(label)!;
    this.#registrations.delete(label);
    this.#leaving.add(label);
    return [asked, registration];
  }

  /** What was never told to the registry has no version: it was never in any. */
  #unregistered(label: string, asked: number, { version = NEVER }: Registration): number {
    this.#leaving.delete(label);
    return this.#history.record({ kind: "unregistered", answers: asked, version });
  }

  listServices(prefix: string): void {
    this.#client.subscribeServices({ prefix }).onChange(({ services }) => {
      const shown = new Set(services.map(textFromServiceKey));
      this.#history.record({ kind: "services listed", client: this.name, prefix, services: shown });
    });
  }

  subscribe(service: string, filter: FilterInput): void {
    const of = { client: this.name, service: textOfService(service), filter: textFromFilter(filterFromInput(filter)) };
    this.#history.record({ kind: "subscribe", ...of, takes: (_id, content) => takes(filter, content) });
    this.#client.subscribe(service, filter).onChange(({ instances, version, confirmed }) => {
      const shown = new Map(instances.map((instance) => [instance.id, contentOfInstance(instance)]));
      const disabled = new Set(instances.filter(({ enabled }) => !enabled).map(({ id }) => id));
      this.#history.record({ kind: "view", ...of, instances: shown, disabled, version, confirmed });
    });
  }

  /** The process ends. Nobody here learns what became of what it asked for. */
  crash(world: World, options: { readonly silent: boolean }): void {
    this.#history.record({ kind: "client crashed", client: this.name });
    world.crashClient!(this.name, options);
  }

  async close(): Promise<void> {
    this.#history.record({ kind: "client closed", client: this.name });
    await this.#client.close();
  }

  #asked(kind: "register", service: string, instanceId: string, endpoint: Endpoint): number {
    const content = contentOfEndpoint(endpoint);
    return this.#history.record({ kind, client: this.name, service: textOfService(service), instanceId, content });
  }

  /** A client that is closed does not know what became of what it asked for; anything else was refused. */
  #unanswered(asked: number, error: unknown): void {
    if (RegistryError.fromUnknown(error).reason !== "closed") this.#history.record({ kind: "refused", answers: asked });
  }
}

const NEVER: Version = { epoch: epoch(0), counter: 0 };

function inputFromEndpoint({ address, protocol, release, probe }: Endpoint): InstanceInput {
  return { address, protocol, metadata: { release }, ...(probe && { probe }) };
}

function contentOfEndpoint({
  address,
  protocol,
  release,
  probe,
}: Omit<Endpoint, "probe"> & { readonly probe?: Pick<ProbeInput, "kind"> | undefined }): string {
  return [address, protocol, release, ...(probe === undefined ? [] : [`${probe.kind} probe`])].join(" ");
}

function contentOfInstance({ metadata, ...instance }: Instance): string {
  return contentOfEndpoint({ ...instance, release: metadata["release"] ?? "" });
}

/** The oracle of filters: written against the content, apart from the product's. */
function takes({ protocol, metadata }: FilterInput, content: string): boolean {
  const [, contentProtocol, release] = content.split(" ");
  const wanted = metadata?.["release"];
  if (protocol !== undefined && protocol !== contentProtocol) return false;
  return (
    wanted === undefined ||
    wanted === true ||
    (typeof wanted === "string" ? wanted === release : wanted.includes(release!))
  );
}

function textOfService(service: string): string {
  return textFromServiceKey({ namespace: "default", group: "default", service } satisfies ServiceKey);
}
