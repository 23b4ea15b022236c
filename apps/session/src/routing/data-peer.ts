/**
 * What this session has to say to one data node, gathered from the mechanisms that have something to say: writes,
 * reports of slots, interests, receipts, queries. It goes out in frames as soon as the input at hand has been handled,
 * and not while the link is congested.
 */

import {
  oncePerTurn,
  type Clock,
  type LinkRequest,
  type LinkResponse,
  type NotifyReceipt,
  type ServicesQuery,
} from "@rollcall/core";

import type { Interests } from "../views/interests.ts";
import type { Handover } from "./handover.ts";
import type { ServiceDirectory } from "./service-directory.ts";
import type { Writer } from "./writer.ts";

/** The link to a data node, as the driver of the transport gives it. */
export interface DataNodeLink {
  readonly isOpen: boolean;
  readonly isCongested: boolean;
  send(request: Partial<LinkRequest>): void;
}

export interface Upstream {
  readonly writer: Writer;
  readonly handover: Handover;
  readonly interests: Interests;
  readonly directory: ServiceDirectory;
}

export class DataPeer {
  readonly nodeId: string;
  /** Something may be waiting for this node. Without a link it waits for `linked`. */
  readonly wake: () => void;
  readonly #clock: Clock;
  readonly #upstream: Upstream;
  readonly #link: DataNodeLink;
  #receipts: NotifyReceipt[] = [];
  #queries: ServicesQuery[] = [];

  constructor(nodeId: string, clock: Clock, upstream: Upstream, link: DataNodeLink) {
    this.nodeId = nodeId;
    this.#clock = clock;
    this.#upstream = upstream;
    this.#link = link;
    this.wake = oncePerTurn(clock, () => this.#flush());
  }

  query(query: ServicesQuery): void {
    this.#queries.push(query);
    this.wake();
  }

  /** A new link, on which the node knows nothing of us yet. */
  linked(): void {
    this.#receipts = [];
    this.#upstream.interests.linked(this.nodeId);
    this.#upstream.handover.linked(this.nodeId);
    this.wake();
  }

  lost(): void {
    this.#queries = [];
    this.#upstream.writer.lost(this.nodeId);
    this.#upstream.directory.lost(this.nodeId);
  }

  receive(response: LinkResponse): void {
    for (const result of response.results) this.#upstream.writer.settle(result);
    for (const report of response.reported) this.#upstream.handover.confirmed(report);
    for (const notification of response.notifications) {
      const receipt = this.#upstream.interests.notified(this.nodeId, notification);
      if (receipt !== undefined) this.#receipts.push(receipt);
    }
    for (const answer of response.answers) this.#upstream.directory.answered(this.nodeId, answer);
    if (this.#receipts.length > 0) this.wake();
  }

  #flush(): void {
    const { writer, handover, interests } = this.#upstream;
    while (this.#link.isOpen && !this.#link.isCongested) {
      const request = {
        writes: writer.take(this.nodeId),
        reports: handover.takeReports(this.nodeId, this.#clock.now()),
        interests: interests.takeInterests(this.nodeId),
        uninterests: interests.takeUninterests(this.nodeId),
        receipts: this.#receipts,
        queries: this.#queries,
      };
      if (Object.values(request).every((list) => list.length === 0)) return;
      this.#receipts = [];
      this.#queries = [];
      this.#link.send(request);
    }
  }
}
