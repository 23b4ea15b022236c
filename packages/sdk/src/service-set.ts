/**
 * Several services as one: a view of each, in one map that is a new one whenever any of them changes. Which services these
 * are may change as well. Changes that come together are told together.
 */

import { oncePerTurn, textFromServiceKey, type Clock, type RegistryError, type ServiceKey } from "@rollcall/core";

import type { ViewListener, ViewSource } from "./live-subscription.ts";
import type { ServiceView } from "./service-view.ts";

/**
 * The views of several services, by name: by its name alone a service of the client's own namespace and group, others as
 * `namespace/group/service`.
 */
export type ServiceViews = ReadonlyMap<string, ServiceView>;

export interface ServiceSetPorts {
  readonly clock: Clock;
  readonly nameOf: (key: ServiceKey) => string;
  /** Subscribes to a service until `stop` is called. @throws RegistryError `limit_exceeded`. */
  readonly subscribe: (
    key: ServiceKey,
    listener: ViewListener<ServiceView>,
  ) => { readonly source: ViewSource<ServiceView>; readonly stop: () => void };
}

interface MemberOfSet {
  readonly key: ServiceKey;
  readonly source: ViewSource<ServiceView>;
  readonly stop: () => void;
}

export class ServiceSet implements ViewSource<ServiceViews> {
  readonly #ports: ServiceSetPorts;
  readonly #members = new Map<string, MemberOfSet>();
  readonly #scheduleLook: () => void;
  #listener: ViewListener<ServiceViews> | undefined;
  /** Until it has been said which services these are there is nothing to show. */
  #isNamed = false;
  #view: ServiceViews | undefined;
  #changes = 0;

  constructor(ports: ServiceSetPorts) {
    this.#ports = ports;
    this.#scheduleLook = oncePerTurn(ports.clock, () => this.#look());
  }

  get view(): ServiceViews | undefined {
    this.#confirm();
    return this.#view;
  }

  get changes(): number {
    return this.#changes;
  }

  /** @returns what ends the listening, and all of its subscriptions with it */
  listen(listener: ViewListener<ServiceViews>): () => void {
    this.#listener = listener;
    return () => this.#stop();
  }

  /** From now on it is these services, if anybody listens. @throws RegistryError `limit_exceeded`. */
  become(keys: Iterable<ServiceKey>): void {
    if (this.#listener === undefined) return;
    const wanted = new Map([...keys].map((key) => [textFromServiceKey(key), key]));
    for (const [text, { stop }] of this.#members) {
      if (wanted.has(text)) continue;
      this.#members.delete(text);
      stop();
    }
    for (const [text, key] of wanted) if (!this.#members.has(text)) this.#join(text, key);
    this.#isNamed = true;
    this.#scheduleLook();
  }

  /** Nothing comes after this. */
  end(error: RegistryError): void {
    const listener = this.#listener;
    this.#stop();
    listener?.ended(error);
  }

  #join(text: string, key: ServiceKey): void {
    const subscribed = this.#ports.subscribe(key, {
      changed: () => this.#scheduleLook(),
      ended: (error) => this.end(error),
    });
    this.#members.set(text, { key, ...subscribed });
  }

  #stop(): void {
    this.#listener = undefined;
    for (const { stop } of this.#members.values()) stop();
    this.#members.clear();
  }

  /** Nobody is called for the word that what is shown is confirmed: the next who looks finds it there. */
  #confirm(): void {
    const views = new Map(this.#view);
    let isOther = false;
    for (const { key, source } of this.#members.values()) {
      const name = this.#ports.nameOf(key);
      const before = views.get(name);
      if (before === undefined || source.view === before || source.view?.instances !== before.instances) continue;
      views.set(name, source.view);
      isOther = true;
    }
    if (isOther) this.#view = views;
  }

  /** A service that has joined is shown once there is something to show of it; the first view waits for all. */
  #look(): void {
    if (!this.#isNamed || this.#listener === undefined) return;
    const views = new Map<string, ServiceView>();
    for (const { key, source } of this.#members.values()) {
      if (source.view !== undefined) views.set(this.#ports.nameOf(key), source.view);
      else if (this.#view === undefined) return;
    }
    if (this.#view !== undefined && isSame(this.#view, views)) return;
    this.#view = views;
    this.#changes++;
    this.#listener.changed(views);
  }
}

function isSame(before: ServiceViews, after: ServiceViews): boolean {
  // Views that a subscriber was not called for, since only `confirmed` or the version are others, are no news here either.
  return (
    before.size === after.size && [...after].every(([name, view]) => before.get(name)?.instances === view.instances)
  );
}
