/**
 * What this session has to say to one data node, gathered from the mechanisms that have something to say: writes,
 * reports of slots and what follows from them, interests, receipts, queries, comparisons. It goes out in frames as soon
 * as the input at hand has been handled, and not while the link is congested.
 */

import {
  oncePerTurn,
  saysMore,
  type Clock,
  type LinkRequest,
  type LinkResponse,
  type NotifyReceipt,
  type ServicesNotifyReceipt,
  type ServicesQuery,
} from "@rollcall/core";

import type { ServiceLists } from "../lists/service-lists.ts";
import type { Interests } from "../views/interests.ts";
import type { Tellings } from "../views/tellings.ts";
import type { AntiEntropy } from "./anti-entropy.ts";
import type { Barriers } from "./barriers.ts";
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
  readonly antiEntropy: AntiEntropy;
  readonly interests: Interests;
  readonly lists: ServiceLists;
  readonly directory: ServiceDirectory;
  readonly barriers: Barriers;
  readonly tellings: Tellings;
}

export class DataPeer {
  readonly nodeId: string;
  /** Something may be waiting for this node. Without a link it waits for `linked`. */
  readonly wake: () => void;
  readonly #upstream: Upstream;
  readonly #link: DataNodeLink;
  #receipts: NotifyReceipt[] = [];
  #servicesReceipts: ServicesNotifyReceipt[] = [];
  #queries: ServicesQuery[] = [];

  constructor(nodeId: string, clock: Clock, upstream: Upstream, link: DataNodeLink) {
    this.nodeId = nodeId;
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
    this.#servicesReceipts = [];
    this.#upstream.lists.linked(this.nodeId);
    this.#upstream.interests.linked(this.nodeId);
    this.#upstream.handover.linked(this.nodeId);
    this.#upstream.antiEntropy.linked(this.nodeId);
    this.#upstream.barriers.linked(this.nodeId);
    this.wake();
  }

  lost(): void {
    this.#queries = [];
    this.#upstream.writer.lost(this.nodeId);
    this.#upstream.antiEntropy.lost(this.nodeId);
    this.#upstream.directory.lost(this.nodeId);
    this.#upstream.lists.lost(this.nodeId);
    this.#upstream.tellings.lost(this.nodeId);
  }

  receive(response: LinkResponse): void {
    const { writer, handover, antiEntropy, interests, lists, directory, barriers, tellings } = this.#upstream;
    for (const result of response.results) writer.settle(result);
    for (const report of response.reported) handover.reported(report);
    for (const slot of response.disagreed) handover.disagreed(slot);
    for (const difference of response.differences) handover.differs(difference);
    if (response.reportAll) handover.reportAll(this.nodeId);
    for (const notification of response.notifications) {
      const receipt = interests.notified(this.nodeId, notification);
      if (receipt !== undefined) this.#receipts.push(receipt);
    }
    if (response.copies !== undefined) antiEntropy.compareCopies(this.nodeId, response.copies);
    if (response.askAgain.length > 0) antiEntropy.askAgain(this.nodeId, response.askAgain);
    for (const answer of response.answers) directory.answered(this.nodeId, answer);
    for (const question of response.toldQuestions) tellings.ask(this.nodeId, question);
    for (const answer of response.barriers) barriers.answered(this.nodeId, answer);
    for (const notification of response.servicesNotifications) {
      const receipt = lists.notified(this.nodeId, notification);
      if (receipt !== undefined) this.#servicesReceipts.push(receipt);
    }
    for (const digest of response.servicesDigests) lists.compare(this.nodeId, digest);
    if (this.#receipts.length + this.#servicesReceipts.length > 0) this.wake();
  }

  #flush(): void {
    while (this.#link.isOpen && !this.#link.isCongested) {
      const request = this.#takeRequest();
      if (!saysMore(request)) return;
      this.#link.send(request);
    }
  }

  /** The writes first: what the other parts say, they say of a node that has these. */
  #takeRequest(): Partial<LinkRequest> {
    const { nodeId } = this;
    const { writer, handover, antiEntropy, interests, lists, barriers, tellings } = this.#upstream;
    const [receipts, servicesReceipts, queries] = [this.#receipts, this.#servicesReceipts, this.#queries];
    this.#receipts = [];
    this.#servicesReceipts = [];
    this.#queries = [];
    return {
      writes: writer.take(nodeId),
      reports: handover.takeReports(nodeId),
      inventories: handover.takeInventories(nodeId),
      holdings: handover.takeHoldings(nodeId, writer.lastSequence),
      interests: interests.takeInterests(nodeId, (slot) => handover.holdsBack(slot)),
      uninterests: interests.takeUninterests(nodeId),
      receipts,
      queries,
      servicesInterests: lists.takeInterests(nodeId),
      servicesUninterests: lists.takeUninterests(nodeId),
      servicesReceipts,
      registrations: antiEntropy.takeRegistrations(nodeId),
      copies: antiEntropy.takeCopies(nodeId),
      barriers: barriers.take(nodeId, (slot) => handover.isOpen(slot)),
      told: tellings.takeAnswers(nodeId),
    };
  }
}
