/**
 * Writes on their way to the leaders of their slots. A write waits here until the leader of its slot can be reached,
 * goes out with everything else that is waiting for that node, and comes back here when the link is lost, the slot has
 * moved, or no answer comes. Writes are idempotent, so sending one twice does no harm and losing one is impossible.
 */

import {
  EMPTY_SLOT_TABLE,
  ownerOf,
  type Clock,
  type Epoch,
  type SlotId,
  type SlotTable,
  type Timer,
  type Write,
  type WriteOutcome,
  type WriteResult,
} from "@rollcall/core";

/** What a write says, without what belongs to one attempt at it. */
export type WriteBody = Omit<Write, "sequence" | "leaderEpoch">;

/** What is remembered of a write that is on its way: enough to know whether there is something else to write by now. */
export type Sent = Pick<Write, "kind" | "version" | "heldBack">;

/** Outcomes that end an attempt; the others mean "not here, not now" and are retried. */
export type FinalOutcome = Extract<WriteOutcome, { kind: "applied" | "superseded" | "denied" | "unknown" }>;

/** Something that has to reach the leader of its slot. */
export interface Outgoing {
  readonly slot: SlotId;
  /** Whether it waits to be sent. Kept by the writer; false at first. */
  isPending: boolean;
  /** What to write now, or undefined when there is nothing to write any more. */
  body(): WriteBody | undefined;
  /** The leader has answered to `sent`, which may be older than what there is to write now. */
  settled(sent: Sent, outcome: FinalOutcome): void;
}

/** Writes in one frame: few enough to be handled in a millisecond or so. */
const BATCH_MAX = 512;

/** Instance bytes gathered into one frame before another is begun: a frame must stay well below what a peer accepts. */
const BATCH_BYTES_AIM = 256 * 1_024;

/** A write without a result for so long, in milliseconds, is sent again. */
const RESULT_TIMEOUT_MS = 2_000;

/** Pause after "not here, not now", in milliseconds, unless a newer slot table comes first. */
const REFUSED_PAUSE_MS = 50;

interface Attempt extends Sent {
  readonly outgoing: Outgoing;
  readonly nodeId: string;
  readonly leaderEpoch: Epoch;
  readonly sentAt: number;
}

export interface WriterPorts {
  readonly clock: Clock;
  /** Called when something waits for a data node. */
  readonly wake: (nodeId: string) => void;
  /** Called when a data node has turned out to know a newer slot table; again now and then while that is so. */
  readonly tableIsOld: () => void;
}

export class Writer {
  readonly #ports: WriterPorts;
  readonly #pending = new Map<SlotId, Outgoing[]>();
  readonly #attempts = new Map<number, Attempt>();
  #table: SlotTable = EMPTY_SLOT_TABLE;
  #sequence = 0;
  /** Refused with "not here, not now", until the pause is over. */
  #refused = new Map<SlotId, Outgoing[]>();
  #retryTimer: Timer | undefined;
  #hasToldOfTable = false;

  constructor(ports: WriterPorts) {
    this.#ports = ports;
  }

  get waiting(): number {
    let waiting = this.#attempts.size;
    for (const outgoing of this.#refused.values()) waiting += outgoing.length;
    for (const outgoing of this.#pending.values()) waiting += outgoing.length;
    return waiting;
  }

  /** Sequence of the last write that was sent, to whichever node. */
  get lastSequence(): number {
    return this.#sequence;
  }

  /** Whether a write of the slot waits to be sent. What is on its way does not count: the link keeps the order. */
  hasPending(slot: SlotId): boolean {
    return this.#pending.has(slot) || this.#refused.has(slot);
  }

  /** The same for all slots that a node leads. */
  hasPendingFor(nodeId: string): boolean {
    for (const slots of [this.#pending.keys(), this.#refused.keys()])
      for (const slot of slots) if (ownerOf(this.#table, slot).leader === nodeId) return true;
    return false;
  }

  enqueue(outgoing: Outgoing): void {
    if (outgoing.isPending) return;
    outgoing.isPending = true;
    const pending = this.#pending.get(outgoing.slot);
    if (pending === undefined) this.#pending.set(outgoing.slot, [outgoing]);
    else pending.push(outgoing);
    this.#wakeLeaderOf(outgoing.slot);
  }

  /** Routes by a newer table; what waits for a slot goes to its new leader, and so does what the old one may not have. */
  adopt(table: SlotTable): void {
    this.#table = table;
    this.#retryRefused();
    this.#requeue(({ outgoing, leaderEpoch }) => ownerOf(table, outgoing.slot).leaderEpoch !== leaderEpoch);
    for (const slot of this.#pending.keys()) this.#wakeLeaderOf(slot);
  }

  /** Takes the next batch for a node, or nothing. Call again until it gives nothing. */
  take(nodeId: string): Write[] {
    const now = this.#ports.clock.now();
    const writes: Write[] = [];
    let bytes = 0;
    for (const [slot, pending] of this.#pending) {
      const { leader, leaderEpoch } = ownerOf(this.#table, slot);
      if (leader !== nodeId) continue;
      for (let index = 0; index < pending.length; index++) {
        const outgoing = pending[index]!;
        if (writes.length === BATCH_MAX || bytes >= BATCH_BYTES_AIM) {
          pending.splice(0, index);
          return writes;
        }
        outgoing.isPending = false;
        const body = outgoing.body();
        if (body === undefined) continue;
        bytes += body.instance.length;
        const { kind, version, heldBack } = body;
        const sequence = ++this.#sequence;
        this.#attempts.set(sequence, { outgoing, kind, version, heldBack, nodeId, leaderEpoch, sentAt: now });
        writes.push({ ...body, sequence, leaderEpoch });
      }
      this.#pending.delete(slot);
    }
    return writes;
  }

  settle({ sequence, outcome }: WriteResult): void {
    const attempt = this.#attempts.get(sequence);
    if (attempt === undefined) return;
    this.#attempts.delete(sequence);
    switch (outcome.kind) {
      case "applied":
      case "superseded":
      case "denied":
      case "unknown":
        attempt.outgoing.settled(attempt, outcome);
        break;
      case "moved":
      case "stale":
        this.#compareTables(outcome.tableEpoch);
        this.#retryLater(attempt.outgoing);
        break;
      case "migrating":
        this.#retryLater(attempt.outgoing);
        break;
    }
  }

  /** The link to a node is gone, and with it the answers to whatever was on its way. */
  lost(nodeId: string): void {
    this.#requeue((attempt) => attempt.nodeId === nodeId);
  }

  /** Sends again what has not been answered for too long. */
  sweep(now: number): void {
    this.#requeue((attempt) => now - attempt.sentAt >= RESULT_TIMEOUT_MS);
  }

  #requeue(which: (attempt: Attempt) => boolean): void {
    for (const [sequence, attempt] of this.#attempts) {
      if (!which(attempt)) continue;
      this.#attempts.delete(sequence);
      this.enqueue(attempt.outgoing);
    }
  }

  /** Told once for each round of retries, however many writes were refused in it. */
  #compareTables(tableEpoch: Epoch): void {
    if (tableEpoch <= this.#table.epoch || this.#hasToldOfTable) return;
    this.#hasToldOfTable = true;
    this.#ports.tableIsOld();
  }

  /** Parked without a timer each: a newer table or the next round of retries brings all of them back. */
  #retryLater(outgoing: Outgoing): void {
    const refused = this.#refused.get(outgoing.slot);
    if (refused === undefined) this.#refused.set(outgoing.slot, [outgoing]);
    else refused.push(outgoing);
    this.#retryTimer ??= this.#ports.clock.setTimer(REFUSED_PAUSE_MS, () => this.#retryRefused());
  }

  #retryRefused(): void {
    this.#retryTimer?.cancel();
    this.#retryTimer = undefined;
    this.#hasToldOfTable = false;
    const refused = [...this.#refused.values()].flat();
    this.#refused = new Map();
    for (const outgoing of refused) this.enqueue(outgoing);
  }

  #wakeLeaderOf(slot: SlotId): void {
    const { leader } = ownerOf(this.#table, slot);
    if (leader !== undefined) this.#ports.wake(leader);
  }
}
