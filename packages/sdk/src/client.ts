/** The client: what a user calls, and who in here does it. */

import {
  RegistryError,
  digestOfText,
  filterFromInput,
  instanceFromInput,
  noTracer,
  silentLog,
  toggleDigest,
  type ClientSummary,
  type FilterInput,
} from "@rollcall/core";

import { SubscriptionBalancer, type Balancer, type BalancerOptions } from "./balance/balancer.ts";
import { weightedRandom } from "./balance/weighted-random.ts";
import type { Client, ClientState } from "./client-surface.ts";
import type { ClientPorts, LinkedClientPorts } from "./client-ports.ts";
import { Comparison } from "./comparison.ts";
import { Connection } from "./connection.ts";
import { Conversation } from "./conversation.ts";
import { Drains } from "./drains.ts";
import { EventHub, type ClientEvents, type EventName } from "./events.ts";
import { firstView } from "./first-view.ts";
import { HeldBack, heldBackEvent, type HeldBackCounts } from "./held-back.ts";
import { Keeper, type CopyProblem } from "./kept/keeper.ts";
import { streamLinks } from "./link.ts";
import { SubscribedServices, closedBy, type ManyServices } from "./many-services.ts";
import { completeOptions, type ClientOptions, type CompleteOptions } from "./options.ts";
import { Outbox } from "./outbox.ts";
import { deferred } from "./promises.ts";
import { Registrations } from "./registrations.ts";
import { pendingRegistration, type Drain, type PendingRegistration } from "./registration.ts";
import type { RegisterInput, ServiceInput } from "./service-input.ts";
import { ServiceLists } from "./service-lists.ts";
import { ServiceNames } from "./service-names.ts";
import type { ServiceView } from "./service-view.ts";
import { FeedSubscription, type Subscription } from "./subscription.ts";
import { Subscriptions } from "./subscriptions.ts";

type Life = { readonly kind: "live" } | { readonly kind: "closing" | "closed"; readonly done: Promise<void> };

class ConnectedClient implements Client {
  readonly id: string;
  readonly #ports: LinkedClientPorts;
  readonly #options: CompleteOptions;
  readonly #events: EventHub;
  readonly #connection: Connection;
  readonly #outbox: Outbox;
  readonly #registrations: Registrations;
  readonly #drains: Drains;
  readonly #subscriptions: Subscriptions;
  readonly #keeper: Keeper | undefined;
  readonly #comparison: Comparison;
  readonly #heldBack: HeldBack;
  readonly #lists: ServiceLists;
  readonly #names: ServiceNames;
  readonly subscribeAll: ManyServices["subscribeAll"];
  readonly subscribePrefix: ManyServices["subscribePrefix"];
  readonly subscribeServices: ManyServices["subscribeServices"];
  #life: Life = { kind: "live" };

  constructor(ports: LinkedClientPorts, options: CompleteOptions) {
    const { clock, log, random, tracer = noTracer } = ports;
    const { resultTimeoutMs, name } = options;
    this.id = ports.clientId ?? clientIdFrom(name, random.id());
    this.#ports = ports;
    this.#options = options;
    this.#names = new ServiceNames(options);
    this.#events = new EventHub(log);
    const { report } = this.#events;
    const wake = (): void => this.#outbox.wake();
    this.#keeper =
      ports.cache &&
      new Keeper({
        clock,
        cache: ports.cache,
        isConnected: () => this.#connection.isOpen,
        problem: (problem) => this.#cacheFailed(problem),
      });
    this.#registrations = new Registrations({
      clock,
      tracer,
      resultTimeoutMs,
      wake,
      report,
      removed: (claim) => this.#drains.removed(claim),
      drainFailed: (claim, error) => this.#drains.failed(claim, error),
    });
    this.#drains = new Drains({ clock, resultTimeoutMs, wake, registrations: this.#registrations });
    this.#heldBack = new HeldBack(clock, options.heldBackMaxMs, {
      began: (feed, because) => this.#events.emit("heldBack", heldBackEvent(feed, because)),
      overdue: (feed, because) => this.#events.emit("heldTooLong", heldBackEvent(feed, because)),
    });
    this.#subscriptions = new Subscriptions({
      clock,
      tracer,
      keeper: this.#keeper,
      resultTimeoutMs,
      wake,
      answer: () => this.#outbox.answer(),
      report,
      pushed: ({ key: service, filter, version, origin, baseDigest }) => {
        const ageMs = origin && origin.ageUs / 1_000;
        this.#events.emit("pushed", { service, filter, version, ageMs, isDelta: baseDigest !== undefined });
      },
      heldBack: this.#heldBack,
    });
    this.#comparison = new Comparison({
      clock,
      share: digestOfText(this.id).high / 2 ** 32,
      wake,
      summary: () => this.#summary(),
      repair: (differs) => {
        log.warn("the session has something else of this client, which says it again", differs);
        if (differs.registrations) this.#registrations.sayAgain();
        if (!differs.subscriptions) return;
        this.#subscriptions.askAgain();
        this.#lists.askAgain();
      },
      giveUp: () =>
        this.#connection.giveUp(
          new RegistryError("unavailable", "the session still has something else of this client after a repair"),
        ),
    });
    this.#lists = new ServiceLists({ clock, resultTimeoutMs, wake, report });
    const own = { subscriptions: this.#subscriptions, lists: this.#lists, names: this.#names };
    const many = new SubscribedServices({ clock, report, ...own, assertLive: () => this.#assertLive() });
    this.subscribeAll = many.subscribeAll;
    this.subscribePrefix = many.subscribePrefix;
    this.subscribeServices = many.subscribeServices;
    const { agent, discoverServers, servers } = options;
    const moves = discoverServers || servers.length > 1;
    const conversation = new Conversation(
      { clientId: this.id, agent, moves },
      {
        log,
        events: this.#events,
        registrations: this.#registrations,
        subscriptions: this.#subscriptions,
        drains: this.#drains,
        lists: this.#lists,
        comparison: this.#comparison,
        summary: () => this.#summary(),
        outbox: () => this.#outbox,
      },
    );
    this.#connection = new Connection(ports, options, conversation);
    // Registrations first: who resolves a service should find those that started together with it.
    this.#outbox = new Outbox(clock, this.#connection, [
      this.#registrations,
      this.#drains,
      this.#subscriptions,
      this.#lists,
      this.#comparison,
    ]);
    // Later, so that what is wanted from the start leaves in the first frame.
    clock.defer(() => this.#connection.open());
  }

  get heldBack(): HeldBackCounts {
    return this.#heldBack.counts;
  }

  get state(): ClientState {
    if (this.#life.kind !== "live") return this.#life.kind;
    if (this.#connection.isOpen) return "connected";
    return this.#connection.state === "waiting" ? "waiting" : "connecting";
  }

  register(input: RegisterInput, { signal }: { signal?: AbortSignal | undefined } = {}): PendingRegistration {
    this.#assertLive();
    signal?.throwIfAborted();
    const key = this.#names.keyOf(input);
    const instance = instanceFromInput({ ...input, zone: input.zone ?? this.#options.zone }, () =>
      this.#ports.random.id(),
    );
    return pendingRegistration(this.#registrations.register(key, instance), this.#registrations, this.#drain, signal);
  }

  async drain(options: Parameters<Drain>[1] = {}): Promise<void> {
    this.#assertLive();
    await this.#drain(this.#registrations.listed(), options);
  }

  readonly #drain: Drain = (claims, { timeoutMs, signal }) =>
    this.#drains.drain(claims, { timeoutMs: timeoutMs ?? this.#options.drainTimeoutMs, signal });

  subscribe(
    service: ServiceInput,
    filter: FilterInput = {},
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Subscription {
    this.#assertLive();
    signal?.throwIfAborted();
    const feed = this.#subscriptions.feed(this.#names.keyOf(service), filterFromInput(filter));
    const subscription = new FeedSubscription(feed, {
      clock: this.#ports.clock,
      report: this.#events.report,
      listen: (to, listener) => closedBy(signal, () => subscription.close(), this.#subscriptions.listen(to, listener)),
    });
    return subscription;
  }

  async resolve(
    service: ServiceInput,
    filter: FilterInput = {},
    { signal, timeoutMs }: { signal?: AbortSignal | undefined; timeoutMs?: number | undefined } = {},
  ): Promise<ServiceView> {
    signal?.throwIfAborted();
    const subscription = this.subscribe(service, filter);
    try {
      const { clock } = this.#ports;
      return await firstView(subscription, { clock, timeoutMs: timeoutMs ?? this.#options.resolveTimeoutMs, signal });
    } finally {
      subscription.close();
    }
  }

  balancer(service: ServiceInput, { filter, policy = weightedRandom, signal }: BalancerOptions = {}): Balancer {
    const { clock, random } = this.#ports;
    const firstViewTimeoutMs = this.#options.resolveTimeoutMs;
    const subscription = this.subscribe(service, filter, { signal });
    return new SubscriptionBalancer(subscription, { clock, random, policy, firstViewTimeoutMs });
  }

  on<Name extends EventName>(name: Name, listener: (event: ClientEvents[Name]) => unknown): () => void {
    return this.#events.on(name, listener);
  }

  async close(): Promise<void> {
    if (this.#life.kind === "live") this.#life = { kind: "closing", done: this.#close() };
    await this.#life.done;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const closed = new RegistryError("closed", "the client is closed");
    // After this turn, so that a callback of what ends here finds the client closing.
    await Promise.resolve();
    this.#lists.abandon(closed);
    this.#subscriptions.abandon(closed);
    this.#registrations.unregisterAll();
    const timeout = deferred<void>();
    const timer = this.#ports.clock.setTimer(this.#options.closeTimeoutMs, () => timeout.resolve());
    await Promise.race([Promise.all([this.#registrations.nothingLeft(), this.#keeper?.close()]), timeout.promise]);
    timer.cancel();
    this.#registrations.abandon(closed);
    this.#comparison.disconnected();
    this.#connection.close();
    this.#life = { kind: "closed", done: Promise.resolve() };
    this.#events.emit("closed", {});
  }

  #cacheFailed(problem: CopyProblem): void {
    const { place, service } = problem;
    this.#ports.log.warn(problem.problem, { place, service: service.service });
    this.#events.emit("cacheFailed", problem);
  }

  #assertLive(): void {
    if (this.#life.kind !== "live") throw new RegistryError("closed", "the client is closed");
  }

  #summary(): ClientSummary | undefined {
    const registrations = this.#registrations.digest(this.id);
    const [services, lists] = [this.#subscriptions.digest(), this.#lists.digest()];
    return registrations && services && lists && { registrations, subscriptions: toggleDigest(services, lists) };
  }
}

/**
 * A client on ports of the caller's: for platforms other than Node, for simulations and for tests. It connects by
 * itself, soon after this returns, and again whenever the connection is lost, until it is closed.
 * @throws RegistryError `invalid_field` naming the option.
 */
export function createClientWith(ports: ClientPorts, options: ClientOptions): Client {
  const { dialer, log = silentLog, ...rest } = ports;
  return createLinkedClient({ ...rest, log, dial: streamLinks(dialer) }, completeOptions(options));
}

/** The same over links of another kind: for the entries of platforms that have no stream that goes both ways. */
export function createLinkedClient(ports: LinkedClientPorts, options: CompleteOptions): Client {
  return new ConnectedClient(ports, options);
}

function clientIdFrom(name: string, bits: string): string {
  return name === "" ? bits : `${name}~${bits}`;
}
