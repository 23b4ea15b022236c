/**
 * Every list of services this client is subscribed to, with the rules of the conversation that subscriptions to services
 * have: what was asked for is owed a push and asked for again when none comes, and every push is answered with a receipt.
 */

import {
  EMPTY_DIGEST,
  LIMITS,
  RegistryError,
  digestOfText,
  limitExceeded,
  textFromPattern,
  toggleDigest,
  type Clock,
  type Digest,
  type ServicePattern,
  type ServicesPush,
  type ServicesReceipt,
  type ServicesRefusal,
} from "@rollcall/core";

import type { Report } from "./events.ts";
import type { ViewListener } from "./live-subscription.ts";
import type { Draft, OutboxSource } from "./outbox.ts";
import { ServiceListFeed, type ServiceList } from "./service-list-feed.ts";
import { Unanswered } from "./unanswered.ts";

export interface ServiceListsPorts {
  readonly clock: Clock;
  readonly resultTimeoutMs: number;
  /** Something waits to be sent. */
  readonly wake: () => void;
  readonly report: Report;
}

export class ServiceLists implements OutboxSource {
  readonly #ports: ServiceListsPorts;
  readonly #feeds = new Map<string, ServiceListFeed>();
  readonly #unasked = new Set<ServiceListFeed>();
  readonly #unanswered: Unanswered<ServiceListFeed>;
  /** Feeds that the present server has been asked for, by their text. */
  readonly #asked = new Set<string>();
  readonly #unsubscribes = new Map<string, ServicePattern>();
  readonly #receipts = new Map<string, ServicesReceipt>();

  constructor(ports: ServiceListsPorts) {
    this.#ports = ports;
    this.#unanswered = new Unanswered(ports.clock, ports.resultTimeoutMs, (feed) => this.#ask(feed));
  }

  /** The feed of a pattern, asked for if it is new. @throws RegistryError `limit_exceeded`. */
  feed(pattern: ServicePattern): ServiceListFeed {
    const text = textFromPattern(pattern);
    const before = this.#feeds.get(text);
    if (before !== undefined) return before;
    if (this.#feeds.size >= LIMITS.serviceListsPerClient)
      throw limitExceeded("lists of services", `${LIMITS.serviceListsPerClient} for each client`, this.#feeds.size + 1);
    const feed = new ServiceListFeed(pattern);
    this.#feeds.set(text, feed);
    this.#unsubscribes.delete(text);
    this.#ask(feed);
    return feed;
  }

  /** @returns what ends the listening; with the last listener the feed goes, too. */
  listen(feed: ServiceListFeed, listener: ViewListener<ServiceList>): () => void {
    feed.listeners.add(listener);
    return () => {
      feed.listeners.delete(listener);
      if (feed.listeners.size === 0 && this.#feeds.get(feed.text) === feed) this.#end(feed);
    };
  }

  /** Ends every feed; whoever listens is told `error`. */
  abandon(error: RegistryError): void {
    const feeds = [...this.#feeds.values()];
    for (const feed of feeds) this.#end(feed);
    for (const feed of feeds) feed.tellEnded(error);
  }

  #end(feed: ServiceListFeed): void {
    this.#drop(feed);
    if (this.#asked.delete(feed.text)) this.#unsubscribe(feed.pattern);
  }

  #drop(feed: ServiceListFeed): void {
    this.#feeds.delete(feed.text);
    this.#unasked.delete(feed);
    this.#unanswered.settle(feed);
    this.#receipts.delete(feed.text);
  }

  #ask(feed: ServiceListFeed): void {
    this.#unasked.add(feed);
    this.#ports.wake();
  }

  #unsubscribe(pattern: ServicePattern): void {
    this.#unsubscribes.set(textFromPattern(pattern), pattern);
    this.#ports.wake();
  }

  // The conversation -------------------------------------------------------------------------------------------------

  /** On a new connection every list is asked for anew. */
  replay(): void {
    this.disconnected();
    for (const feed of this.#feeds.values()) {
      feed.forgetVersions();
      this.#unasked.add(feed);
    }
  }

  disconnected(): void {
    this.#unanswered.restart();
    this.#asked.clear();
    this.#unsubscribes.clear();
    this.#receipts.clear();
  }

  /** A session has said hello, and answers. */
  opened(): void {
    this.#unanswered.opened();
  }

  /** Over what the session should have of this client; undefined while it may not have heard or answered all of it. */
  digest(): Digest | undefined {
    if (this.#unasked.size > 0 || this.#unsubscribes.size > 0 || !this.#unanswered.isEmpty) return undefined;
    let digest = EMPTY_DIGEST;
    // A blank before the text tells a list from a service.
    for (const text of this.#feeds.keys()) digest = toggleDigest(digest, digestOfText(` ${text}`));
    return digest;
  }

  /** Asks for everything again. */
  askAgain(): void {
    for (const feed of this.#feeds.values()) this.#ask(feed);
  }

  fill(draft: Draft): void {
    // Nearly always nothing, of which every receipt for a service asks: it is not to cost a thing.
    if (this.#unasked.size + this.#unsubscribes.size + this.#receipts.size === 0) return;
    // There are too few of them to fill a message.
    for (const feed of this.#unasked) {
      draft.subscribeServices({ pattern: feed.pattern, heldDigest: feed.heldDigest });
      this.#asked.add(feed.text);
      this.#unanswered.sent(feed);
    }
    for (const pattern of this.#unsubscribes.values()) draft.unsubscribeServices(pattern);
    for (const receipt of this.#receipts.values()) draft.servicesReceipt(receipt);
    this.#unasked.clear();
    this.#unsubscribes.clear();
    this.#receipts.clear();
  }

  /** @throws RegistryError `protocol_violation` for a snapshot that is not what it says. */
  take(push: ServicesPush): void {
    const { pattern } = push;
    const text = textFromPattern(pattern);
    const feed = this.#feeds.get(text);
    if (feed === undefined) {
      // The server has not heard that it is no longer wanted.
      this.#unsubscribe(pattern);
      return;
    }
    const outcome = feed.take(push);
    if (outcome === "incomplete") return;
    this.#unanswered.settle(feed);
    if (outcome === "mismatch" && push.baseDigest === undefined)
      throw new RegistryError("protocol_violation", `a snapshot of the services ${text} has a wrong digest`);
    this.#receipts.set(text, { pattern, held: feed.held, resync: outcome === "mismatch" });
    this.#ports.wake();
    if (outcome === "changed") feed.tellChanged();
  }

  refuse(refusal: ServicesRefusal): void {
    const text = textFromPattern(refusal.pattern);
    const feed = this.#feeds.get(text);
    if (feed === undefined) return;
    const error = RegistryError.from(refusal.error);
    this.#drop(feed);
    this.#asked.delete(text);
    this.#ports.report(error, `the registry refused the subscription to the services ${text}`);
    feed.tellEnded(error);
  }
}
