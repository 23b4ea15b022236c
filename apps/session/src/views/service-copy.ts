/**
 * This session's copy of one service, kept true by notifications of the slot's leader, and the views of it that are in
 * use. Until the leader has answered for the first time there is nothing to show, and nothing is shown.
 *
 * A leader that is not sure yet says so: its list is not confirmed. Such a list is better than nothing and worse than any
 * that was confirmed, so it replaces only its like. Once confirmed the copy stays so, through all changes of leaders.
 */

import {
  Datum,
  UpdateParts,
  changeAfter,
  compareVersions,
  epoch,
  formatVersion,
  sameDigest,
  slotOfServiceKey,
  takesEverything,
  textFromFilter,
  textFromServiceKey,
  type ApplyOutcome,
  type Clock,
  type EncodedInstance,
  type Filter,
  type Frame,
  type Held,
  type Instance,
  type NewestChange,
  type ServiceKey,
  type SlotId,
  type Span,
  type Tracer,
  type Update,
  type Version,
} from "@rollcall/core";

import { Selection, idsOf } from "./selection.ts";
import { View, type Content } from "./view.ts";

export interface ServiceCopyPorts {
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly encodePush: (push: Update) => readonly Frame[];
  readonly readInstance: (instance: EncodedInstance) => Instance;
}

/** As of a datum; and `unfit`: not confirmed, which is no news to a copy that is. */
export type TakeOutcome = ApplyOutcome | "unfit";

/** How long the newest change is told with pushes, in milliseconds: their age is as of when they were framed. */
const CHANGE_TOLD_MS = 5_000;

export class ServiceCopy {
  readonly key: ServiceKey;
  readonly keyText: string;
  readonly slot: SlotId;
  readonly datum: Datum;
  /** Of the notification that is coming in. */
  readonly parts = new UpdateParts();
  /** Clock time since when nobody has used it; undefined while somebody does. */
  unusedSince: number | undefined;
  readonly #ports: ServiceCopyPorts;
  readonly #views = new Map<string, View>();
  #content: Content = "nothing";
  /** Told with pushes for some time after it came. */
  #newest: NewestChange | undefined;
  #newestCameAt = 0;
  /** From when a traced change came until it is first pushed. */
  #pushSpan: Span | undefined;
  #users = 0;

  constructor(key: ServiceKey, ports: ServiceCopyPorts) {
    this.key = key;
    this.keyText = textFromServiceKey(key);
    this.slot = slotOfServiceKey(key);
    this.#ports = ports;
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
      now: () => this.#ports.clock.now(),
      newest: () => this.#newest,
      framed: () => this.#endPushSpan(),
    };
    const selection = takesEverything(filter) ? undefined : new Selection(filter, this.#ports.readInstance);
    const view = new View(filter, selection === undefined ? this.datum : this.#selected(selection), selection, ports);
    this.#views.set(text, view);
    return view;
  }

  /** Lets go of a view nobody looks at. */
  closeView(view: View): void {
    if (view.viewers.size === 0) this.#views.delete(textFromFilter(view.filter));
  }

  apply(update: Update): TakeOutcome {
    if (!update.confirmed && this.#content === "confirmed") return "unfit";
    const before = this.datum.version;
    const outcome = this.datum.apply(update);
    // The word that a list is confirmed counts also when the list itself is no news.
    const isKnown = outcome === "older" && this.#content !== "nothing" && sameDigest(update.digest, this.datum.digest);
    if (outcome === "mismatch" || (outcome === "older" && !isKnown)) return outcome;
    const content = update.confirmed ? "confirmed" : "unconfirmed";
    const isOtherContent = content !== this.#content;
    this.#content = content;
    if (outcome !== "older") this.#refilter(before, outcome === "adopted" || update.baseDigest === undefined);
    if (outcome === "applied") this.#came(update);
    if (outcome === "applied" || isOtherContent) for (const view of this.#views.values()) view.announce();
    return outcome;
  }

  /** Pushes to those who come late are not about the change any more. */
  sweep(now: number): void {
    if (this.#newest === undefined || now - this.#newestCameAt < CHANGE_TOLD_MS) return;
    this.#newest = undefined;
    this.#endPushSpan();
  }

  #came({ origin, version }: Update): void {
    this.#endPushSpan();
    this.#newestCameAt = this.#ports.clock.now();
    if (origin === undefined) {
      this.#newest = undefined;
      return;
    }
    const { traceparent, ageUs } = origin;
    if (traceparent !== undefined)
      this.#pushSpan = this.#ports.tracer.start("rollcall.session.push", traceparent, () => ({
        "rollcall.service": this.keyText,
        "rollcall.version": formatVersion(version),
      }));
    const madeAt = this.#newestCameAt - ageUs / 1_000;
    this.#newest = changeAfter(this.#newest, version, madeAt, this.#pushSpan?.traceparent ?? traceparent);
  }

  #endPushSpan(): void {
    this.#pushSpan?.end();
    this.#pushSpan = undefined;
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

  #selected(selection: Selection): Datum {
    const selected = new Datum(this.key, NOTHING_YET);
    selection.follow(selected, this.datum, idsOf(this.datum));
    // Whatever matched it before is not known.
    selected.skippedFrom(NOTHING_YET);
    return selected;
  }
}

const NOTHING_YET: Version = { epoch: epoch(0), counter: 0 };
