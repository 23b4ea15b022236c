/**
 * The services this session has subscribers for. It tells each slot's leader of its interest, asks again until it is
 * answered, and gives the interest up some time after the last subscriber has gone, so that a client that comes back,
 * or resolves now and then, is answered from memory.
 */

import {
  EMPTY_SLOT_TABLE,
  ownerOf,
  textFromServiceKey,
  type Clock,
  type Interest,
  type NotifyReceipt,
  type ServiceKey,
  type SlotTable,
  type Update,
} from "@rollcall/core";

import { ServiceCopy, type ServiceCopyPorts } from "./service-copy.ts";

/** How long an unused copy is kept, in milliseconds. */
const LINGER_MS = 30_000;

/** An interest that is not answered for so long, in milliseconds, is told again. */
const ASK_AGAIN_MS = 1_000;

export class Interests {
  readonly #clock: Clock;
  readonly #ports: ServiceCopyPorts;
  readonly #wake: (nodeId: string) => void;
  readonly #copies = new Map<string, ServiceCopy>();
  /** Copies to be told to the leader of their slot. */
  readonly #toAsk = new Set<ServiceCopy>();
  /** Copies that were told and not answered yet, with the time of telling. */
  readonly #asked = new Map<ServiceCopy, number>();
  #givenUp: { readonly nodeId: string; readonly key: ServiceKey }[] = [];
  #table: SlotTable = EMPTY_SLOT_TABLE;

  constructor(clock: Clock, ports: ServiceCopyPorts, wake: (nodeId: string) => void) {
    this.#clock = clock;
    this.#ports = ports;
    this.#wake = wake;
  }

  get size(): number {
    return this.#copies.size;
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

  takeInterests(nodeId: string): Interest[] {
    const interests: Interest[] = [];
    for (const copy of this.#toAsk) {
      if (ownerOf(this.#table, copy.slot).leader !== nodeId) continue;
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

  /** Takes in what a data node says of a service, and gives the receipt for it; undefined when nobody is interested. */
  notified(nodeId: string, update: Update): NotifyReceipt | undefined {
    const copy = this.#copies.get(textFromServiceKey(update.key));
    if (copy === undefined) {
      this.#giveUp(nodeId, update.key);
      return undefined;
    }
    const resync = copy.apply(update) === "mismatch";
    if (ownerOf(this.#table, copy.slot).leader === nodeId) this.#asked.delete(copy);
    return { key: copy.key, held: copy.datum.held, resync };
  }

  sweep(now: number): void {
    for (const [copy, askedAt] of this.#asked) if (now - askedAt >= ASK_AGAIN_MS) this.#ask(copy);
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
