/**
 * What waits to be sent. Nothing is queued: the sources know what they have to say, and when the link can take it they
 * are asked for their latest state. So a change that is overtaken by another before it left is never sent, and memory
 * is bounded by what is registered and subscribed, however slow the server.
 *
 * Everything that was decided while one input was handled leaves in one message.
 */

import {
  LIMITS,
  oncePerTurn,
  textFromFilter,
  type Barrier,
  type ClientHello,
  type ClientMessage,
  type ClientSummary,
  type Clock,
  type Filter,
  type PushReceipt,
  type RegisterItem,
  type ServiceKey,
  type ServicePattern,
  type ServicesReceipt,
  type SubscribeItem,
  type SubscribeServicesItem,
  type UnregisterItem,
  type UnsubscribeItem,
} from "@rollcall/core";

/** Where messages go. */
export interface OutboxLink {
  readonly canSend: boolean;
  readonly congested: boolean;
  send(message: ClientMessage): void;
}

/** A part of the client with something to say. */
export interface OutboxSource {
  /** Moves what waits into `draft` until that is full or nothing is left. */
  fill(draft: Draft): void;
}

/** From this size on a draft takes no more: with its last item it is still below what a server accepts. */
const DRAFT_FULL_BYTES = LIMITS.clientMessageBytes / 4;

/** Bound for everything of an item but its names and its instance. */
const ITEM_BYTES = 140;

/** One message in the making. */
export class Draft implements ClientMessage {
  readonly hello: ClientHello | undefined;
  readonly registers: RegisterItem[] = [];
  readonly unregisters: UnregisterItem[] = [];
  readonly subscribes: SubscribeItem[] = [];
  readonly unsubscribes: UnsubscribeItem[] = [];
  readonly receipts: PushReceipt[] = [];
  summary: ClientSummary | undefined;
  readonly barriers: Barrier[] = [];
  readonly servicesSubscribes: SubscribeServicesItem[] = [];
  readonly servicesUnsubscribes: ServicePattern[] = [];
  readonly servicesReceipts: ServicesReceipt[] = [];
  #bytes = 0;

  constructor(hello?: ClientHello) {
    this.hello = hello;
  }

  get isFull(): boolean {
    return this.#bytes >= DRAFT_FULL_BYTES;
  }

  get isEmpty(): boolean {
    return this.hello === undefined && this.summary === undefined && this.#bytes === 0;
  }

  register(item: RegisterItem): void {
    this.registers.push(item);
    this.#bytes += ITEM_BYTES + keyLength(item.key) + item.instance.length;
  }

  unregister(item: UnregisterItem): void {
    this.unregisters.push(item);
    this.#bytes += ITEM_BYTES + keyLength(item.key) + item.instanceId.length;
  }

  subscribe(item: SubscribeItem): void {
    this.subscribes.push(item);
    this.#bytes += ITEM_BYTES + keyLength(item.key) + filterBytesMax(item.filter);
  }

  unsubscribe(item: UnsubscribeItem): void {
    this.unsubscribes.push(item);
    this.#bytes += ITEM_BYTES + keyLength(item.key) + filterBytesMax(item.filter);
  }

  barrier(item: Barrier): void {
    this.barriers.push(item);
    this.#bytes += ITEM_BYTES + keyLength(item.key);
  }

  receipt(item: PushReceipt): void {
    this.receipts.push(item);
    this.#bytes += ITEM_BYTES + keyLength(item.key) + filterBytesMax(item.filter);
  }

  summarize(summary: ClientSummary): void {
    this.summary = summary;
  }

  subscribeServices(item: SubscribeServicesItem): void {
    this.servicesSubscribes.push(item);
    this.#bytes += ITEM_BYTES + patternLength(item.pattern);
  }

  unsubscribeServices(pattern: ServicePattern): void {
    this.servicesUnsubscribes.push(pattern);
    this.#bytes += ITEM_BYTES + patternLength(pattern);
  }

  servicesReceipt(item: ServicesReceipt): void {
    this.servicesReceipts.push(item);
    this.#bytes += ITEM_BYTES + patternLength(item.pattern);
  }
}

/** Names are ASCII. */
function keyLength({ namespace, group, service }: ServiceKey): number {
  return namespace.length + group.length + service.length;
}

function patternLength({ namespace, group, prefix }: ServicePattern): number {
  return namespace.length + group.length + prefix.length;
}

/** More bytes than `filter` takes in a message: a character is at most three bytes. */
export function filterBytesMax(filter: Filter): number {
  return 3 * textFromFilter(filter).length;
}

export class Outbox {
  /** Something waits: it leaves as soon as all input that is there has been handled. */
  readonly wake: () => void;
  /**
   * Something waits that answers the input at hand: it leaves as soon as that is handled. Whoever is one of thousands in a
   * process has all that it takes at hand now, and would have to fetch it anew when the others have had their turn.
   */
  readonly answer: () => void;
  readonly #link: OutboxLink;
  readonly #sources: readonly OutboxSource[];

  constructor(clock: Clock, link: OutboxLink, sources: readonly OutboxSource[]) {
    this.#link = link;
    this.#sources = sources;
    this.wake = oncePerTurn(clock, () => this.#flush());
    this.answer = oncePerTurn({ defer: afterInput }, () => this.#flush());
  }

  /** The first message of a link: who is there, and all that fits of what is wanted. */
  begin(hello: ClientHello): void {
    if (this.#send(new Draft(hello))) this.#flush();
  }

  #flush(): void {
    while (this.#link.canSend && !this.#link.congested && this.#send(new Draft()));
  }

  /** True when there is more than would fit. */
  #send(draft: Draft): boolean {
    for (const source of this.#sources) source.fill(draft);
    if (!draft.isEmpty) this.#link.send(draft);
    return draft.isFull;
  }
}

function afterInput(action: () => void): void {
  void Promise.resolve().then(action);
}
