/**
 * The services this session has subscribers for. It tells each slot's leader of its interest, asks again until it is
 * answered, and gives the interest up some time after the last subscriber has gone, so that a client that comes back,
 * or resolves now and then, is answered from memory.
 */

import {
  EMPTY_DIGEST,
  EMPTY_SLOT_TABLE,
  digestOfText,
  isNewer,
  mixDigests,
  ownerOf,
  textFromServiceKey,
  toggleDigest,
  type Clock,
  type Digest,
  type Filter,
  type Interest,
  type NotifyReceipt,
  type ServiceEvents,
  type ServiceKey,
  type SlotId,
  type SlotTable,
  type UpdatePart,
  type Version,
} from "@rollcall/core";

import { arrivalEvent } from "./arrival-event.ts";
import { ServiceCopy, type ServiceCopyPorts } from "./service-copy.ts";
import type { UsedView, View, Viewer } from "./view.ts";

/** How long an unused copy is kept, in milliseconds. */
const LINGER_MS = 30_000;

/** An interest that is not answered for so long, in milliseconds, is told again. */
const ASK_AGAIN_MS = 1_000;

export interface InterestsPorts extends ServiceCopyPorts {
  readonly events: ServiceEvents;
}

export class Interests {
  readonly #clock: Clock;
  readonly #ports: InterestsPorts;
  readonly #wake: (nodeId: string) => void;
  readonly #copies = new Map<string, ServiceCopy>();
  /** Copies to be told to the leader of their slot. */
  readonly #toAsk = new Set<ServiceCopy>();
  /** Copies that were told and not answered yet, with the time of telling. */
  readonly #asked = new Map<ServiceCopy, number>();
  #givenUp: { readonly nodeId: string; readonly key: ServiceKey }[] = [];
  #table: SlotTable = EMPTY_SLOT_TABLE;

  constructor(clock: Clock, ports: InterestsPorts, wake: (nodeId: string) => void) {
    this.#clock = clock;
    this.#ports = ports;
    this.#wake = wake;
  }

  get size(): number {
    return this.#copies.size;
  }

  /** Every interest has been answered. */
  get isSettled(): boolean {
    return this.#toAsk.size + this.#asked.size === 0;
  }

  /** The copy of a service, if there is one. */
  find(key: ServiceKey): ServiceCopy | undefined {
    return this.#copies.get(textFromServiceKey(key));
  }

  /** The copy of a service, in use until it is released. */
  use(key: ServiceKey): ServiceCopy {
    const keyText = textFromServiceKey(key);
    let copy = this.#copies.get(keyText);
    if (copy === undefined) {
      copy = new ServiceCopy(key, this.#ports);
      this.#copies.set(keyText, copy);
      this.#ask(copy);
    }
    copy.use();
    return copy;
  }

  release(copy: ServiceCopy): void {
    copy.release(this.#clock.now());
  }

  /** A view of a service, with its copy in use until the view is released. */
  useView(key: ServiceKey, filter: Filter): UsedView {
    const copy = this.use(key);
    return new UsedCopy(this, copy, copy.view(filter));
  }

  /** Tells the new leaders of slots that have one. */
  adopt(table: SlotTable): void {
    const before = this.#table;
    this.#table = table;
    for (const copy of this.#copies.values()) {
      const [old, present] = [ownerOf(before, copy.slot), ownerOf(table, copy.slot)];
      if (old.leaderEpoch === present.leaderEpoch) continue;
      if (old.leader !== undefined && old.leader !== present.leader) this.#giveUp(old.leader, copy.key);
      this.#ask(copy);
    }
  }

  /** A data node's memory of our interests ended with the link to it. */
  linked(nodeId: string): void {
    for (const copy of this.#copies.values()) if (ownerOf(this.#table, copy.slot).leader === nodeId) this.#ask(copy);
  }

  /** @param isHeldBack slots whose leader is not to be asked yet */
  takeInterests(nodeId: string, isHeldBack: (slot: SlotId) => boolean): Interest[] {
    const interests: Interest[] = [];
    for (const copy of this.#toAsk) {
      if (ownerOf(this.#table, copy.slot).leader !== nodeId || isHeldBack(copy.slot)) continue;
      this.#toAsk.delete(copy);
      this.#asked.set(copy, this.#clock.now());
      interests.push({ key: copy.key, held: copy.held });
    }
    return interests;
  }

  takeUninterests(nodeId: string): ServiceKey[] {
    const keys = this.#givenUp
      .filter((gone) => gone.nodeId === nodeId && !this.#isOf(nodeId, gone.key))
      .map(({ key }) => key);
    this.#givenUp = this.#givenUp.filter((gone) => gone.nodeId !== nodeId);
    return keys;
  }

  /**
   * Takes in what a data node says of a service, and gives the receipt for it; undefined when nobody is interested, or
   * while there is more of it to come.
   */
  notified(nodeId: string, part: UpdatePart): NotifyReceipt | undefined {
    const copy = this.#copies.get(textFromServiceKey(part.key));
    if (copy === undefined) {
      this.#giveUp(nodeId, part.key);
      return undefined;
    }
    const update = copy.parts.take(part);
    if (update === undefined) {
      // An answer that takes long is still an answer.
      if (this.#asked.has(copy)) this.#asked.set(copy, this.#clock.now());
      return undefined;
    }
    const outcome = copy.apply(update);
    const event = arrivalEvent(update, outcome, copy.datum.size, nodeId);
    if (event !== undefined) this.#ports.events.record(copy.keyText, event.kind, event);
    const isFromLeader = ownerOf(this.#table, copy.slot).leader === nodeId;
    if (outcome === "unfit") {
      // The leader does not know what is held here: it is told again, soon, with no receipt to put it off.
      if (isFromLeader && !this.#toAsk.has(copy)) this.#asked.set(copy, this.#clock.now());
      return undefined;
    }
    if (isFromLeader) this.#asked.delete(copy);
    return { key: copy.key, held: copy.datum.held, resync: outcome === "mismatch" };
  }

  /** The newest version this session has been notified of, by slot. */
  seen(): Map<SlotId, Version> {
    const seen = new Map<SlotId, Version>();
    for (const { slot, content, datum } of this.#copies.values()) {
      const newest = seen.get(slot);
      if (content !== "nothing" && (newest === undefined || isNewer(datum.version, newest)))
        seen.set(slot, datum.version);
    }
    return seen;
  }

  /** What is confirmed here of the services that a node leads, as a digest for each slot. */
  digestsOf(nodeId: string): Map<SlotId, Digest> {
    const digests = new Map<SlotId, Digest>();
    for (const { slot, keyText, held } of this.#copies.values()) {
      if (held === undefined || ownerOf(this.#table, slot).leader !== nodeId) continue;
      const digest = mixDigests(digestOfText(keyText), held.digest);
      digests.set(slot, toggleDigest(digests.get(slot) ?? EMPTY_DIGEST, digest));
    }
    return digests;
  }

  /** Whether a node owes an answer to an interest, or is about to be told of one. */
  isAsking(nodeId: string): boolean {
    for (const copies of [this.#toAsk, this.#asked.keys()])
      for (const { slot } of copies) if (ownerOf(this.#table, slot).leader === nodeId) return true;
    return false;
  }

  /** The leader of these slots has notified us of something else than what is here. */
  askAgain(nodeId: string, slots: readonly SlotId[]): void {
    const wanted = new Set(slots);
    for (const copy of this.#copies.values())
      if (wanted.has(copy.slot) && ownerOf(this.#table, copy.slot).leader === nodeId) this.#ask(copy);
  }

  sweep(now: number): void {
    for (const copy of this.#copies.values()) copy.sweep(now);
    for (const [copy, askedAt] of this.#asked) if (now - askedAt >= ASK_AGAIN_MS) this.#ask(copy);
    // Those that were held back may have waited long enough.
    for (const { slot } of this.#toAsk) {
      const { leader } = ownerOf(this.#table, slot);
      if (leader !== undefined) this.#wake(leader);
    }
    for (const copy of this.#copies.values()) {
      if (copy.unusedSince === undefined || now - copy.unusedSince < LINGER_MS) continue;
      this.#copies.delete(copy.keyText);
      this.#toAsk.delete(copy);
      this.#asked.delete(copy);
      const { leader } = ownerOf(this.#table, copy.slot);
      if (leader !== undefined) this.#giveUp(leader, copy.key);
    }
  }

  /** Whether we are, perhaps again, interested in a service that this node leads. */
  #isOf(nodeId: string, key: ServiceKey): boolean {
    const copy = this.#copies.get(textFromServiceKey(key));
    return copy !== undefined && ownerOf(this.#table, copy.slot).leader === nodeId;
  }

  #ask(copy: ServiceCopy): void {
    this.#asked.delete(copy);
    this.#toAsk.add(copy);
    const { leader } = ownerOf(this.#table, copy.slot);
    if (leader !== undefined) this.#wake(leader);
  }

  #giveUp(nodeId: string, key: ServiceKey): void {
    this.#givenUp.push({ nodeId, key });
    this.#wake(nodeId);
  }
}

/** There is one of these for each subscription of each client, so it is no set of closures. */
class UsedCopy implements UsedView {
  readonly view: View;
  readonly #interests: Interests;
  readonly #copy: ServiceCopy;

  constructor(interests: Interests, copy: ServiceCopy, view: View) {
    this.view = view;
    this.#interests = interests;
    this.#copy = copy;
  }

  acknowledged(viewer: Viewer): void {
    this.#copy.acknowledged(viewer);
  }

  release(): void {
    this.#copy.closeView(this.view);
    this.#interests.release(this.#copy);
  }
}
