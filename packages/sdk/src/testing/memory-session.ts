/**
 * A registry as small as can be that keeps the rules of the conversation between client and session node: it refuses
 * what is older, answers every register and unregister, and delivers with core's own rules. What it does beyond that is
 * for tests: it can refuse, hold its pushes back, and stop vouching for its lists.
 */

import {
  Deliveries,
  RegistryError,
  changeFromUpdate,
  epoch,
  oncePerTurn,
  textFromFilter,
  textFromPattern,
  textFromServiceKey,
  NO_FILTER,
  updateFor,
  type Barrier,
  type ClientMessage,
  type Clock,
  type Filter,
  type Instance,
  type MessageStream,
  type RegisterItem,
  type RegistrationResult,
  type ServerMessage,
  type ServiceKey,
  type SubscribeItem,
  type SubscribeServicesItem,
  type UnregisterItem,
  type Version,
} from "@rollcall/core";
import { clientMessageFromBytes, frameFromServerMessage, instanceFromBytes } from "@rollcall/protocol";

import { MemoryLists } from "./memory-lists.ts";
import { MemoryService, type Claim } from "./memory-service.ts";

/** What a client asks for, and the registry may refuse. */
export type MemoryRequest =
  | { readonly kind: "register"; readonly service: ServiceKey; readonly instance: Instance }
  | { readonly kind: "subscribe"; readonly service: ServiceKey; readonly filter: Filter };

/** Why a request is refused; undefined lets it pass. */
export type Refusal = (request: MemoryRequest) => RegistryError | undefined;

interface Link {
  readonly stream: MessageStream;
  /** Undefined until it has said hello. */
  clientId: string | undefined;
  readonly subscriptions: Deliveries<SubscribeItem>;
  readonly lists: Deliveries<SubscribeServicesItem>;
  /** Not passed yet, by their sequence. */
  readonly barriers: Map<number, Barrier>;
}

const NO_BYTES = new Uint8Array(0);

export class MemorySession {
  readonly #clock: Clock;
  readonly #links = new Set<Link>();
  readonly #refusals = new Set<Refusal>();
  readonly #deliverSoon: () => void;
  #services = new Map<string, MemoryService>();
  #lists: MemoryLists;
  #counter = 0;
  #cluster = 1;
  #holds = 0;
  #doubts = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#deliverSoon = oncePerTurn(clock, () => this.#deliver());
    this.#lists = this.#newLists();
  }

  // What tests do to it ----------------------------------------------------------------------------------------------

  /** Refuses what `refusal` gives a reason for, until the returned function is called. */
  refuse(refusal: Refusal): () => void {
    // Each call refuses by itself, even with a function that refuses already.
    const own: Refusal = (request) => refusal(request);
    this.#refusals.add(own);
    return () => void this.#refusals.delete(own);
  }

  /** Pushes nothing until the returned function is called. */
  holdPushes(): () => void {
    this.#holds++;
    return once(() => {
      this.#holds--;
      this.#deliverSoon();
    });
  }

  /** Vouches for none of its lists until the returned function is called. */
  doubt(): () => void {
    this.#doubts++;
    this.#allMayBeDue();
    return once(() => {
      this.#doubts--;
      // A client has kept none of the empty lists it was sent meanwhile, and says nothing of that.
      this.#sweepAt(Number.POSITIVE_INFINITY);
      this.#allMayBeDue();
    });
  }

  /** Everything is gone, and what comes in its place counts from the beginning. Links are to be cut with it. */
  becomeAnotherCluster(): void {
    this.#cluster++;
    this.#services = new Map();
    this.#lists = this.#newLists();
    this.#counter = 0;
  }

  service(key: ServiceKey): MemoryService {
    const text = textFromServiceKey(key);
    const known = this.#services.get(text);
    if (known !== undefined) return known;
    const service = new MemoryService(key, version(0), this.#nextVersion);
    this.#services.set(text, service);
    return service;
  }

  /** A client's word on one of its registrations. */
  claim(key: ServiceKey, instanceId: string, claim: Claim): Version {
    const service = this.service(key);
    service.claim(instanceId, claim);
    this.#changed(service);
    return service.datum.version;
  }

  /** What a client has registered goes, as when its connection has been lost for longer than a registry waits. */
  forget(clientId: string): void {
    for (const service of this.#services.values()) {
      service.forget(clientId);
      this.#changed(service);
    }
  }

  /** Gives up on receipts that are overdue: only for links that lose messages. */
  sweep(): void {
    this.#sweepAt(this.#clock.now());
  }

  #sweepAt(now: number): void {
    for (const { subscriptions, lists } of this.#links) for (const each of [subscriptions, lists]) each.sweep(now);
  }

  // The conversation -------------------------------------------------------------------------------------------------

  readonly accept = (stream: MessageStream): void => {
    const subscriptions = new Deliveries<SubscribeItem>(
      ({ key, filter }) => ({ datum: this.service(key).through(filter), confirmed: this.#doubts === 0 }),
      () => this.#deliverSoon(),
    );
    const lists = new Deliveries<SubscribeServicesItem>(
      ({ pattern }) => ({ datum: this.#lists.through(pattern), confirmed: true }),
      () => this.#deliverSoon(),
    );
    const link: Link = { stream, clientId: undefined, subscriptions, lists, barriers: new Map() };
    this.#links.add(link);
    stream.listen({
      message: (bytes) => this.#hear(link, clientMessageFromBytes(bytes)),
      closed: (error) => this.#ended(link, error),
    });
  };

  #ended(link: Link, error: RegistryError | undefined): void {
    this.#links.delete(link);
    this.#passBarriers();
    // A client whose link was lost will be back; one that says goodbye takes along what it has registered.
    if (error === undefined && link.clientId !== undefined) this.forget(link.clientId);
  }

  #hear(link: Link, message: ClientMessage): void {
    if (message.hello !== undefined) {
      // Its first message a second time. What it says is held may be of another cluster, and the client cannot tell again.
      if (link.clientId !== undefined) return;
      link.clientId = message.hello.clientId;
      this.#say(link, { hello: { nodeId: "memory", clusterId: `memory-${this.#cluster}` } });
    }
    const { clientId } = link;
    if (clientId === undefined) throw new RegistryError("protocol_violation", "a client says hello first");
    const results = [
      ...message.registers.map((item) => this.#register(clientId, item)),
      ...message.unregisters.map((item) => this.#unregister(clientId, item)),
    ];
    if (results.length > 0) this.#say(link, { results });
    for (const item of message.subscribes) this.#subscribe(link, item);
    for (const item of message.unsubscribes) link.subscriptions.unfollow(subscriptionId(item));
    for (const receipt of message.receipts) link.subscriptions.receipt(subscriptionId(receipt), receipt);
    for (const item of message.servicesSubscribes) this.#subscribeServices(link, item);
    for (const pattern of message.servicesUnsubscribes) link.lists.unfollow(textFromPattern(pattern));
    for (const receipt of message.servicesReceipts) link.lists.receipt(textFromPattern(receipt.pattern), receipt);
    for (const barrier of message.barriers) link.barriers.set(barrier.sequence, barrier);
    this.#passBarriers();
  }

  #register(clientId: string, { sequence, key, version, instanceId, instance }: RegisterItem): RegistrationResult {
    const error = this.#reasonAgainst({ kind: "register", service: key, instance: instanceFromBytes(instance) });
    if (error !== undefined) return { sequence, outcome: { kind: "refused", error } };
    const claim = { clientId, version, removed: false, bytes: new Uint8Array(instance) };
    return { sequence, outcome: { kind: "applied", version: this.claim(key, instanceId, claim) } };
  }

  #unregister(clientId: string, { sequence, key, version, instanceId }: UnregisterItem): RegistrationResult {
    const claim = { clientId, version, removed: true, bytes: NO_BYTES };
    return { sequence, outcome: { kind: "applied", version: this.claim(key, instanceId, claim) } };
  }

  #subscribe(link: Link, item: SubscribeItem): void {
    const { key, filter } = item;
    const error = this.#reasonAgainst({ kind: "subscribe", service: key, filter });
    if (error === undefined) link.subscriptions.follow(subscriptionId(item), item, item.held);
    else this.#say(link, { refusals: [{ key, filter, error }] });
  }

  #subscribeServices({ lists }: Link, item: SubscribeServicesItem): void {
    const { pattern, heldDigest } = item;
    // Who comes with another list is given the whole, whatever the version.
    lists.follow(textFromPattern(pattern), item, heldDigest && { version: version(0), digest: heldDigest });
  }

  /** Tells those whose barrier everybody has passed. The others ask again, and then hear of it at the latest. */
  #passBarriers(): void {
    for (const link of this.#links) {
      for (const { sequence, key, version } of link.barriers.values()) {
        const subscribers = this.#countBehind(key, version);
        if (subscribers > 0) continue;
        link.barriers.delete(sequence);
        this.#say(link, { barriers: [{ sequence, subscribers, sessions: 0 }] });
      }
    }
  }

  #countBehind(key: ServiceKey, version: Version): number {
    const keyText = textFromServiceKey(key);
    let behind = 0;
    for (const { subscriptions } of this.#links)
      for (const item of subscriptions.sources())
        if (textFromServiceKey(item.key) === keyText && !subscriptions.hasBeenTold(subscriptionId(item), version))
          behind++;
    return behind;
  }

  #reasonAgainst(request: MemoryRequest): RegistryError | undefined {
    for (const refusal of this.#refusals) {
      const error = refusal(request);
      if (error !== undefined) return error;
    }
    return undefined;
  }

  readonly #nextVersion = (): Version => version(++this.#counter);

  #newLists(): MemoryLists {
    return new MemoryLists(this.#nextVersion);
  }

  #changed({ key, datum }: MemoryService): void {
    this.#lists.note(key, datum.size > 0);
    this.#allMayBeDue();
  }

  #allMayBeDue(): void {
    for (const { subscriptions, lists } of this.#links) for (const each of [subscriptions, lists]) each.allChanged();
  }

  #deliver(): void {
    if (this.#holds > 0) return;
    for (const link of this.#links) {
      const now = this.#clock.now();
      const pushes = [...link.subscriptions.due(now)].map(({ source, datum, held, confirmed }) =>
        updateFor(datum, held, source.filter, confirmed),
      );
      const servicesPushes = [...link.lists.due(now)].map(({ source: { pattern }, datum, held }) => ({
        pattern,
        ...changeFromUpdate(updateFor(datum, held, NO_FILTER, true)),
      }));
      if (pushes.length + servicesPushes.length > 0) this.#say(link, { pushes, servicesPushes });
    }
  }

  #say({ stream }: Link, parts: Partial<ServerMessage>): void {
    stream.send(frameFromServerMessage(parts));
  }
}

function version(counter: number): Version {
  return { epoch: epoch(1), counter };
}

function subscriptionId({ key, filter }: { readonly key: ServiceKey; readonly filter: Filter }): string {
  return `${textFromServiceKey(key)} ${textFromFilter(filter)}`;
}

/** What ends a fault ends it once, however often it is called. */
function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) action();
    done = true;
  };
}
