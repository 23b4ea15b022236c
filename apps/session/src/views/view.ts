/**
 * A view: one service seen through one filter. It is a datum of its own, with its own digest and change log, shared by
 * everybody who subscribes with that filter, so a push is framed once and the same bytes go to all of them.
 */

import {
  type Datum,
  type Shown,
  assert,
  formatDigest,
  formatVersion,
  originOf,
  sameDigest,
  updateFor,
  type Filter,
  type Frame,
  type Held,
  type NewestChange,
  type Selection,
  type Update,
  type Version,
} from "@rollcall/core";

import type { Arrival } from "./arrival.ts";

/** What this session has of a service: nothing, a list nobody vouches for yet, or one that the slot's leader does. */
export type Content = "nothing" | "unconfirmed" | "confirmed";

/** Someone to be told when the view has news. */
export interface Viewer {
  viewChanged(): void;
  /** Whether it is known to have the view as it was at `version` or later. */
  hasBeenTold(version: Version): boolean;
}

/** A view that somebody looks at; it is kept until it is released. */
export interface UsedView {
  readonly view: View;
  /** The viewer has acknowledged a push, or gone. */
  acknowledged(viewer: Viewer): void;
  release(): void;
}

/** Framed pushes kept at a time. Receivers of one view are at few versions; only one that makes versions up is at many. */
const FRAMES_MAX = 64;

export interface ViewPorts {
  readonly encodePush: (push: Update) => readonly Frame[];
  /** Of the service that is viewed. */
  readonly content: () => Content;
  readonly now: () => number;
  /** Of the newest change of the service; undefined where nobody asks how old a change is. */
  readonly arrival: Arrival | undefined;
}

export class View {
  readonly filter: Filter;
  readonly viewers = new Set<Viewer>();
  readonly #ports: ViewPorts;
  #datum: Datum;
  #selection: Selection | undefined;
  /** By what the receiver holds, the empty text for a snapshot; all lead to `#framesLeadTo`. */
  readonly #frames = new Map<string, readonly Frame[]>();
  /** The frames that were asked for last: most receivers hold the same, and by one object. */
  #usedLast: { readonly held: Held | undefined; readonly frames: readonly Frame[] } | undefined;
  #framesLeadTo:
    | { readonly version: Version; readonly confirmed: boolean; readonly newest: NewestChange | undefined }
    | undefined;

  constructor(filter: Filter, datum: Datum, selection: Selection | undefined, ports: ViewPorts) {
    this.filter = filter;
    this.#datum = datum;
    this.#selection = selection;
    this.#ports = ports;
  }

  get datum(): Datum {
    return this.#datum;
  }

  /** What keeps the datum to what the filter takes; undefined when that is the whole service. */
  get selection(): Selection | undefined {
    return this.#selection;
  }

  /** Goes on with another datum of the same content at the same version. */
  continueWith(datum: Datum, selection: Selection | undefined): void {
    assert(sameDigest(datum.digest, this.#datum.digest), "a view goes on with the content it has");
    this.#datum = datum;
    this.#selection = selection;
  }

  /**
   * What may be shown. An empty list that nobody vouches for may only mean that the registry is not well, so it is
   * nothing to show.
   */
  get shown(): Shown | undefined {
    const content = this.#ports.content();
    const confirmed = content === "confirmed";
    const isFit = confirmed || (content === "unconfirmed" && this.datum.size > 0);
    return isFit ? { datum: this.datum, confirmed } : undefined;
  }

  /** The framed push, in its parts, that brings a receiver which holds `held` up to date. */
  framesFor(held: Held | undefined): readonly Frame[] {
    const { version } = this.datum;
    const confirmed = this.#ports.content() === "confirmed";
    const newest = this.#ports.arrival?.newest;
    const leadTo = this.#framesLeadTo;
    // Every change of the content brings another object for the version, also when the number stays.
    if (leadTo?.version !== version || leadTo.confirmed !== confirmed || leadTo.newest !== newest) {
      this.#frames.clear();
      this.#usedLast = undefined;
      this.#framesLeadTo = { version, confirmed, newest };
    }
    if (this.#usedLast === undefined || this.#usedLast.held !== held)
      this.#usedLast = { held, frames: this.#framesByWords(held, confirmed, newest) };
    return this.#usedLast.frames;
  }

  #framesByWords(held: Held | undefined, confirmed: boolean, newest: NewestChange | undefined): readonly Frame[] {
    // The digest too: a receiver that is wrong about what it holds must not spoil the push of those that are right.
    const base = held === undefined ? "" : `${formatVersion(held.version)} ${formatDigest(held.digest)}`;
    const known = this.#frames.get(base);
    if (known !== undefined) return known;
    const origin = originOf(newest, held, this.#ports.now(), 0);
    if (origin !== undefined) this.#ports.arrival?.pushed();
    const frames = this.#ports.encodePush({ ...updateFor(this.datum, held, this.filter, confirmed), origin });
    if (this.#frames.size === FRAMES_MAX) this.#frames.clear();
    this.#frames.set(base, frames);
    return frames;
  }

  announce(): void {
    for (const viewer of this.viewers) viewer.viewChanged();
  }
}
