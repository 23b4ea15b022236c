/**
 * This session's copy of one service, kept true by notifications of the slot's leader, and the views of it that are in
 * use. Until the leader has answered for the first time there is nothing to show, and nothing is shown.
 */

import {
  Datum,
  epoch,
  slotOfServiceKey,
  takesEverything,
  textFromFilter,
  textFromServiceKey,
  type ApplyOutcome,
  type EncodedInstance,
  type Filter,
  type Frame,
  type Held,
  type ServiceKey,
  type SlotId,
  type Update,
} from "@rollcall/core";

import { View, refilter } from "./view.ts";

export interface ServiceCopyPorts {
  readonly encodePush: (push: Update) => Frame;
  readonly matches: (filter: Filter, instance: EncodedInstance) => boolean;
}

export class ServiceCopy {
  readonly key: ServiceKey;
  readonly keyText: string;
  readonly slot: SlotId;
  readonly datum: Datum;
  /** Clock time since when nobody has used it; undefined while somebody does. */
  unusedSince: number | undefined;
  readonly #ports: ServiceCopyPorts;
  readonly #views = new Map<string, View>();
  readonly #waiting = new Set<() => void>();
  #loaded = false;
  #users = 0;

  constructor(key: ServiceKey, ports: ServiceCopyPorts) {
    this.key = key;
    this.keyText = textFromServiceKey(key);
    this.slot = slotOfServiceKey(key);
    this.#ports = ports;
    this.datum = new Datum(key, { epoch: epoch(0), counter: 0 });
  }

  /** True once the leader has said what the service is; from then on it may be shown, also while the leader is away. */
  get isLoaded(): boolean {
    return this.#loaded;
  }

  /** Calls back once it is loaded, at once if it is. Gives back what gives that up. */
  whenLoaded(loaded: () => void): () => void {
    if (this.#loaded) loaded();
    else this.#waiting.add(loaded);
    return () => this.#waiting.delete(loaded);
  }

  get held(): Held | undefined {
    return this.#loaded ? this.datum.held : undefined;
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
    const view = new View(
      filter,
      takesEverything(filter) ? this.datum : this.#filtered(filter),
      this.#ports.encodePush,
    );
    this.#views.set(text, view);
    return view;
  }

  /** Lets go of a view nobody looks at. */
  closeView(view: View): void {
    if (view.viewers.size === 0) this.#views.delete(textFromFilter(view.filter));
  }

  apply(update: Update): ApplyOutcome {
    const before = this.datum.version;
    const outcome = this.datum.apply(update);
    if (outcome === "mismatch" || outcome === "older") return outcome;
    const first = !this.#loaded;
    this.#loaded = true;
    // The log may not reach back to `before` after a large update; then every view is made anew from the whole.
    const changedIds = this.datum.changedSince(before);
    for (const view of this.#views.values()) {
      if (view.datum !== this.datum) {
        const ids = changedIds ?? new Set([...idsOf(view.datum), ...idsOf(this.datum)]);
        refilter(view.datum, this.datum, ids, (instance) => this.#ports.matches(view.filter, instance));
      }
      if (outcome === "applied" || first) view.announce();
    }
    for (const loaded of this.#waiting) loaded();
    this.#waiting.clear();
    return outcome;
  }

  #filtered(filter: Filter): Datum {
    const filtered = new Datum(this.key, { epoch: epoch(0), counter: 0 });
    refilter(filtered, this.datum, idsOf(this.datum), (instance) => this.#ports.matches(filter, instance));
    return filtered;
  }
}

function* idsOf(datum: Datum): IterableIterator<string> {
  for (const { id } of datum.instances()) yield id;
}
