/** One subscription to a list of services on the wire: the copy that pushes are applied to, and the view of it. */

import {
  UpdateParts,
  emptyServiceList,
  epoch,
  sameDigest,
  serviceKeyFromText,
  textFromPattern,
  updateFromChange,
  type Datum,
  type Digest,
  type Held,
  type RegistryError,
  type ServiceKey,
  type ServicePattern,
  type ServicesPush,
  type Version,
} from "@rollcall/core";

import type { ViewListener, ViewSource } from "./live-subscription.ts";

/** The services that match a pattern at one moment. Frozen, and a new object for each change. */
export interface ServiceList {
  readonly pattern: ServicePattern;
  /** Those with at least one instance, sorted by group and name. */
  readonly services: readonly ServiceKey[];
}

/** Older than every version there is. */
const BEFORE_ANY: Version = { epoch: epoch(0), counter: 0 };

export class ServiceListFeed implements ViewSource<ServiceList> {
  readonly pattern: ServicePattern;
  /** Identity among the lists of a client. */
  readonly text: string;
  readonly listeners = new Set<ViewListener<ServiceList>>();
  readonly #parts = new UpdateParts();
  #datum: Datum;
  #shown: { readonly digest: Digest; readonly view: ServiceList } | undefined;
  #changes = 0;

  constructor(pattern: ServicePattern) {
    this.pattern = pattern;
    this.text = textFromPattern(pattern);
    this.#datum = emptyServiceList(pattern.namespace, BEFORE_ANY);
  }

  get view(): ServiceList | undefined {
    return this.#shown?.view;
  }

  get changes(): number {
    return this.#changes;
  }

  /** What a receipt says is held. */
  get held(): Held {
    return this.#datum.held;
  }

  /** What a new connection may be told that is held, to be spared a push of it. */
  get heldDigest(): Digest | undefined {
    return this.#shown?.digest;
  }

  /** Each server counts versions for itself: the next push is taken whatever its version. */
  forgetVersions(): void {
    const before = this.#datum;
    this.#datum = emptyServiceList(this.pattern.namespace, BEFORE_ANY);
    for (const member of before.instances()) this.#datum.put(member, BEFORE_ANY);
  }

  /** Brings the copy to what the push says, once that is whole. `mismatch`: a delta of what is not held here. */
  take({ pattern, ...change }: ServicesPush): "changed" | "unchanged" | "mismatch" | "incomplete" {
    const update = this.#parts.take(updateFromChange(pattern.namespace, change));
    if (update === undefined) return "incomplete";
    const outcome = this.#datum.apply(update);
    if (outcome === "mismatch") return "mismatch";
    const { digest } = this.#datum;
    if (this.#shown !== undefined && sameDigest(this.#shown.digest, digest)) return "unchanged";
    const ids = [...this.#datum.instances()].map(({ id }) => id).toSorted();
    const services = Object.freeze(ids.map((id) => Object.freeze(serviceKeyFromText(id))));
    this.#shown = { digest, view: Object.freeze({ pattern: this.pattern, services }) };
    this.#changes++;
    return "changed";
  }

  tellChanged(): void {
    for (const listener of Array.from(this.listeners)) {
      // One listener may have ended another.
      if (this.#shown !== undefined && this.listeners.has(listener)) listener.changed(this.#shown.view);
    }
  }

  tellEnded(error: RegistryError): void {
    for (const listener of Array.from(this.listeners)) listener.ended(error);
    this.listeners.clear();
  }
}
