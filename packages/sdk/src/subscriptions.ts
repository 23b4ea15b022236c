/**
 * Everything this client is subscribed to. Subscriptions with the same key and filter share one feed, which is asked
 * for once and kept while anyone watches it.
 *
 * A feed that was asked for is owed a push on every connection, even if that brings no news; one that has not come in
 * time is asked for again. Every push is answered with a receipt of what is held then, without which the server sends
 * no further one.
 */

import {
  EMPTY_DIGEST,
  LIMITS,
  RegistryError,
  formatVersion,
  digestOfText,
  limitExceeded,
  nameOfSubscription,
  sameDigest,
  textFromFilter,
  textFromServiceKey,
  toggleDigest,
  type Clock,
  type Digest,
  type Filter,
  type ServerHello,
  type ServiceKey,
  type SubscriptionRefusal,
  type Timer,
  type Tracer,
  type UnsubscribeItem,
  type Update,
  type UpdatePart,
} from "@rollcall/core";

import type { Report } from "./events.ts";
import { Feed, type FeedListener, type FeedOutcome } from "./feed.ts";
import type { HeldBack } from "./held-back.ts";
import type { Keeper } from "./kept/keeper.ts";
import { filterBytesMax, type Draft, type OutboxSource } from "./outbox.ts";
import { Receipts } from "./receipts.ts";
import { Unanswered } from "./unanswered.ts";

/** A filter larger than this, in bytes on the wire, is refused: it might not fit into a message. */
const FILTER_BYTES_MAX = LIMITS.clientMessageBytes / 2;

/**
 * How long what a former life has kept is held back, in milliseconds, as long as nothing says that the registry cannot be
 * reached: longer than it takes to answer, and shorter than people wait.
 */
const KEPT_PATIENCE_MS = 500;

export interface SubscriptionsPorts {
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly resultTimeoutMs: number;
  /** Something waits to be sent. */
  readonly wake: () => void;
  /** Something waits that answers what has just come. */
  readonly answer: () => void;
  /** An update has made a new view, of which listeners are about to be told. */
  readonly pushed: (update: Update) => void;
  readonly heldBack: HeldBack;
  readonly report: Report;
  /** Keeps lists beyond this life, if anything does. */
  readonly keeper: Keeper | undefined;
}

export class Subscriptions implements OutboxSource {
  readonly #ports: SubscriptionsPorts;
  readonly #feeds = new Map<string, Feed>();
  /**
   * Feeds that were left by their last listener. They end when something is sent next: until then the server knows
   * nothing of that and what they hold is as good as ever, so whoever comes back in time finds everything as it was.
   */
  readonly #left = new Set<Feed>();
  /** Feeds to ask for. */
  readonly #unasked = new Set<Feed>();
  readonly #unanswered: Unanswered<Feed>;
  /** Feeds that the present server has been asked for, by their text. */
  readonly #asked = new Set<string>();
  readonly #unsubscribes = new Map<string, UnsubscribeItem>();
  readonly #receipts: Receipts;
  /** The last server there was. */
  #server: ServerHello | undefined;
  /** The last dial has failed, or the link was lost. */
  #isCutOff = false;
  #patience: Timer | undefined;

  constructor(ports: SubscriptionsPorts) {
    this.#ports = ports;
    this.#receipts = new Receipts(ports.wake, ports.answer);
    this.#unanswered = new Unanswered(ports.clock, ports.resultTimeoutMs, (feed) => this.#ask(feed));
  }

  // What users want --------------------------------------------------------------------------------------------------

  /** The feed of (key, filter), if there is one. */
  find(key: ServiceKey, filter: Filter): Feed | undefined {
    return this.#feeds.get(feedText(key, filter));
  }

  /** The feed of (key, filter), asked for if it is new. @throws RegistryError `limit_exceeded`. */
  feed(key: ServiceKey, filter: Filter): Feed {
    const text = feedText(key, filter);
    const before = this.#feeds.get(text);
    if (before !== undefined) return before;
    if (this.#feeds.size >= LIMITS.subscriptionsPerClient) this.#endLeft();
    if (this.#feeds.size >= LIMITS.subscriptionsPerClient) {
      throw limitExceeded("subscriptions", `${LIMITS.subscriptionsPerClient} for each client`, this.#feeds.size + 1);
    }
    const filterBytes = filterBytesMax(filter);
    if (filterBytes > FILTER_BYTES_MAX) throw limitExceeded("filter", `${FILTER_BYTES_MAX} bytes`, filterBytes);
    const feed = new Feed(key, filter, text, (id, error) => {
      this.#ports.report(error, `instance ${id} of ${textFromServiceKey(key)} cannot be read`);
    });
    this.#restore(feed);
    this.#feeds.set(text, feed);
    this.#unsubscribes.delete(text);
    this.#ask(feed);
    return feed;
  }

  #restore(feed: Feed): void {
    const { keeper, clock } = this.#ports;
    const copy = keeper?.find(feed);
    const isOfOther = this.#server !== undefined && this.#server.clusterId !== copy?.hello.clusterId;
    if (copy === undefined || isOfOther || !feed.restore(copy)) return;
    if (this.#isCutOff) feed.showKept();
    else this.#patience ??= clock.setTimer(KEPT_PATIENCE_MS, () => this.#showKept());
  }

  #showKept(): void {
    this.#patience?.cancel();
    this.#patience = undefined;
    for (const feed of this.#feeds.values()) if (feed.showKept()) feed.tellChanged();
  }

  /** @returns what ends the listening; with the last listener the feed goes, too. */
  listen(feed: Feed, listener: FeedListener): () => void {
    const stop = feed.listen(listener);
    return () => {
      stop();
      if (feed.listenerCount > 0 || this.#feeds.get(feed.text) !== feed) return;
      this.#left.add(feed);
      this.#ports.wake();
    };
  }

  #endLeft(): void {
    if (this.#left.size === 0) return;
    for (const feed of this.#left) if (feed.listenerCount === 0) this.#end(feed);
    this.#left.clear();
  }

  /** Ends every feed; whoever listens is told `error`. */
  abandon(error: RegistryError): void {
    this.#patience?.cancel();
    const feeds = [...this.#feeds.values()];
    for (const feed of feeds) this.#end(feed);
    for (const feed of feeds) feed.tellEnded(error);
  }

  #end(feed: Feed): void {
    this.#drop(feed);
    if (this.#asked.delete(feed.text)) this.#unsubscribe(feed.text, feed);
  }

  #drop(feed: Feed): void {
    this.#feeds.delete(feed.text);
    this.#left.delete(feed);
    this.#unasked.delete(feed);
    this.#unanswered.settle(feed);
    this.#receipts.drop(feed);
    this.#ports.keeper?.dropped(feed);
    this.#ports.heldBack.end(feed);
  }

  #ask(feed: Feed): void {
    this.#unasked.add(feed);
    this.#ports.wake();
  }

  #unsubscribe(text: string, { key, filter }: UnsubscribeItem): void {
    this.#unsubscribes.set(text, { key, filter });
    this.#ports.wake();
  }

  // The conversation -------------------------------------------------------------------------------------------------

  /** On a new connection every feed is asked for anew; what was to be said on the old one is of no use. */
  replay(): void {
    this.#forgetLink();
    this.#unasked.clear();
    for (const feed of this.#feeds.values()) this.#unasked.add(feed);
  }

  /** The link is lost, or there was none in the first place. */
  disconnected(): void {
    this.#isCutOff = true;
    this.#forgetLink();
    this.#showKept();
    for (const feed of this.#feeds.values())
      if (feed.view !== undefined) this.#ports.heldBack.begin(feed, "disconnected");
  }

  #forgetLink(): void {
    this.#unanswered.restart();
    this.#asked.clear();
    this.#unsubscribes.clear();
    this.#receipts.clear();
  }

  /** What another cluster was told that we hold means nothing to this one: such a feed is asked for with nothing held. */
  opened(server: ServerHello): void {
    this.#server = server;
    this.#isCutOff = false;
    this.#unanswered.opened();
    for (const feed of this.#feeds.values()) if (feed.belongsTo(server.clusterId)) this.#ask(feed);
  }

  /** Over what the session should have of this client; undefined while it may not have heard or answered all of it. */
  digest(): Digest | undefined {
    if (this.#unasked.size > 0 || this.#unsubscribes.size > 0 || !this.#unanswered.isEmpty) return undefined;
    let digest = EMPTY_DIGEST;
    for (const feed of this.#feeds.values()) digest = toggleDigest(digest, digestOfText(nameOfSubscription(feed)));
    return digest;
  }

  /** Asks for everything again. */
  askAgain(): void {
    for (const feed of this.#feeds.values()) this.#ask(feed);
  }

  fill(draft: Draft): void {
    this.#endLeft();
    for (const feed of this.#unasked) {
      if (draft.isFull) return;
      const { key, filter, held, text } = feed;
      this.#unasked.delete(feed);
      draft.subscribe({ key, filter, held });
      this.#asked.add(text);
      this.#unanswered.sent(feed);
    }
    for (const [text, item] of this.#unsubscribes) {
      if (draft.isFull) return;
      this.#unsubscribes.delete(text);
      draft.unsubscribe(item);
    }
    this.#receipts.fill(draft);
  }

  /**
   * Callbacks run within the context of the change, when that is traced.
   * @throws RegistryError `protocol_violation` for a snapshot that is not what it says.
   */
  take(part: UpdatePart): void {
    const traceparent = part.more === true ? undefined : part.origin?.traceparent;
    const span =
      traceparent &&
      this.#ports.tracer.start("rollcall.client.apply", traceparent, () => ({
        "rollcall.service": textFromServiceKey(part.key),
        "rollcall.version": formatVersion(part.version),
      }));
    if (span === undefined) return this.#take(part);
    try {
      span.run(() => this.#take(part));
    } finally {
      span.end();
    }
  }

  #take(part: UpdatePart): void {
    const text = feedText(part.key, part.filter);
    const feed = this.#feeds.get(text);
    if (feed === undefined) {
      // The server has not heard that it is no longer wanted.
      this.#unsubscribe(text, part);
      return;
    }
    const update = feed.parts.take(part);
    if (update === undefined) {
      // An answer that takes long is still an answer.
      this.#unanswered.sent(feed);
      return;
    }
    // Nobody but a server that has said hello pushes anything.
    const server = this.#server!;
    const outcome = feed.take(update, server.clusterId);
    if (update.confirmed && outcome !== "mismatch") this.#ports.keeper?.confirmed(feed, update.digest, server);
    // What is of no use is no answer: the feed is asked for again in time, and the server told what is held.
    if (outcome === "unfit" || outcome === "heldBack") this.#unanswered.sent(feed);
    else this.#unanswered.settle(feed);
    this.#guard(feed, update, outcome);
    if (outcome === "unfit") return;
    if (outcome === "mismatch" && update.baseDigest === undefined) {
      // Asking for another snapshot would bring the same one, again and again.
      throw new RegistryError("protocol_violation", `a snapshot of ${textFromServiceKey(feed.key)} has a wrong digest`);
    }
    this.#receipts.owe(feed, outcome === "mismatch");
    if (outcome !== "changed") return;
    this.#ports.pushed(update);
    feed.tellChanged();
  }

  /** Takes a push that is no answer to what was asked: from a server that is being left. Its receipt goes to `draft`. */
  takeAside(part: UpdatePart, draft: Draft): void {
    const feed = this.find(part.key, part.filter);
    // Parts are gathered from one server only.
    if (feed === undefined || part.more === true) return;
    const server = this.#server!;
    const outcome = feed.take(part, server.clusterId);
    // The new server is asked for whatever could not be used.
    if (outcome === "unfit" || outcome === "mismatch") return;
    this.#guard(feed, part, outcome);
    if (part.confirmed) this.#ports.keeper?.confirmed(feed, part.digest, server);
    draft.receipt({ key: feed.key, filter: feed.filter, held: feed.heldForReceipt, resync: false });
    if (outcome !== "changed") return;
    // The new server believes what it was told on arrival, and would take this for something it has pushed already.
    this.#ask(feed);
    this.#ports.pushed(part);
    feed.tellChanged();
  }

  #guard(feed: Feed, update: Update, outcome: FeedOutcome): void {
    const { heldBack } = this.#ports;
    const isEmpty = sameDigest(update.digest, EMPTY_DIGEST);
    // The same list once more, though nobody vouches for it, takes nothing from the one that is shown.
    const isOther = feed.held === undefined || !sameDigest(update.digest, feed.held.digest);
    if (outcome === "heldBack" || (outcome === "unfit" && isOther))
      heldBack.begin(feed, isEmpty ? "empty" : "unconfirmed");
    else if (update.confirmed && outcome !== "mismatch") heldBack.end(feed);
  }

  refuse(refusal: SubscriptionRefusal): void {
    const feed = this.find(refusal.key, refusal.filter);
    if (feed === undefined) return;
    const error = RegistryError.from(refusal.error);
    this.#drop(feed);
    this.#asked.delete(feed.text);
    this.#ports.report(error, `the registry refused the subscription of ${textFromServiceKey(feed.key)}`);
    feed.tellEnded(error);
  }
}

/** The same for equal keys and filters. No key contains a blank. Without a filter there is no text to be made. */
function feedText(key: ServiceKey, filter: Filter): string {
  const filterText = textFromFilter(filter);
  return filterText === "" ? textFromServiceKey(key) : `${textFromServiceKey(key)} ${filterText}`;
}
