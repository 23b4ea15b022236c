/** What a user holds of a subscription to one service. */

import type { Clock, Filter, ServiceKey } from "@rollcall/core";

import type { Report } from "./events.ts";
import type { Feed, FeedListener } from "./feed.ts";
import { LiveSubscription, type SubscriptionTo } from "./live-subscription.ts";
import type { ServiceView } from "./service-view.ts";

/** Called with each new view. What it throws, or the promise it returns rejects with, is reported and hurts nobody else. */
export type ViewCallback = (view: ServiceView) => unknown;

export interface Subscription extends SubscriptionTo<ServiceView> {
  readonly service: ServiceKey;
  readonly filter: Filter;
}

export interface FeedSubscriptionPorts {
  readonly clock: Clock;
  readonly report: Report;
  /** Listens to the feed until the returned function is called. */
  readonly listen: (feed: Feed, listener: FeedListener) => () => void;
}

export class FeedSubscription extends LiveSubscription<ServiceView> implements Subscription {
  readonly service: ServiceKey;
  readonly filter: Filter;

  constructor(feed: Feed, { clock, report, listen }: FeedSubscriptionPorts) {
    super(feed.key.service, feed, { clock, report, listen: (listener) => listen(feed, listener) });
    this.service = feed.key;
    this.filter = feed.filter;
  }
}
