/** What the simulated network carried, kept in a ring: the story of a failing seed, and the matter of transcripts. */

import type { ErrorValue } from "@rollcall/core";

/** `request` runs from the side that dialled, `response` towards it. */
export type Direction = "request" | "response";

/** What became of a frame: everything but `delivered`, `duplicated` and `held` means that it was never seen. */
export type FrameFate =
  | "delivered"
  /** Delivered a second time by a fault. */
  | "duplicated"
  /** Arrived at a partition or at a receiver that does not read; a later entry tells what became of it. */
  | "held"
  /** Taken by the fault of that name. */
  | "lost"
  /** The link was over when it was sent or when it arrived. */
  | "vanished";

/** How a link began or ended, as seen by `from`. */
export type LinkEvent = "dialled" | "accepted" | "refused" | "closed";

interface TraceBase {
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly method: string;
  readonly direction: Direction;
}

export type TraceEntry =
  | (TraceBase & { readonly kind: "frame"; readonly message: Uint8Array; readonly fate: FrameFate })
  | (TraceBase & { readonly kind: "link"; readonly event: LinkEvent; readonly error: ErrorValue | undefined });

export class TraceRing {
  readonly #entriesMax: number;
  #entries: TraceEntry[] = [];
  #oldest = 0;

  /** Keeps the last `entriesMax` entries; with 0 it keeps none. */
  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get keeps(): boolean {
    return this.#entriesMax > 0;
  }

  add(entry: TraceEntry): void {
    if (this.#entries.length < this.#entriesMax) {
      this.#entries.push(entry);
    } else if (this.keeps) {
      this.#entries[this.#oldest] = entry;
      this.#oldest = (this.#oldest + 1) % this.#entriesMax;
    }
  }

  /** Oldest first. */
  entries(): TraceEntry[] {
    return [...this.#entries.slice(this.#oldest), ...this.#entries.slice(0, this.#oldest)];
  }

  clear(): void {
    this.#entries = [];
    this.#oldest = 0;
  }
}
