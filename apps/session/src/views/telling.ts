/**
 * Finds out when all who subscribe to a service here have been told of a change: first this session's copy must be as new
 * as the leader said, then every subscriber must have acknowledged that, or be gone. Those who come meanwhile are served
 * from the copy, so they are not waited for. A subscriber whose view the change does not concern has been told all along.
 */

import { compareVersions, type Held } from "@rollcall/core";

import type { ServiceCopy } from "./service-copy.ts";
import type { Viewer } from "./view.ts";

export class Telling {
  readonly #copy: ServiceCopy;
  readonly #held: Held;
  readonly #done: () => void;
  /** Those who have not been told; undefined while the copy itself is not as new as that. */
  #behind: Set<Viewer> | undefined;

  /**
   * @param held what the service is at the leader
   * @param done called when the last subscriber has been told, unless all have been at a look before
   */
  constructor(copy: ServiceCopy, held: Held, done: () => void) {
    this.#copy = copy;
    this.#held = held;
    this.#done = done;
    this.look();
  }

  /** How many have not been told. An old copy counts as one that was not: it may be shown to somebody new. */
  get behind(): number {
    return this.#behind?.size ?? Math.max(1, [...this.#copy.viewers()].length);
  }

  /** Looks at all of them anew. */
  look(): void {
    const { datum, content } = this.#copy;
    const isAsNew = content !== "nothing" && compareVersions(datum.version, this.#held.version) >= 0;
    this.#behind = isAsNew ? new Set([...this.#copy.viewers()].filter((viewer) => !this.#isTold(viewer))) : undefined;
  }

  copyChanged(): void {
    if (this.#behind !== undefined) return;
    this.look();
    if (this.behind === 0) this.#done();
  }

  /** The viewer has said what it holds, or is gone. */
  acknowledged(viewer: Viewer): void {
    if (this.#behind?.has(viewer) !== true || !this.#isTold(viewer)) return;
    this.#behind.delete(viewer);
    if (this.#behind.size === 0) this.#done();
  }

  #isTold(viewer: Viewer): boolean {
    return !this.#copy.isViewedBy(viewer) || viewer.hasBeenTold(this.#held.version);
  }
}
