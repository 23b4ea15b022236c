/**
 * The lists of services that sessions are interested in, kept up to date by what happens to claims and slots. A namespace
 * that nobody asks for costs nothing; the first interest in one looks through all services once.
 */

import type { LinkRequest, Shown, SlotId } from "@rollcall/core";

import type { Claim } from "../datums/claim.ts";
import type { DatumStore } from "../datums/datum-store.ts";
import type { SessionPeer } from "../notify/session-peer.ts";
import type { SessionPeers } from "../notify/session-peers.ts";
import type { OwnershipChange, SlotOwnership } from "../slots/ownership.ts";
import type { SlotWatcher } from "../storage.ts";
import { NamespaceList } from "./namespace-list.ts";

export class ServiceLists implements SlotWatcher {
  readonly #datums: DatumStore;
  readonly #ownership: SlotOwnership;
  readonly #peers: SessionPeers;
  readonly #lists = new Map<string, NamespaceList>();

  constructor(datums: DatumStore, ownership: SlotOwnership, peers: SessionPeers) {
    this.#datums = datums;
    this.#ownership = ownership;
    this.#peers = peers;
  }

  get size(): number {
    return this.#lists.size;
  }

  /** What a session says about lists. */
  receive(peer: SessionPeer, request: LinkRequest): void {
    for (const interest of request.servicesInterests) {
      this.#obtain(interest.namespace);
      peer.servicesInterest(interest);
    }
    for (const namespace of request.servicesUninterests) {
      peer.servicesUninterest(namespace);
      this.#releaseIfUnused(namespace);
    }
    for (const receipt of request.servicesReceipts) peer.servicesReceipt(receipt);
    for (const { sequence, namespace } of request.queries)
      peer.answer({ sequence, services: this.#datums.summaries(namespace, (slot) => this.#isLed(slot)) });
  }

  /** The session is linked no more. */
  part(peer: SessionPeer): void {
    for (const namespace of peer.servicesInterests()) this.#releaseIfUnused(namespace);
  }

  shownOf(namespace: string): Shown | undefined {
    const list = this.#lists.get(namespace);
    return list && { datum: list.datum, confirmed: true };
  }

  // What happens to claims and slots -----------------------------------------------------------------------------------

  changed({ service }: Claim): void {
    const list = this.#lists.get(service.key.namespace);
    if (list?.look(service) === true) this.#peers.servicesChanged(list.namespace);
  }

  discarded(claim: Claim): void {
    this.changed(claim);
  }

  ownershipChanged({ slot, after }: OwnershipChange): void {
    for (const list of this.#lists.values()) {
      if (after.kind === "leading") list.lead(slot, after.leaderEpoch, this.#datums.open(slot).services());
      else list.leave(slot);
      this.#peers.servicesChanged(list.namespace);
    }
  }

  completed(): void {}

  dropped(slot: SlotId): void {
    for (const list of this.#lists.values()) list.leave(slot);
  }

  #obtain(namespace: string): void {
    if (this.#lists.has(namespace)) return;
    const list = new NamespaceList(namespace);
    for (const content of this.#datums.slots()) {
      const ownership = this.#ownership.of(content.slot);
      if (ownership.kind === "leading") list.lead(content.slot, ownership.leaderEpoch, content.services());
    }
    this.#lists.set(namespace, list);
  }

  #isLed(slot: SlotId): boolean {
    return this.#ownership.of(slot).kind === "leading";
  }

  #releaseIfUnused(namespace: string): void {
    if (!this.#peers.wantServices(namespace)) this.#lists.delete(namespace);
  }
}
