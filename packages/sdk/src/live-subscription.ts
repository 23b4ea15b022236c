/** What a user holds of anything that is subscribed to: the last view, callbacks at each change, views to iterate over. */

import { RegistryError, type Clock } from "@rollcall/core";

import { callGuarded, type Report } from "./events.ts";
import { deferred, type Deferred } from "./promises.ts";

/** What is subscribed to, as long as somebody listens. */
export interface ViewSource<View> {
  /** The last one; undefined before the first. */
  readonly view: View | undefined;
  /** How many there have been. */
  readonly changes: number;
}

/** One who watches a source. */
export interface ViewListener<View> {
  changed(view: View): void;
  /** It was refused for good, or the client was closed; nothing comes after. */
  ended(error: RegistryError): void;
}

export interface SubscriptionTo<View> extends AsyncIterable<View> {
  /**
   * The first view. Rejects with a RegistryError: the registry's reason when it refuses the subscription, `closed`
   * when the subscription or the client is closed before.
   */
  readonly ready: Promise<View>;
  /** The last known view, with or without a connection; undefined before the first. */
  current(): View | undefined;
  /**
   * Calls `callback` with the current view soon, if there is one, and then at every change, until the returned
   * function is called or the subscription ends. What it throws, or the promise it returns rejects with, is reported and
   * hurts nobody else.
   */
  onChange(callback: (view: View) => unknown): () => void;
  /**
   * The current view, then the newest one whenever there is a newer: a slow reader skips what it missed. Ends when the
   * subscription is closed; throws the RegistryError with which the registry refused it.
   */
  [Symbol.asyncIterator](): AsyncIterator<View, undefined>;
  /** Ends the subscription: no callback runs after this. Calling it again is fine. */
  close(): void;
  /** The same as {@link close}, for `using`. */
  [Symbol.dispose](): void;
  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface LiveSubscriptionPorts<View> {
  readonly clock: Clock;
  readonly report: Report;
  /** Listens to the source until the returned function is called. */
  readonly listen: (listener: ViewListener<View>) => () => void;
}

/** One callback and the last change it was told of. */
interface Watcher<View> {
  readonly callback: (view: View) => unknown;
  told: number;
}

type Life =
  | { readonly kind: "live" }
  /** With an error when it was not the user who ended it. */
  | { readonly kind: "ended"; readonly error: RegistryError | undefined };

export class LiveSubscription<View> implements SubscriptionTo<View> {
  /** What it is of, in a report. */
  readonly #name: string;
  readonly #source: ViewSource<View>;
  readonly #ports: LiveSubscriptionPorts<View>;
  readonly #stopListening: () => void;
  readonly #watchers = new Set<Watcher<View>>();
  readonly #ready: Deferred<View> = deferred();
  #life: Life = { kind: "live" };
  /** Settles at the next change or the end; there when somebody waits for that. */
  #next: Deferred<void> | undefined;

  constructor(name: string, source: ViewSource<View>, ports: LiveSubscriptionPorts<View>) {
    this.#name = name;
    this.#source = source;
    this.#ports = ports;
    if (source.view !== undefined) this.#ready.resolve(source.view);
    this.#stopListening = ports.listen({
      changed: (view) => this.#changed(view),
      ended: (error) => this.#end(error),
    });
  }

  get ready(): Promise<View> {
    return this.#ready.promise;
  }

  current(): View | undefined {
    return this.#source.view;
  }

  onChange(callback: (view: View) => unknown): () => void {
    const watcher: Watcher<View> = { callback, told: 0 };
    if (this.#life.kind === "ended") return () => {};
    this.#watchers.add(watcher);
    const { view } = this.#source;
    if (view !== undefined) this.#ports.clock.defer(() => this.#tell(watcher));
    return () => void this.#watchers.delete(watcher);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<View, undefined> {
    let seen = 0;
    for (;;) {
      if (this.#life.kind === "ended") {
        if (this.#life.error !== undefined) throw this.#life.error;
        return undefined;
      }
      const { view, changes } = this.#source;
      if (view !== undefined && changes > seen) {
        seen = changes;
        yield view;
      } else {
        this.#next ??= deferred();
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

  #changed(view: View): void {
    this.#ready.resolve(view);
    this.#wakeReaders();
    for (const watcher of Array.from(this.#watchers)) this.#tell(watcher);
  }

  /** Tells the newest view, once. */
  #tell(watcher: Watcher<View>): void {
    const { view, changes } = this.#source;
    // A callback may have ended another, or this whole subscription.
    if (view === undefined || watcher.told === changes || !this.#watchers.has(watcher)) return;
    watcher.told = changes;
    callGuarded(
      () => watcher.callback(view),
      (error) => this.#ports.report(error, `a callback of ${this.#name} failed`),
    );
  }

  #wakeReaders(): void {
    this.#next?.resolve();
    this.#next = undefined;
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
