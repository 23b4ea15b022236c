/**
 * The lists of services that this session has subscribers for. Every data node is told of the interest in a namespace and
 * tells what it has of it. A list is kept for a while after its last subscriber has gone, so that one who comes back is
 * answered from memory.
 */

import {
  sameDigest,
  type Clock,
  type ServicePattern,
  type ServicesDigest,
  type ServicesInterest,
  type ServicesNotification,
  type ServicesNotifyReceipt,
} from "@rollcall/core";

import type { UsedView } from "../views/view.ts";
import { NamespaceList, type EncodeServicesPush } from "./namespace-list.ts";
import { ToldServices } from "./told-services.ts";

/** How long an unused list is kept, in milliseconds. */
const LINGER_MS = 30_000;

/** With more lists than this, those that nobody uses go at once. */
const KEPT_MAX = 256;

interface Followed {
  readonly list: NamespaceList;
  /** By node id of those that are linked. */
  readonly told: Map<string, ToldServices>;
  users: number;
  /** Clock time since when nobody has used it. */
  unusedSince: number;
}

export class ServiceLists {
  readonly #clock: Clock;
  readonly #encodePush: EncodeServicesPush;
  readonly #wake: (nodeId: string) => void;
  readonly #followed = new Map<string, Followed>();
  readonly #linked = new Set<string>();
  #givenUp: { readonly nodeId: string; readonly namespace: string }[] = [];
  #repairs = 0;

  constructor(clock: Clock, encodePush: EncodeServicesPush, wake: (nodeId: string) => void) {
    this.#clock = clock;
    this.#encodePush = encodePush;
    this.#wake = wake;
  }

  get size(): number {
    return this.#followed.size;
  }

  /** Times a list was not what its source had notified. */
  get repairs(): number {
    return this.#repairs;
  }

  /** A view of the list of a namespace, with the list in use until the view is released. */
  useView(pattern: ServicePattern): UsedView {
    const { namespace } = pattern;
    const followed = this.#followed.get(namespace) ?? this.#follow(namespace);
    followed.users++;
    const view = followed.list.view(pattern);
    const release = (): void => {
      followed.list.closeView(pattern, view);
      followed.users--;
      followed.unusedSince = this.#clock.now();
    };
    // Nobody waits until all have been told of a list.
    return { view, acknowledged: () => {}, release };
  }

  #follow(namespace: string): Followed {
    // Whoever asks for one namespace after the other must not fill the memory.
    if (this.#followed.size >= KEPT_MAX) this.#dropUnused(Infinity);
    const list = new NamespaceList(namespace, this.#encodePush);
    const followed: Followed = { list, told: new Map(), users: 0, unusedSince: 0 };
    this.#followed.set(namespace, followed);
    for (const nodeId of this.#linked) this.#ask(nodeId, namespace, followed);
    return followed;
  }

  #dropUnused(now: number): void {
    for (const [namespace, { told, users, unusedSince }] of this.#followed) {
      if (users > 0 || now - unusedSince < LINGER_MS) continue;
      this.#followed.delete(namespace);
      for (const nodeId of told.keys()) this.#giveUp(nodeId, namespace);
    }
  }

  /** A data node's memory of our interests ended with the link to it. */
  linked(nodeId: string): void {
    this.#linked.add(nodeId);
    for (const [namespace, followed] of this.#followed) this.#ask(nodeId, namespace, followed);
  }

  /** What it had told stays in the lists. */
  lost(nodeId: string): void {
    this.#linked.delete(nodeId);
    this.#givenUp = this.#givenUp.filter((gone) => gone.nodeId !== nodeId);
    for (const { told } of this.#followed.values()) told.delete(nodeId);
  }

  takeInterests(nodeId: string): ServicesInterest[] {
    const interests: ServicesInterest[] = [];
    for (const [namespace, { told }] of this.#followed) {
      const ofNode = told.get(nodeId);
      if (ofNode?.isOpen !== true) continue;
      ofNode.asked(this.#clock.now());
      interests.push({ namespace, held: ofNode.held });
    }
    return interests;
  }

  takeUninterests(nodeId: string): string[] {
    const isOf = (gone: { readonly nodeId: string }): boolean => gone.nodeId === nodeId;
    const namespaces = this.#givenUp.filter(isOf).map(({ namespace }) => namespace);
    this.#givenUp = this.#givenUp.filter((gone) => !isOf(gone));
    return namespaces.filter((namespace) => !this.#followed.has(namespace));
  }

  /** Takes in what a data node tells, and gives the receipt for it; undefined when nobody is interested. */
  notified(nodeId: string, notification: ServicesNotification): ServicesNotifyReceipt | undefined {
    const followed = this.#followed.get(notification.namespace);
    const ofNode = followed?.told.get(nodeId);
    if (followed === undefined || ofNode === undefined) {
      this.#giveUp(nodeId, notification.namespace);
      return undefined;
    }
    return ofNode.notified(notification, (update) => followed.list.take(ofNode.told, update));
  }

  /** A data node says what it has notified us of. */
  compare(nodeId: string, { namespace, digest }: ServicesDigest): void {
    const ofNode = this.#followed.get(namespace)?.told.get(nodeId);
    if (ofNode === undefined) {
      this.#giveUp(nodeId, namespace);
    } else if (ofNode.held !== undefined && !sameDigest(ofNode.held.digest, digest)) {
      this.#repairs++;
      ofNode.ask();
      this.#wake(nodeId);
    }
  }

  sweep(now: number): void {
    for (const { told } of this.#followed.values()) {
      for (const [nodeId, ofNode] of told) {
        if (!ofNode.isOverdue(now)) continue;
        ofNode.ask();
        this.#wake(nodeId);
      }
    }
    this.#dropUnused(now);
  }

  #ask(nodeId: string, namespace: string, { told }: Followed): void {
    told.set(nodeId, new ToldServices(namespace));
    this.#wake(nodeId);
  }

  #giveUp(nodeId: string, namespace: string): void {
    this.#givenUp.push({ nodeId, namespace });
    this.#wake(nodeId);
  }
}
