/**
 * What one client is subscribed to: services and lists of services, each through a view that it shares with others. One
 * push of each is on its way at a time, and while the connection is congested changes of a view coalesce.
 */

import {
  Deliveries,
  EMPTY_DIGEST,
  LIMITS,
  digestOfText,
  epoch,
  limitExceeded,
  nameOfSubscription,
  serviceKeyFromText,
  textFromPattern,
  textFromServiceKey,
  toggleDigest,
  type Clock,
  type Digest,
  type DurationHistogram,
  type Filter,
  type Followed,
  type Held,
  type MessageStream,
  type PushReceipt,
  type Receipt,
  type RegistryError,
  type ServiceEventKind,
  type ServiceEvents,
  type ServiceKey,
  type ServicePattern,
  type SubscribeItem,
  type SubscribeServicesItem,
  type Version,
} from "@rollcall/core";

import type { ServiceLists } from "../lists/service-lists.ts";
import { pushIsOff, type PushOffRecord, type PushSwitch } from "../pushes/push-switch.ts";
import type { Interests } from "../views/interests.ts";
import type { UsedView, Viewer } from "../views/view.ts";

export interface ClientSubscriptionsPorts {
  readonly clientId: string;
  /** Where it comes from. */
  readonly address: string;
  readonly clock: Clock;
  readonly stream: MessageStream;
  readonly interests: Interests;
  readonly lists: ServiceLists;
  readonly pushes: PushSwitch;
  /**
   * Whether the client says what it took. One that cannot send while it receives says nothing: what was sent to it
   * counts as taken, for its stream loses nothing but its end.
   */
  readonly receipts: "given" | "implied";
  /** From pushes to their receipts. */
  readonly receiptTimes: DurationHistogram;
  readonly events: ServiceEvents;
}

/** Whose subscription it is. */
interface Subscriber {
  viewChanged(subscription: Subscription): void;
  hasBeenTold(id: string, version: Version): boolean;
}

/** There are some to each of very many clients, so it is no set of closures. */
class Subscription implements Viewer {
  readonly id: string;
  /** Of the service; undefined for a list of services. */
  readonly keyText: string | undefined;
  readonly used: UsedView;
  /** Its place among the deliveries; another one each time the client asks anew. */
  followed: Followed<Subscription> | undefined;
  readonly #subscriber: Subscriber;

  constructor(id: string, keyText: string | undefined, used: UsedView, subscriber: Subscriber) {
    this.id = id;
    this.keyText = keyText;
    this.used = used;
    this.#subscriber = subscriber;
  }

  viewChanged(): void {
    this.#subscriber.viewChanged(this);
  }

  hasBeenTold(version: Version): boolean {
    return this.#subscriber.hasBeenTold(this.id, version);
  }
}

const BEFORE_ANY: Version = { epoch: epoch(0), counter: 0 };

export class ClientSubscriptions {
  readonly #ports: ClientSubscriptionsPorts;
  readonly #deliveries: Deliveries<Subscription>;
  readonly #subscriber: Subscriber;
  #lists = 0;
  /** An operator has switched them off. */
  #isOff = false;
  /** Those without a first push. */
  readonly #unpushed = new Set<string>();

  /** @param wake called when there may be something to send */
  constructor(ports: ClientSubscriptionsPorts, wake: () => void) {
    this.#ports = ports;
    const { pushes } = ports;
    this.#deliveries = new Deliveries(
      ({ used }) => used.view.shown,
      wake,
      ({ used }) => !this.#isOff && pushes.holds(used.view, ports) === undefined,
    );
    this.#subscriber = {
      viewChanged: (subscription) => this.#viewChanged(subscription),
      // Nobody waits for one that is not to be told.
      hasBeenTold: (id, version) => this.#isOff || this.#deliveries.hasBeenTold(id, version),
    };
  }

  get size(): number {
    return this.#deliveries.size;
  }

  get isSettled(): boolean {
    return this.#deliveries.isSettled;
  }

  /** Everything has been pushed at least once, but for what an operator holds back. */
  get isBegun(): boolean {
    const { pushes } = this.#ports;
    if (this.#unpushed.size === 0 || this.#isOff) return true;
    return !pushes.isOpen && [...this.#unpushed].every((id) => this.#whatHolds(this.#deliveries.get(id)) !== undefined);
  }

  /** How many have missed a push because an operator has stopped it. */
  get held(): number {
    return this.#ports.pushes.isOpen && !this.#isOff ? 0 : this.#deliveries.held;
  }

  /** From now on nothing is pushed, or again what has changed meanwhile. */
  switchOff(isOff: boolean): void {
    this.#isOff = isOff;
    for (const source of this.#deliveries.sources()) source.used.acknowledged(source);
    this.pushesChanged();
  }

  /** Others may be pushed than before. */
  pushesChanged(): void {
    this.#deliveries.allChanged();
  }

  /** The services, each once. Lists of services are not among them. */
  services(): ServiceKey[] {
    const texts = new Set(this.#deliveries.sources().flatMap(({ keyText }) => keyText ?? []));
    return [...texts].map(serviceKeyFromText);
  }

  /** Names what there is, as one digest. */
  digest(): Digest {
    let digest = EMPTY_DIGEST;
    for (const id of this.#deliveries.ids()) digest = toggleDigest(digest, digestOfText(id));
    return digest;
  }

  /** Gives why not, when the client has too many. */
  subscribe({ key, filter, held }: SubscribeItem): RegistryError | undefined {
    const id = idOfService(key, filter);
    const error = this.#deliveries.get(id) === undefined ? this.#tooMany() : undefined;
    if (error === undefined)
      this.#follow(id, held, textFromServiceKey(key), () => this.#ports.interests.useView(key, filter));
    return error;
  }

  /** As {@link subscribe}, to a list of services. */
  subscribeServices({ pattern, heldDigest }: SubscribeServicesItem): RegistryError | undefined {
    const id = idOfList(pattern);
    const error = this.#deliveries.get(id) === undefined ? (this.#tooManyLists() ?? this.#tooMany()) : undefined;
    // Versions of lists mean nothing elsewhere: whoever comes with another list is given the whole.
    const held = heldDigest && { version: BEFORE_ANY, digest: heldDigest };
    if (error === undefined) this.#follow(id, held, undefined, () => this.#ports.lists.useView(pattern));
    return error;
  }

  unsubscribe(key: ServiceKey, filter: Filter): void {
    this.#unfollow(idOfService(key, filter));
  }

  unsubscribeServices(pattern: ServicePattern): void {
    this.#unfollow(idOfList(pattern));
  }

  receipt(receipt: PushReceipt): void {
    this.#receipt(idOfService(receipt.key, receipt.filter), receipt);
  }

  servicesReceipt(pattern: ServicePattern, receipt: Receipt): void {
    this.#receipt(idOfList(pattern), receipt);
  }

  /** Looks for receipts that are overdue. */
  sweep(now: number): void {
    if (this.#deliveries.awaitsReceipts && !this.#ports.stream.congested) this.#deliveries.sweep(now);
  }

  /** Sends what is due, until the connection is congested: what has not left yet still coalesces. */
  send(): void {
    if (!this.#deliveries.hasChanged) return;
    const { stream, clock, receipts } = this.#ports;
    for (const { source, datum, held } of this.#deliveries.due(clock.now())) {
      for (const frame of source.used.view.framesFor(held)) stream.send(frame);
      this.#record(source.keyText, "pushed", datum.version);
      if (this.#unpushed.size > 0) this.#unpushed.delete(source.id);
      if (receipts === "implied") {
        this.#deliveries.receipt(source.id, { held: datum.held, resync: false });
        source.used.acknowledged(source);
      }
      if (stream.congested) break;
    }
  }

  close(): void {
    for (const { id } of this.#deliveries.sources()) this.#unfollow(id);
  }

  #follow(id: string, held: Held | undefined, keyText: string | undefined, use: () => UsedView): void {
    const known = this.#deliveries.get(id);
    if (known !== undefined) {
      known.source.followed = this.#deliveries.follow(id, known.source, held);
      return;
    }
    const subscription = new Subscription(id, keyText, use(), this.#subscriber);
    subscription.used.view.viewers.add(subscription);
    if (keyText === undefined) this.#lists++;
    this.#unpushed.add(id);
    subscription.followed = this.#deliveries.follow(id, subscription, held);
    this.#record(keyText, "subscribed", held?.version);
  }

  #unfollow(id: string): void {
    this.#unpushed.delete(id);
    const followed = this.#deliveries.unfollow(id);
    if (followed === undefined) return;
    const { keyText, used } = followed.source;
    followed.source.followed = undefined;
    if (keyText === undefined) this.#lists--;
    this.#record(keyText, "unsubscribed", undefined);
    used.view.viewers.delete(followed.source);
    used.acknowledged(followed.source);
    used.release();
  }

  #tooMany(): RegistryError | undefined {
    const { size } = this.#deliveries;
    if (size < LIMITS.subscriptionsPerClient) return undefined;
    return limitExceeded("subscriptions of a client", `${LIMITS.subscriptionsPerClient}`, size + 1);
  }

  #tooManyLists(): RegistryError | undefined {
    if (this.#lists < LIMITS.serviceListsPerClient) return undefined;
    return limitExceeded("lists of services of a client", `${LIMITS.serviceListsPerClient}`, this.#lists + 1);
  }

  #receipt(id: string, receipt: Receipt): void {
    const followed = this.#deliveries.get(id);
    if (followed === undefined) return;
    const { source } = followed;
    const sentAt = this.#deliveries.receiptOf(followed, receipt);
    if (sentAt !== undefined) {
      this.#ports.receiptTimes.observe(this.#ports.clock.now() - sentAt);
      this.#record(source.keyText, receipt.resync ? "unusable" : "confirmed", receipt.held.version);
    }
    source.used.acknowledged(source);
  }

  #viewChanged({ keyText, used, followed }: Subscription): void {
    if (followed === undefined) return;
    const off = this.#whatHolds(followed);
    const why = off === undefined ? this.#whyItWaits(followed) : pushIsOff(off).message;
    if (why !== undefined) this.#record(keyText, "heldBack", used.view.datum.version, why);
    this.#deliveries.changed(followed);
  }

  #whatHolds(followed: Followed<Subscription> | undefined): PushOffRecord | undefined {
    return followed && this.#ports.pushes.holds(followed.source.used.view, this.#ports);
  }

  #whyItWaits({ delivery }: Followed<Subscription>): string | undefined {
    if (this.#isOff) return "an operator has switched off what the client is subscribed to";
    if (this.#ports.stream.congested) return "the connection is full: it reads slowly";
    return delivery.state === "sending" ? "the push before has no receipt yet" : undefined;
  }

  #record(keyText: string | undefined, kind: ServiceEventKind, version: Version | undefined, why?: string): void {
    if (keyText === undefined) return;
    this.#ports.events.record(keyText, kind, { version, who: this.#ports.clientId, why });
  }
}

function idOfService(key: ServiceKey, filter: Filter): string {
  return nameOfSubscription({ key, filter });
}

/** No key's text begins with a blank. */
function idOfList(pattern: ServicePattern): string {
  return ` ${textFromPattern(pattern)}`;
}
