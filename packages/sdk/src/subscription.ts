/** What a user holds of a subscription: the last view, callbacks at each change, and views to iterate over. */

import { RegistryError, type Clock, type Filter, type ServiceKey } from "@rollcall/core";

import { callGuarded, type Report } from "./events.ts";
import type { Feed, FeedListener } from "./feed.ts";
import { deferred, type Deferred } from "./promises.ts";
import type { ServiceView } from "./service-view.ts";

/** Called with each new view. What it throws, or the promise it returns rejects with, is reported and hurts nobody else. */
export type ViewCallback = (view: ServiceView) => unknown;

export interface Subscription extends AsyncIterable<ServiceView> {
  readonly service: ServiceKey;
  readonly filter: Filter;
  /**
   * The first view. Rejects with a RegistryError: the registry's reason when it refuses the subscription, `closed`
   * when the subscription or the client is closed before.
   */
  readonly ready: Promise<ServiceView>;
  /** The last known view, with or without a connection; undefined before the first. */
  current(): ServiceView | undefined;
  /**
   * Calls `callback` with the current view soon, if there is one, and then at every change, until the returned
   * function is called or the subscription ends.
   */
  onChange(callback: ViewCallback): () => void;
  /**
   * The current view, then the newest one whenever there is a newer: a slow reader skips what it missed. Ends when the
   * subscription is closed; throws the RegistryError with which the registry refused it.
   */
  [Symbol.asyncIterator](): AsyncIterator<ServiceView, undefined>;
  /** Ends the subscription: no callback runs after this. Calling it again is fine. */
  close(): void;
  /** The same as {@link close}, for `using`. */
  [Symbol.dispose](): void;
  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface FeedSubscriptionPorts {
  readonly clock: Clock;
  readonly report: Report;
  /** Listens to the feed until the returned function is called. */
  readonly listen: (feed: Feed, listener: FeedListener) => () => void;
}

/** One callback and the last change it was told of. */
interface Watcher {
  readonly callback: ViewCallback;
  told: number;
}

type Life =
  | { readonly kind: "live" }
  /** With an error when it was not the user who ended it. */
  | { readonly kind: "ended"; readonly error: RegistryError | undefined };

export class FeedSubscription implements Subscription {
  readonly #feed: Feed;
  readonly #ports: FeedSubscriptionPorts;
  readonly #stopListening: () => void;
  readonly #watchers = new Set<Watcher>();
  readonly #ready: Deferred<ServiceView> = deferred();
  #life: Life = { kind: "live" };
  /** Settles at the next change or the end. */
  #next: Deferred<void> = deferred();

  constructor(feed: Feed, ports: FeedSubscriptionPorts) {
    this.#feed = feed;
    this.#ports = ports;
    if (feed.view !== undefined) this.#ready.resolve(feed.view);
    this.#stopListening = ports.listen(feed, {
      changed: (view) => this.#changed(view),
      ended: (error) => this.#end(error),
    });
  }

  get service(): ServiceKey {
    return this.#feed.key;
  }

  get filter(): Filter {
    return this.#feed.filter;
  }

  get ready(): Promise<ServiceView> {
    return this.#ready.promise;
  }

  current(): ServiceView | undefined {
    return this.#feed.view;
  }

  onChange(callback: ViewCallback): () => void {
    const watcher: Watcher = { callback, told: 0 };
    if (this.#life.kind === "ended") return () => {};
    this.#watchers.add(watcher);
    const { view } = this.#feed;
    if (view !== undefined) this.#ports.clock.defer(() => this.#tell(watcher));
    return () => void this.#watchers.delete(watcher);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ServiceView, undefined> {
    let seen = 0;
    for (;;) {
      if (this.#life.kind === "ended") {
        if (this.#life.error !== undefined) throw this.#life.error;
        return undefined;
      }
      const { view, changes } = this.#feed;
      if (view !== undefined && changes > seen) {
        seen = changes;
        yield view;
      } else {
        await this.#next.promise;
      }
    }
  }

  close(): void {
    this.#end(undefined);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #changed(view: ServiceView): void {
    this.#ready.resolve(view);
    this.#wakeReaders();
    for (const watcher of Array.from(this.#watchers)) this.#tell(watcher);
  }

  /** Tells the newest view, once. */
  #tell(watcher: Watcher): void {
    const { view, changes } = this.#feed;
    // A callback may have ended another, or this whole subscription.
    if (view === undefined || watcher.told === changes || !this.#watchers.has(watcher)) return;
    watcher.told = changes;
    callGuarded(
      () => watcher.callback(view),
      (error) => this.#ports.report(error, `a callback of ${this.service.service} failed`),
    );
  }

  #wakeReaders(): void {
    this.#next.resolve();
    this.#next = deferred();
  }

  #end(error: RegistryError | undefined): void {
    if (this.#life.kind === "ended") return;
    // A client that is closed ends its subscriptions in an orderly way: only a refusal is an error to a reader.
    this.#life = { kind: "ended", error: error?.reason === "closed" ? undefined : error };
    this.#watchers.clear();
    this.#stopListening();
    this.#ready.reject(error ?? new RegistryError("closed", "the subscription was closed before its first view"));
    this.#wakeReaders();
  }
}
