/**
 * One subscription on the wire: the copy of the datum that updates are applied to, and the view that is shown of it.
 * They are two things, because not all that is held is shown: an update may bring nothing new to a user, or an empty
 * list that nobody vouches for (D12).
 *
 * A list that the slot's leader does not vouch for is better than none and worse than any that was confirmed: it never
 * takes the place of one that was, neither as what is held nor as what is shown.
 */

import {
  Datum,
  EMPTY_DIGEST,
  UpdateParts,
  epoch,
  sameDigest,
  type ChangeOrigin,
  type Digest,
  type Filter,
  type Held,
  type RegistryError,
  type ServiceKey,
  type Update,
  type Version,
} from "@rollcall/core";

import type { FoundCopy, Keepable } from "./kept/keeper.ts";
import type { ViewListener, ViewSource } from "./live-subscription.ts";
import { DecodedInstances, serviceView, type KeptOrigin, type ServiceView } from "./service-view.ts";

/** One who watches a feed. */
export type FeedListener = ViewListener<ServiceView>;

/**
 * `changed`: there is a new view. `unchanged`: nothing that a user would notice. `mismatch`: a delta of content that is
 * not held here. `heldBack`: an empty list that nobody vouches for. `unfit`: a list that nobody vouches for, though a
 * confirmed one is held, of which the server does not know.
 */
export type FeedOutcome = "changed" | "unchanged" | "mismatch" | "heldBack" | "unfit";

/** Older than every version there is, so that any update is newer. */
const BEFORE_ANY: Version = { epoch: epoch(0), counter: -1 };

const NOTHING_HELD: Held = { version: { epoch: epoch(0), counter: 0 }, digest: EMPTY_DIGEST };

export class Feed implements ViewSource<ServiceView>, Keepable {
  readonly key: ServiceKey;
  readonly filter: Filter;
  /** Identity among the feeds of a client. */
  readonly text: string;
  /** Of the push that is coming in. */
  readonly parts = new UpdateParts();
  readonly #instances: DecodedInstances;
  readonly #listeners = new Set<FeedListener>();
  #datum: Datum;
  /** What the datum is: nothing yet, a list nobody vouches for, or one that somebody has vouched for, in this life. */
  #content: "nothing" | "kept" | "unconfirmed" | "confirmed" = "nothing";
  #clusterId: string | undefined;
  /** Of what a former life has kept. */
  #origin: KeptOrigin | undefined;
  #shown: { readonly digest: Digest; readonly view: ServiceView } | undefined;
  #changes = 0;

  constructor(key: ServiceKey, filter: Filter, text: string, undecodable: (id: string, error: unknown) => void) {
    this.key = key;
    this.filter = filter;
    this.text = text;
    this.#instances = new DecodedInstances(undecodable);
    this.#datum = new Datum(key, BEFORE_ANY);
  }

  get view(): ServiceView | undefined {
    return this.#shown?.view;
  }

  /** How many views there have been. */
  get changes(): number {
    return this.#changes;
  }

  /** What a new connection may be told that is held, to be spared a push of it: only what was confirmed. */
  get held(): Held | undefined {
    return this.#content === "confirmed" || this.#content === "kept" ? this.#datum.held : undefined;
  }

  get confirmedSnapshot(): Update | undefined {
    return this.#content === "confirmed" ? this.#datum.snapshot(this.filter, true) : undefined;
  }

  /** What a receipt says is held. */
  get heldForReceipt(): Held {
    return this.#content === "nothing" ? NOTHING_HELD : this.#datum.held;
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  /**
   * Holds what a former life has kept, until the registry says anything. It is shown by {@link showKept}. False when it
   * is of no use.
   */
  restore({ update, hello, place, ageMs }: FoundCopy): boolean {
    if (this.#datum.apply(update) !== "applied") return false;
    this.#content = "kept";
    this.#origin = { place, ageMs };
    this.#clusterId = hello.clusterId;
    return true;
  }

  /** Shows what a former life has kept, unless there is better. True when there is a new view. */
  showKept(): boolean {
    return this.#content === "kept" && this.#shown === undefined && this.#show();
  }

  /** Brings the copy to what `update` of a cluster says, and the view with it. */
  take(update: Update, clusterId: string): FeedOutcome {
    if (this.#isUnvouchedEmpty(update)) return "heldBack";
    if (!update.confirmed && this.#content === "confirmed") return "unfit";
    const outcome = this.#datum.apply(update);
    if (outcome === "mismatch") return "mismatch";
    // The word that a list is confirmed counts also when the list itself is no news.
    const isKnown = this.#content !== "nothing" && sameDigest(update.digest, this.#datum.digest);
    if (outcome === "older" && !isKnown) return "unchanged";
    this.#content = update.confirmed ? "confirmed" : "unconfirmed";
    this.#clusterId = clusterId;
    return this.#show(update.origin) ? "changed" : "unchanged";
  }

  /** An empty list that is not confirmed may only mean that the registry is sick: it never becomes what is shown. */
  #isUnvouchedEmpty(update: Update): boolean {
    const showsEmpty = this.#shown !== undefined && sameDigest(this.#shown.digest, EMPTY_DIGEST);
    return !update.confirmed && sameDigest(update.digest, EMPTY_DIGEST) && !showsEmpty;
  }

  /** Nobody is called for the word that what is shown is confirmed: the next who looks finds it there. */
  #show(origin?: ChangeOrigin): boolean {
    const confirmed = this.#content === "confirmed";
    // What is shown may be of another cluster, and stays until this one is sure of its own.
    if (!confirmed && this.#shown?.view.confirmed === true) return false;
    const { digest, version } = this.#datum;
    const isChange = this.#shown === undefined || !sameDigest(this.#shown.digest, digest);
    const instances = isChange ? this.#instances.follow(this.#datum) : this.#shown!.view.instances;
    const kept = this.#content === "kept" ? this.#origin : undefined;
    const ageMs = isChange ? origin && origin.ageUs / 1_000 : this.#shown!.view.ageMs;
    this.#shown = { digest, view: serviceView({ service: this.key, instances, version, confirmed, kept, ageMs }) };
    if (isChange) this.#changes++;
    return isChange;
  }

  /** Nobody has vouched for too long for what is shown: it stays, and says so. */
  doubt(): void {
    if (this.#shown === undefined) return;
    this.#shown = { ...this.#shown, view: serviceView({ ...this.#shown.view, confirmed: false }) };
  }

  /**
   * Another cluster counts versions anew: the next push is taken whatever its version. What is shown stays. True when what
   * is held was of another one.
   */
  belongsTo(clusterId: string): boolean {
    if (this.#content === "nothing" || this.#clusterId === clusterId) return false;
    this.#datum = new Datum(this.key, BEFORE_ANY);
    this.#content = "nothing";
    return true;
  }

  /** @returns what ends the listening */
  listen(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  tellChanged(): void {
    for (const listener of Array.from(this.#listeners)) {
      // One listener may have ended another.
      if (this.#shown !== undefined && this.#listeners.has(listener)) listener.changed(this.#shown.view);
    }
  }

  tellEnded(error: RegistryError): void {
    for (const listener of Array.from(this.#listeners)) listener.ended(error);
    this.#listeners.clear();
  }
}
