/**
 * How far one node has come with the control records, on one link. Each of its messages says it anew, so that whatever
 * was lost is sent again; between two messages a change is sent once.
 */

import type { ControlsPart, JoinRequest, NodeRole } from "@rollcall/core";

import type { ControlNews } from "./control-news.ts";

export class ControlsCourse {
  readonly #news: ControlNews;
  readonly #clusterId: string;
  /** Through which version it has come, as it has said; undefined for a node that asks for none. */
  #heard: number | undefined;
  /** Through which version it will have come when all arrives that was sent since. */
  #sent = 0;
  /** At which version it began to be told the complete list, of which it has a part. */
  #began: number | undefined;

  constructor(news: ControlNews, clusterId: string) {
    this.#news = news;
    this.#clusterId = clusterId;
  }

  heard({ controlsVersion, controlsReceived }: Pick<JoinRequest, "controlsVersion" | "controlsReceived">): void {
    this.#heard = controlsVersion === undefined ? undefined : controlsReceived || controlsVersion;
    if (controlsReceived === 0) this.#began = undefined;
    this.#sent = this.#heard ?? 0;
  }

  /**
   * What it is to be told next, if anything.
   * @param surely also what it may have been sent already: what goes with it is of no use without
   */
  next(role: NodeRole, surely: boolean): ControlsPart | undefined {
    if (this.#heard === undefined) return undefined;
    const part = this.#news.partAfter(surely ? this.#heard : this.#sent, role, this.#began);
    if (part === undefined) return undefined;
    if (part.complete && part.base === 0) this.#began = part.version;
    this.#sent = part.through;
    return { ...part, clusterId: this.#clusterId };
  }
}
