/** The part of a client that deals with more than one service at a time. */

import {
  RegistryError,
  filterFromInput,
  servicePattern,
  type Clock,
  type Filter,
  type FilterInput,
  type ServiceKey,
  type ServicePattern,
} from "@rollcall/core";

import type { Report } from "./events.ts";
import { LiveSubscription, type SubscriptionTo, type ViewListener, type ViewSource } from "./live-subscription.ts";
import type { ServiceInput } from "./service-input.ts";
import type { ServiceList } from "./service-list-feed.ts";
import type { ServiceLists } from "./service-lists.ts";
import type { ServiceNames } from "./service-names.ts";
import { ServiceSet, type ServiceViews } from "./service-set.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** Which services of a namespace: by default all groups and all names of the client's own namespace. */
export interface ServicePatternInput {
  readonly namespace?: string | undefined;
  readonly group?: string | undefined;
  /** What the names begin with. */
  readonly prefix?: string | undefined;
}

interface SignalOption {
  /** When aborted, closes the subscription. */
  readonly signal?: AbortSignal | undefined;
}

export interface ManyServices {
  /**
   * Subscribes to several services, whether or not anyone has registered them. The first view comes when there is one of
   * each.
   *
   * Throws a RegistryError: `invalid_field` or `limit_exceeded` naming field, limit and value; `closed`.
   */
  subscribeAll(
    services: Iterable<ServiceInput>,
    filter?: FilterInput,
    options?: SignalOption,
  ): SubscriptionTo<ServiceViews>;
  /**
   * Subscribes to every service whose name begins with `prefix` and that has an instance. Services join and leave by
   * themselves.
   *
   * Throws as `subscribeAll`. Ends with a RegistryError `limit_exceeded` when there are more services than a client may
   * subscribe to.
   */
  subscribePrefix(
    prefix: string | ServicePatternInput,
    filter?: FilterInput,
    options?: SignalOption,
  ): SubscriptionTo<ServiceViews>;
  /**
   * Subscribes to the list of services that have an instance.
   *
   * Throws a RegistryError: `invalid_field` or `limit_exceeded` naming field, limit and value; `closed`.
   */
  subscribeServices(pattern?: ServicePatternInput, options?: SignalOption): SubscriptionTo<ServiceList>;
}

export interface ManyServicesPorts {
  readonly clock: Clock;
  readonly report: Report;
  readonly subscriptions: Subscriptions;
  readonly lists: ServiceLists;
  readonly names: ServiceNames;
  /** @throws RegistryError `closed` */
  readonly assertLive: () => void;
}

export class SubscribedServices implements ManyServices {
  readonly #ports: ManyServicesPorts;

  constructor(ports: ManyServicesPorts) {
    this.#ports = ports;
  }

  readonly subscribeAll: ManyServices["subscribeAll"] = (services, filter = {}, { signal } = {}) => {
    this.#ports.assertLive();
    signal?.throwIfAborted();
    const set = this.#set(filterFromInput(filter));
    const keys = [...services].map((service) => this.#ports.names.keyOf(service));
    const subscription = this.#subscription("several services", set, (listener) => set.listen(listener), signal);
    try {
      set.become(keys);
    } catch (thrown) {
      subscription.close();
      throw thrown;
    }
    return subscription;
  };

  readonly subscribePrefix: ManyServices["subscribePrefix"] = (prefix, filter = {}, { signal } = {}) => {
    const { assertLive, clock, lists } = this.#ports;
    assertLive();
    signal?.throwIfAborted();
    const pattern = this.#pattern(typeof prefix === "string" ? { prefix } : prefix);
    const set = this.#set(filterFromInput(filter));
    const feed = lists.feed(pattern);
    const listen = (listener: ViewListener<ServiceViews>): (() => void) => {
      const stopSet = set.listen(listener);
      const stopList = lists.listen(feed, {
        changed: ({ services }) => this.#become(set, services, pattern),
        ended: (error) => set.end(error),
      });
      return () => {
        stopList();
        stopSet();
      };
    };
    const subscription = this.#subscription(`services ${pattern.prefix}*`, set, listen, signal);
    clock.defer(() => feed.view && this.#become(set, feed.view.services, pattern));
    return subscription;
  };

  readonly subscribeServices: ManyServices["subscribeServices"] = (pattern = {}, { signal } = {}) => {
    const { assertLive, lists } = this.#ports;
    assertLive();
    signal?.throwIfAborted();
    const feed = lists.feed(this.#pattern(pattern));
    return this.#subscription("a list of services", feed, (listener) => lists.listen(feed, listener), signal);
  };

  #become(set: ServiceSet, services: readonly ServiceKey[], { prefix }: ServicePattern): void {
    try {
      set.become(services);
    } catch (thrown) {
      const error = RegistryError.fromUnknown(thrown);
      this.#ports.report(error, `there are too many services ${prefix}* to subscribe to`);
      set.end(error);
    }
  }

  #pattern({ namespace, group, prefix }: ServicePatternInput): ServicePattern {
    return servicePattern({ namespace: namespace || this.#ports.names.namespace, group, prefix });
  }

  #set(filter: Filter): ServiceSet {
    const { clock, subscriptions, names } = this.#ports;
    return new ServiceSet({
      clock,
      nameOf: (key) => names.nameOf(key),
      subscribe: (key, listener) => {
        const feed = subscriptions.feed(key, filter);
        return { source: feed, stop: subscriptions.listen(feed, listener) };
      },
    });
  }

  #subscription<View>(
    name: string,
    source: ViewSource<View>,
    listen: (listener: ViewListener<View>) => () => void,
    signal: AbortSignal | undefined,
  ): SubscriptionTo<View> {
    const { clock, report } = this.#ports;
    const subscription = new LiveSubscription<View>(name, source, {
      clock,
      report,
      listen: (listener) => closedBy(signal, () => subscription.close(), listen(listener)),
    });
    return subscription;
  }
}

/** What stops something that an aborted `signal` closes. */
export function closedBy(signal: AbortSignal | undefined, close: () => void, stop: () => void): () => void {
  signal?.addEventListener("abort", close, { once: true });
  return () => {
    signal?.removeEventListener("abort", close);
    stop();
  };
}
