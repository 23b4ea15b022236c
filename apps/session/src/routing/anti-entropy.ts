/**
 * Makes sure, now and then, that nothing was lost on the way between this session and a data node, in either direction:
 * one digest over everything, compared by the side that did not make it. Only when the two differ does anybody look
 * closer. So a mistake that nobody noticed is found within one interval, and an idle link carries two numbers for it.
 */

import {
  ALL_SLOTS,
  EMPTY_DIGEST,
  EMPTY_SLOT_TABLE,
  mixDigests,
  ownerOf,
  sameDigest,
  toggleDigest,
  type Clock,
  type Digest,
  type Random,
  type RollUp,
  type SlotDigest,
  type SlotId,
  type SlotRef,
  type SlotTable,
} from "@rollcall/core";

import type { RegistrationStore } from "../registrations/registration-store.ts";
import type { Interests } from "../views/interests.ts";
import type { Handover } from "./handover.ts";
import type { Writer } from "./writer.ts";

/** Time between two comparisons of what is registered, in milliseconds. */
export const ANTI_ENTROPY_MS = 10_000;

export interface AntiEntropyPorts {
  readonly clock: Clock;
  /** Spreads the comparisons with different nodes over the interval. */
  readonly random: Random;
  readonly registrations: RegistrationStore;
  readonly writer: Writer;
  readonly handover: Handover;
  readonly interests: Interests;
  /** Called when something waits for a data node. */
  readonly wake: (nodeId: string) => void;
}

export class AntiEntropy {
  readonly #ports: AntiEntropyPorts;
  /** Clock time of the next comparison of what is registered, by node. */
  readonly #dueAt = new Map<string, number>();
  /** Nodes that have notified us of something else than what is here, and are to be told what that is. */
  readonly #toTell = new Set<string>();
  #table: SlotTable = EMPTY_SLOT_TABLE;
  #comparisons = 0;
  #repairs = 0;

  constructor(ports: AntiEntropyPorts) {
    this.#ports = ports;
  }

  /** Comparisons begun or made. */
  get comparisons(): number {
    return this.#comparisons;
  }

  /** Slots in which copies were not what their leader had notified. */
  get repairs(): number {
    return this.#repairs;
  }

  adopt(table: SlotTable): void {
    this.#table = table;
  }

  linked(nodeId: string): void {
    const { clock, random } = this.#ports;
    this.#toTell.delete(nodeId);
    this.#dueAt.set(nodeId, clock.now() + random.next() * ANTI_ENTROPY_MS);
  }

  lost(nodeId: string): void {
    this.#toTell.delete(nodeId);
    this.#dueAt.delete(nodeId);
  }

  sweep(now: number): void {
    for (const [nodeId, dueAt] of this.#dueAt) if (now >= dueAt) this.#ports.wake(nodeId);
  }

  // What is registered, which this session knows ------------------------------------------------------------------------

  /** Takes the digest of all that a node should have of us, if it is due and nothing of that waits to be sent. */
  takeRegistrations(nodeId: string): RollUp | undefined {
    const { clock, registrations, writer, handover } = this.#ports;
    const dueAt = this.#dueAt.get(nodeId);
    if (dueAt === undefined || clock.now() < dueAt) return undefined;
    if (writer.hasPendingFor(nodeId) || handover.isOpenAt(nodeId)) return undefined;
    this.#dueAt.set(nodeId, clock.now() + ANTI_ENTROPY_MS);
    this.#comparisons++;
    let digest = EMPTY_DIGEST;
    for (const ref of this.#ledBy(nodeId))
      digest = toggleDigest(digest, mixDigests(identityOf(ref), registrations.digestOf(ref.slot)));
    return { tableEpoch: this.#table.epoch, digest };
  }

  // What was notified, which the data node knows ------------------------------------------------------------------------

  /** Compares the digest of all that a node has notified with what is here, unless more is on its way. */
  compareCopies(nodeId: string, { tableEpoch, digest }: RollUp): void {
    const { interests, wake } = this.#ports;
    if (tableEpoch !== this.#table.epoch || interests.isAsking(nodeId)) return;
    this.#comparisons++;
    let here: Digest = EMPTY_DIGEST;
    for (const ofSlot of interests.digestsOf(nodeId).values()) here = toggleDigest(here, ofSlot);
    if (sameDigest(here, digest)) return;
    this.#toTell.add(nodeId);
    wake(nodeId);
  }

  /** Takes the digests by slot for a node that has notified something else. */
  takeCopies(nodeId: string): SlotDigest[] {
    if (!this.#toTell.delete(nodeId)) return [];
    const here = this.#ports.interests.digestsOf(nodeId);
    return this.#ledBy(nodeId).map((ref) => ({ ...ref, digest: here.get(ref.slot) ?? EMPTY_DIGEST }));
  }

  askAgain(nodeId: string, slots: readonly SlotId[]): void {
    this.#repairs += slots.length;
    this.#ports.interests.askAgain(nodeId, slots);
  }

  #ledBy(nodeId: string): SlotRef[] {
    return ALL_SLOTS.filter((slot) => ownerOf(this.#table, slot).leader === nodeId).map((slot) => ({
      slot,
      leaderEpoch: ownerOf(this.#table, slot).leaderEpoch,
    }));
  }
}

/** A slot under one leader, as part of a sum. */
function identityOf({ slot, leaderEpoch }: SlotRef): Digest {
  return { high: slot, low: leaderEpoch };
}
