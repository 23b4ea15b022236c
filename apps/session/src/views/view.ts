/**
 * A view: one service seen through one filter. It is a datum of its own, with its own digest and change log, shared by
 * everybody who subscribes with that filter, so a push is framed once and the same bytes go to all of them.
 */

import {
  type Datum,
  formatDigest,
  formatVersion,
  updateFor,
  type EncodedInstance,
  type Filter,
  type Frame,
  type Held,
  type Update,
  type Version,
} from "@rollcall/core";

/** Someone to be told when the view has news. */
export interface Viewer {
  viewChanged(): void;
}

/** Frames kept at a time. Receivers of one view are at few versions; only one that makes versions up is at many. */
const FRAMES_MAX = 64;

export class View {
  readonly filter: Filter;
  readonly datum: Datum;
  readonly viewers = new Set<Viewer>();
  readonly #encode: (push: Update) => Frame;
  /** By what the receiver holds, the empty text for a snapshot; all lead to `#framesLeadTo`. */
  readonly #frames = new Map<string, Frame>();
  #framesLeadTo: Version | undefined;

  constructor(filter: Filter, datum: Datum, encode: (push: Update) => Frame) {
    this.filter = filter;
    this.datum = datum;
    this.#encode = encode;
  }

  /** The framed push that brings a receiver which holds `held` up to date. */
  frameFor(held: Held | undefined): Frame {
    if (this.#framesLeadTo !== this.datum.version) {
      this.#frames.clear();
      this.#framesLeadTo = this.datum.version;
    }
    // The digest too: a receiver that is wrong about what it holds must not spoil the push of those that are right.
    const base = held === undefined ? "" : `${formatVersion(held.version)} ${formatDigest(held.digest)}`;
    const known = this.#frames.get(base);
    if (known !== undefined) return known;
    const frame = this.#encode(updateFor(this.datum, held, this.filter));
    if (this.#frames.size === FRAMES_MAX) this.#frames.clear();
    this.#frames.set(base, frame);
    return frame;
  }

  announce(): void {
    for (const viewer of this.viewers) viewer.viewChanged();
  }
}

/** Brings a filtered datum to what `source` holds, looking only at the instances that may have changed. */
export function refilter(
  filtered: Datum,
  source: Datum,
  changedIds: Iterable<string>,
  matches: (instance: EncodedInstance) => boolean,
): void {
  for (const id of changedIds) {
    const instance = source.get(id);
    if (instance !== undefined && matches(instance)) filtered.put(instance, source.version);
    else filtered.remove(id, source.version);
  }
  filtered.adopt(source.version);
}
