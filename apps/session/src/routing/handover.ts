/**
 * Coming to agree with the leaders of slots: about what this session's clients have registered, it is the session that
 * knows the truth. For each slot, with a leader that is new, or linked anew, or in doubt:
 *
 *      new leader                                  new link, doubt
 *          |                                              |
 *          v              applied                         v            the leader agrees
 *      writing leases ---------------------------------> reporting ----------------------> done
 *                                                         ^     |  it does not
 *                              applied, all named         |     v
 *                        writing services <-------------- listing
 *                                         some differ
 *
 * Leases and removals, which no digest shows, are written to a new leader first. The report is a digest of the rest. A
 * leader with another digest is told the digests of the slot's services, and says which of them differ: those are
 * written again, and what the leader has of them beyond that is found by naming all that is held. Then it is reported
 * again. Whatever is lost on the way leads back to reporting, and a report without an answer is repeated.
 */

import {
  ALL_SLOTS,
  EMPTY_SLOT_TABLE,
  epoch,
  ownerOf,
  type Clock,
  type ServiceHoldings,
  type ServiceKey,
  type SlotDifference,
  type SlotId,
  type SlotInventory,
  type SlotRef,
  type SlotReport,
  type SlotTable,
  type Version,
} from "@rollcall/core";

import type { Registration } from "../registrations/registration.ts";
import type { RegistrationStore } from "../registrations/registration-store.ts";

type Stage =
  /** Of leases and removals: `outstanding` has not been applied yet. */
  | { readonly kind: "writing leases"; readonly outstanding: Set<Registration> }
  /** Clock time of the last report, undefined while it is due. */
  | { readonly kind: "reporting"; readonly reportedAt: number | undefined }
  /** The leader has asked for the inventory: clock time at which it was sent, undefined while it is due. */
  | { readonly kind: "listing"; readonly listedAt: number | undefined }
  /** Of services about which the leader disagreed; those in `unnamed` have not been told in full. */
  | { readonly kind: "writing services"; readonly outstanding: Set<Registration>; readonly unnamed: Unnamed[] };

/** What is held of a service after this instance id is still to be named. */
interface Unnamed {
  readonly key: ServiceKey;
  after: string;
}

interface OpenSlot extends SlotRef {
  readonly nodeId: string;
  /** Clock time since when the two have not been known to agree. */
  since: number;
  /** How often services have been written again since then. */
  rounds: number;
  /** The two had agreed before, or should have: a new leader is expected to lack something. */
  readonly isCheck: boolean;
  stage: Stage;
}

export interface HandoverPorts {
  readonly clock: Clock;
  readonly registrations: RegistrationStore;
  /** Whether a write of the slot waits to be sent. */
  readonly hasPending: (slot: SlotId) => boolean;
  /** The newest version this session has been notified of, by slot. */
  readonly seen: () => ReadonlyMap<SlotId, Version>;
  /** Called when something waits for a data node. */
  readonly wake: (nodeId: string) => void;
}

/** What is not answered for so long, in milliseconds, is reported again. */
const REPORT_AGAIN_MS = 1_000;

/** Rounds of writing without a pause. More means that writing does not help, and it is tried with a pause between. */
const ROUNDS_AT_ONCE = 3;

/** Services in the inventories of one message, before the next is begun. */
const INVENTORY_AIM = 4_096;

/** Ranges of holdings in one message. */
const RANGES_MAX = 4;

/** Session and leader not agreeing for so long, in milliseconds, is worth an operator's attention. */
const DISPUTE_MS = 30_000;

/** How long lists are not asked for while the two do not agree, in milliseconds: a registration lease. */
const HOLD_BACK_MS = 15_000;

const NOTHING_SEEN: Version = { epoch: epoch(0), counter: 0 };

export class Handover {
  readonly #ports: HandoverPorts;
  /** Slots of which the leader is not known to agree. */
  readonly #open = new Map<SlotId, OpenSlot>();
  #table: SlotTable = EMPTY_SLOT_TABLE;
  #repairs = 0;

  constructor(ports: HandoverPorts) {
    this.#ports = ports;
  }

  get openSlots(): number {
    return this.#open.size;
  }

  /** Whether the leader of the slot is not known to agree. */
  isOpen(slot: SlotId): boolean {
    return this.#open.has(slot);
  }

  isOpenAt(nodeId: string): boolean {
    for (const open of this.#open.values()) if (open.nodeId === nodeId) return true;
    return false;
  }

  /**
   * Whether lists of the slot are not to be asked for yet: a leader that lacks what this session holds would show them
   * without it. After a while they are, for a list that may lack something is better than none at all.
   */
  holdsBack(slot: SlotId): boolean {
    const open = this.#open.get(slot);
    return open !== undefined && this.#ports.clock.now() - open.since < HOLD_BACK_MS;
  }

  /** How often a leader that should have had everything had not. */
  get repairs(): number {
    return this.#repairs;
  }

  /** Data nodes with which this session has not agreed about some slot for long. */
  failing(now: number): string[] {
    const failing = new Set<string>();
    for (const { nodeId, since } of this.#open.values()) if (now - since >= DISPUTE_MS) failing.add(nodeId);
    return [...failing];
  }

  // What makes a slot open ---------------------------------------------------------------------------------------------

  /** Begins with every slot that has another leader, or the same at a higher epoch, than in the table before. */
  adopt(table: SlotTable): void {
    for (const slot of ALL_SLOTS) {
      const { leader, leaderEpoch } = ownerOf(table, slot);
      if (leader === undefined) this.#open.delete(slot);
      if (leader === undefined || leaderEpoch === ownerOf(this.#table, slot).leaderEpoch) continue;
      const outstanding = this.#ports.registrations.rewriteUncompared(slot);
      const stage: Stage = outstanding.size === 0 ? REPORT_DUE : { kind: "writing leases", outstanding };
      this.#begin({ slot, leaderEpoch, nodeId: leader, isCheck: false, stage });
      this.#ports.wake(leader);
    }
    this.#table = table;
  }

  /**
   * The link to a node is new. What was said over the old one may not have arrived, and if it was away for long, the node
   * has given up what this session holds.
   */
  linked(nodeId: string): void {
    for (const open of this.#openAt(nodeId)) {
      open.since = this.#ports.clock.now();
      open.rounds = 0;
      if (open.stage.kind !== "writing leases") open.stage = REPORT_DUE;
    }
    this.reportAll(nodeId);
  }

  /** A node doubts that it has what this session holds: every slot it leads is reported. */
  reportAll(nodeId: string): void {
    for (const slot of ALL_SLOTS) {
      const { leader, leaderEpoch } = ownerOf(this.#table, slot);
      if (leader !== nodeId || this.#open.has(slot)) continue;
      this.#begin({ slot, leaderEpoch, nodeId, isCheck: true, stage: REPORT_DUE });
    }
    this.#ports.wake(nodeId);
  }

  #begin(opening: Omit<OpenSlot, "since" | "rounds">): void {
    this.#open.set(opening.slot, { ...opening, since: this.#ports.clock.now(), rounds: 0 });
  }

  // What is said --------------------------------------------------------------------------------------------------------

  /** Takes the reports that are due at a node. What has not been sent to it is not in its digest, so it comes first. */
  takeReports(nodeId: string): SlotReport[] {
    const due = [...this.#openAt(nodeId)].filter(
      ({ slot, stage }) =>
        stage.kind === "reporting" && stage.reportedAt === undefined && !this.#ports.hasPending(slot),
    );
    if (due.length === 0) return [];
    const seen = this.#ports.seen();
    const reportedAt = this.#ports.clock.now();
    return due.map((open) => {
      open.stage = { kind: "reporting", reportedAt };
      const { slot, leaderEpoch } = open;
      const digest = this.#ports.registrations.digestOf(slot);
      return { slot, leaderEpoch, digest, seen: seen.get(slot) ?? NOTHING_SEEN };
    });
  }

  /** Takes the inventories a node has asked for, as many as a message should hold. Call again until there are none. */
  takeInventories(nodeId: string): SlotInventory[] {
    const inventories: SlotInventory[] = [];
    let size = 0;
    for (const open of this.#openAt(nodeId)) {
      const { slot, leaderEpoch, stage } = open;
      if (stage.kind !== "listing" || stage.listedAt !== undefined) continue;
      if (size >= INVENTORY_AIM) break;
      open.stage = { kind: "listing", listedAt: this.#ports.clock.now() };
      const services = this.#ports.registrations.inventoryOf(slot);
      inventories.push({ slot, leaderEpoch, version: undefined, services });
      size += services.length;
    }
    return inventories;
  }

  /**
   * Takes what names all that is held of services about which a node disagreed. Call again until there is nothing.
   * @param afterWrite sequence of the last write that was sent
   */
  takeHoldings(nodeId: string, afterWrite: number): ServiceHoldings[] {
    const holdings: ServiceHoldings[] = [];
    for (const { leaderEpoch, stage } of this.#openAt(nodeId)) {
      if (stage.kind !== "writing services") continue;
      for (let next = stage.unnamed[0]; next !== undefined; next = stage.unnamed[0]) {
        if (holdings.length >= RANGES_MAX) return holdings;
        const { key, after } = next;
        const ranges = this.#ports.registrations.holdingsOf(key, after, RANGES_MAX - holdings.length);
        for (const range of ranges) holdings.push({ key, leaderEpoch, afterWrite, ...range });
        next.after = ranges.at(-1)!.upTo;
        if (next.after === "") stage.unnamed.shift();
      }
    }
    for (const open of this.#openAt(nodeId)) this.#reportIfWritten(open);
    return holdings;
  }

  // What is heard -------------------------------------------------------------------------------------------------------

  /** The leader has this registration, or it is gone. */
  written(registration: Registration): void {
    const open = this.#open.get(registration.slot);
    if (open === undefined || !("outstanding" in open.stage)) return;
    if (open.stage.outstanding.delete(registration)) this.#reportIfWritten(open);
  }

  /** The leader agrees. Whatever was sent after that report reaches it as well. */
  reported(ref: SlotRef): void {
    const open = this.#find(ref);
    if (open === undefined || open.stage.kind === "writing leases") return;
    this.#open.delete(ref.slot);
    this.#ports.wake(open.nodeId);
  }

  /** The leader does not agree, and asks for the inventory. */
  disagreed(ref: SlotRef): void {
    const open = this.#find(ref);
    if (open?.stage.kind !== "reporting" || open.stage.reportedAt === undefined) return;
    if (open.isCheck) this.#repairs++;
    open.stage = { kind: "listing", listedAt: undefined };
    this.#ports.wake(open.nodeId);
  }

  /** The leader disagrees about these services. About none after all: then the next report will tell. */
  differs({ keys, ...ref }: SlotDifference): void {
    const open = this.#find(ref);
    // One that is late is as good as the one it was repeated for.
    const isAsked = open?.stage.kind === "listing" || open?.stage.kind === "reporting";
    if (open === undefined || !isAsked || keys.length === 0) return;
    const outstanding = this.#ports.registrations.rewriteServices(ref.slot, keys);
    open.stage = { kind: "writing services", outstanding, unnamed: keys.map((key) => ({ key, after: "" })) };
    open.rounds++;
    this.#ports.wake(open.nodeId);
  }

  /** Reports again what has not been answered. */
  sweep(now: number): void {
    for (const open of this.#open.values()) {
      const { stage } = open;
      const askedAt =
        stage.kind === "reporting" ? stage.reportedAt : stage.kind === "listing" ? stage.listedAt : undefined;
      if (askedAt === undefined || now - askedAt < REPORT_AGAIN_MS) continue;
      open.stage = REPORT_DUE;
      this.#ports.wake(open.nodeId);
    }
  }

  #reportIfWritten(open: OpenSlot): void {
    const { stage } = open;
    if (!("outstanding" in stage) || stage.outstanding.size > 0) return;
    if (stage.kind === "writing services" && stage.unnamed.length > 0) return;
    const isAtOnce = open.rounds < ROUNDS_AT_ONCE;
    open.stage = isAtOnce ? REPORT_DUE : { kind: "reporting", reportedAt: this.#ports.clock.now() };
    this.#ports.wake(open.nodeId);
  }

  #find({ slot, leaderEpoch }: SlotRef): OpenSlot | undefined {
    const open = this.#open.get(slot);
    return open?.leaderEpoch === leaderEpoch ? open : undefined;
  }

  *#openAt(nodeId: string): IterableIterator<OpenSlot> {
    for (const open of this.#open.values()) if (open.nodeId === nodeId) yield open;
  }
}

const REPORT_DUE: Stage = { kind: "reporting", reportedAt: undefined };
