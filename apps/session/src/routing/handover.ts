/**
 * Handing over to new leaders. When a slot gets a new leader, this session writes everything it holds for the slot to
 * it, and when the last of that has been applied it reports the slot. The leader serves reads once every session has
 * reported. A report is repeated until the leader confirms it.
 */

import {
  ALL_SLOTS,
  EMPTY_SLOT_TABLE,
  ownerOf,
  type Epoch,
  type SlotId,
  type SlotReport,
  type SlotTable,
} from "@rollcall/core";

import type { Registration } from "../registrations/registration.ts";
import type { RegistrationStore } from "../registrations/registration-store.ts";

interface SlotHandover {
  readonly leaderEpoch: Epoch;
  readonly nodeId: string;
  /** What the leader has not applied yet. The report is due when it is empty. */
  readonly outstanding: Set<Registration>;
  /** Clock time of the last report; undefined before the first and after the link to the leader was lost. */
  reportedAt: number | undefined;
}

/** A report that is not confirmed for so long, in milliseconds, is made again. */
const REPORT_AGAIN_MS = 1_000;

export class Handover {
  readonly #registrations: RegistrationStore;
  readonly #wake: (nodeId: string) => void;
  /** Slots whose report has not been confirmed. */
  readonly #open = new Map<SlotId, SlotHandover>();
  #table: SlotTable = EMPTY_SLOT_TABLE;

  constructor(registrations: RegistrationStore, wake: (nodeId: string) => void) {
    this.#registrations = registrations;
    this.#wake = wake;
  }

  /** Begins with every slot that has another leader, or the same at a higher epoch, than in the table before. */
  adopt(table: SlotTable): void {
    for (const slot of ALL_SLOTS) {
      const { leader, leaderEpoch } = ownerOf(table, slot);
      if (leaderEpoch === ownerOf(this.#table, slot).leaderEpoch) continue;
      this.#open.delete(slot);
      if (leader === undefined) continue;
      this.#open.set(slot, {
        leaderEpoch,
        nodeId: leader,
        outstanding: new Set(this.#registrations.inSlot(slot)),
        reportedAt: undefined,
      });
      this.#registrations.rewrite(slot);
      this.#wake(leader);
    }
    this.#table = table;
  }

  /** The leader has this registration, or it is gone. */
  written(registration: Registration): void {
    const handover = this.#open.get(registration.slot);
    if (handover === undefined || !handover.outstanding.delete(registration)) return;
    if (handover.outstanding.size === 0) this.#wake(handover.nodeId);
  }

  /** Takes the reports that are due at a node. */
  takeReports(nodeId: string, now: number): SlotReport[] {
    const reports: SlotReport[] = [];
    for (const [slot, handover] of this.#open) {
      if (handover.nodeId !== nodeId || !isDue(handover, now)) continue;
      handover.reportedAt = now;
      reports.push({ slot, leaderEpoch: handover.leaderEpoch });
    }
    return reports;
  }

  /**
   * The link to a node is new. What was reported over the old one may not have arrived; and if it was away for long, the
   * node has given up what this session holds, so all of it is written again. What the node still has is no news to it.
   */
  linked(nodeId: string): void {
    for (const handover of this.#open.values()) if (handover.nodeId === nodeId) handover.reportedAt = undefined;
    for (const slot of ALL_SLOTS) if (ownerOf(this.#table, slot).leader === nodeId) this.#registrations.rewrite(slot);
    this.#wake(nodeId);
  }

  sweep(now: number): void {
    for (const handover of this.#open.values()) if (isDue(handover, now)) this.#wake(handover.nodeId);
  }

  confirmed({ slot, leaderEpoch }: SlotReport): void {
    if (this.#open.get(slot)?.leaderEpoch === leaderEpoch) this.#open.delete(slot);
  }

  get openSlots(): number {
    return this.#open.size;
  }
}

function isDue({ outstanding, reportedAt }: SlotHandover, now: number): boolean {
  return outstanding.size === 0 && (reportedAt === undefined || now - reportedAt >= REPORT_AGAIN_MS);
}
