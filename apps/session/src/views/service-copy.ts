/**
 * This session's copy of one service, kept true by notifications of the slot's leader, and the views of it that are in
 * use. Until the leader has answered for the first time there is nothing to show, and nothing is shown.
 *
 * A leader that is not sure yet says so: its list is not confirmed. Such a list is better than nothing and worse than any
 * that was confirmed, so it replaces only its like. Once confirmed the copy stays so, through all changes of leaders.
 */

import {
  Datum,
  NO_FILTER,
  Selection,
  UpdateParts,
  compareVersions,
  epoch,
  idsOf,
  sameDigest,
  slotOfServiceKey,
  takesAllHealthy,
  takesEverything,
  textFromFilter,
  textFromServiceKey,
  type ApplyOutcome,
  type EncodedInstance,
  type Filter,
  type Frame,
  type Held,
  type Instance,
  type ServiceKey,
  type SlotId,
  type Update,
  type Version,
} from "@rollcall/core";

import { Arrival, type ArrivalPorts } from "./arrival.ts";
import type { Telling } from "./telling.ts";
import { View, type Content, type Viewer } from "./view.ts";

export interface ServiceCopyPorts extends ArrivalPorts {
  readonly encodePush: (push: Update) => readonly Frame[];
  readonly readInstance: (instance: EncodedInstance) => Instance;
  /** Whether the encoded instance is marked unhealthy; asked of every instance that comes. */
  readonly isUnhealthy: (bytes: Uint8Array) => boolean;
}

/** As of a datum; and `unfit`: not confirmed, which is no news to a copy that is. */
export type TakeOutcome = ApplyOutcome | "unfit";

export class ServiceCopy {
  readonly key: ServiceKey;
  readonly keyText: string;
  readonly slot: SlotId;
  readonly datum: Datum;
  /** Of the notification that is coming in. */
  readonly parts = new UpdateParts();
  /** Clock time since when nobody has used it; undefined while somebody does. */
  unusedSince: number | undefined;
  /** Who wants to know when all viewers have been told. */
  readonly tellings = new Set<Telling>();
  readonly #ports: ServiceCopyPorts;
  readonly #arrival: Arrival;
  readonly #views = new Map<string, View>();
  /** Ids of those that are marked. */
  readonly #unhealthy = new Set<string>();
  #content: Content = "nothing";
  #users = 0;

  constructor(key: ServiceKey, ports: ServiceCopyPorts) {
    this.key = key;
    this.keyText = textFromServiceKey(key);
    this.slot = slotOfServiceKey(key);
    this.#ports = ports;
    this.#arrival = new Arrival(this.keyText, ports);
    this.datum = new Datum(key, NOTHING_YET);
  }

  /** What is here from the moment the leader has said what the service is; it is shown also while the leader is away. */
  get content(): Content {
    return this.#content;
  }

  /** What may be said to be held: only what was confirmed. */
  get held(): Held | undefined {
    return this.#content === "confirmed" ? this.datum.held : undefined;
  }

  use(): void {
    this.#users++;
    this.unusedSince = undefined;
  }

  release(now: number): void {
    this.#users--;
    if (this.#users === 0) this.unusedSince = now;
  }

  view(filter: Filter): View {
    const text = textFromFilter(filter);
    const known = this.#views.get(text);
    if (known !== undefined) return known;
    const ports = {
      encodePush: this.#ports.encodePush,
      content: () => this.#content,
      arrival: this.#arrival,
      now: () => this.#ports.clock.now(),
    };
    // As long as all are healthy the usual view needs no datum of its own, and nobody has to look into instances.
    const takesAll = takesEverything(filter) || (takesAllHealthy(filter) && this.#unhealthy.size === 0);
    const selection = takesAll ? undefined : this.#selectionOf(filter);
    const view = new View(filter, selection === undefined ? this.datum : this.#selected(selection), selection, ports);
    this.#views.set(text, view);
    return view;
  }

  /** Lets go of a view nobody looks at. */
  closeView(view: View): void {
    if (view.viewers.size === 0) this.#views.delete(textFromFilter(view.filter));
  }

  *viewers(): IterableIterator<Viewer> {
    for (const view of this.#views.values()) yield* view.viewers;
  }

  isViewedBy(viewer: Viewer): boolean {
    for (const view of this.#views.values()) if (view.viewers.has(viewer)) return true;
    return false;
  }

  /** The viewer has said what it holds, or is gone. */
  acknowledged(viewer: Viewer): void {
    for (const telling of this.tellings) telling.acknowledged(viewer);
  }

  apply(update: Update): TakeOutcome {
    if (!update.confirmed && this.#content === "confirmed") return "unfit";
    const before = this.datum.version;
    if (this.#unhealthy.size === 0 && this.#unhealthyIn(update).length > 0) this.#beginToSelect();
    const outcome = this.datum.apply(update);
    // The word that a list is confirmed counts also when the list itself is no news.
    const isKnown = outcome === "older" && this.#content !== "nothing" && sameDigest(update.digest, this.datum.digest);
    if (outcome === "mismatch" || (outcome === "older" && !isKnown)) return outcome;
    const content = update.confirmed ? "confirmed" : "unconfirmed";
    const isOtherContent = content !== this.#content;
    this.#content = content;
    if (outcome === "applied") this.#noteHealth(update);
    if (outcome !== "older") this.#refilter(before, outcome === "adopted" || update.baseDigest === undefined);
    if (this.#unhealthy.size === 0) this.#endSelecting();
    if (outcome === "applied") this.#arrival.came(update);
    if (outcome === "applied" || isOtherContent) for (const view of this.#views.values()) view.announce();
    for (const telling of this.tellings) telling.copyChanged();
    return outcome;
  }

  /**
   * The leader has said what the service is at its newest version. A copy that is the same is as new as that: news from
   * in between that is still on its way is none any more, and would show what has gone since.
   */
  agree({ version, digest }: Held): void {
    if (this.#content === "nothing" || !sameDigest(digest, this.datum.digest)) return;
    this.apply({ ...NO_CHANGE, key: this.key, version, digest, baseDigest: digest });
  }

  sweep(now: number): void {
    this.#arrival.sweep(now);
  }

  /** @param isSkip the update tells nothing of what came and went on the way */
  #refilter(before: Version, isSkip: boolean): void {
    // The log may not reach back to `before` after a large update, and knows nothing of a repair, which leaves the
    // version as it was; then every view is made anew from the whole.
    const isRepair = compareVersions(before, this.datum.version) === 0;
    const changedIds = isRepair ? undefined : this.datum.changedSince(before);
    for (const view of this.#views.values()) {
      if (view.selection === undefined) continue;
      const ids = changedIds ?? new Set([...idsOf(view.datum), ...idsOf(this.datum)]);
      view.selection.follow(view.datum, this.datum, ids);
      if (isSkip) view.datum.skippedFrom(before);
    }
  }

  #unhealthyIn({ instances }: Update): EncodedInstance[] {
    return instances.filter(({ bytes }) => this.#ports.isUnhealthy(bytes));
  }

  #noteHealth(update: Update): void {
    if (update.baseDigest === undefined) this.#unhealthy.clear();
    for (const id of update.removedIds) this.#unhealthy.delete(id);
    for (const { id } of update.instances) this.#unhealthy.delete(id);
    for (const { id } of this.#unhealthyIn(update)) this.#unhealthy.add(id);
  }

  /** Somebody is about to be unhealthy. The usual view goes on with a datum of its own, in which he will be missing. */
  #beginToSelect(): void {
    const view = this.#views.get(textFromFilter(NO_FILTER));
    if (view === undefined || view.selection !== undefined) return;
    const selection = this.#selectionOf(NO_FILTER);
    view.continueWith(this.#selected(selection), selection);
  }

  /** All are healthy again. */
  #endSelecting(): void {
    const view = this.#views.get(textFromFilter(NO_FILTER));
    if (view?.selection !== undefined) view.continueWith(this.datum, undefined);
  }

  #selectionOf(filter: Filter): Selection {
    return new Selection(filter, this.#ports.readInstance);
  }

  #selected(selection: Selection): Datum {
    const selected = new Datum(this.key, NOTHING_YET);
    selection.follow(selected, this.datum, idsOf(this.datum));
    // Whatever matched it before is not known.
    selected.skippedFrom(NOTHING_YET);
    return selected;
  }
}

const NO_CHANGE = { filter: NO_FILTER, instances: [], removedIds: [], confirmed: true } as const;
const NOTHING_YET: Version = { epoch: epoch(0), counter: 0 };
