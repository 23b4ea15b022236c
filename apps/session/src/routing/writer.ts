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

/** Outcomes that end an attempt; the others mean "not here, not now" and are retried. */
export type FinalOutcome = Extract<WriteOutcome, { kind: "applied" | "superseded" | "unknown" }>;

/** Something that has to reach the leader of its slot. */
export interface Outgoing {
  readonly slot: SlotId;
  /** What to write now, or undefined when there is nothing to write any more. */
  body(): WriteBody | undefined;
  /** The leader has answered to `sent`, which may be older than what there is to write now. */
  settled(sent: WriteBody, outcome: FinalOutcome): void;
}

/** Writes in one frame: few enough to be handled in a millisecond or so. */
const BATCH_MAX = 512;

/** Instance bytes gathered into one frame before another is begun: a frame must stay well below what a peer accepts. */
const BATCH_BYTES_AIM = 256 * 1_024;

/** A write without a result for so long, in milliseconds, is sent again. */
const RESULT_TIMEOUT_MS = 2_000;

/** Pause after "not here, not now", in milliseconds, unless a newer slot table comes first. */
const REFUSED_PAUSE_MS = 50;

interface Attempt {
  readonly outgoing: Outgoing;
  readonly body: WriteBody;
  readonly nodeId: string;
  readonly sentAt: number;
}

export class Writer {
  readonly #clock: Clock;
  readonly #wake: (nodeId: string) => void;
  readonly #pending = new Map<SlotId, Set<Outgoing>>();
  readonly #attempts = new Map<number, Attempt>();
  #table: SlotTable = EMPTY_SLOT_TABLE;
  #sequence = 0;
  #refused: Outgoing[] = [];
  #retryTimer: Timer | undefined;

  /** @param wake called when something waits for a data node */
  constructor(clock: Clock, wake: (nodeId: string) => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  get waiting(): number {
    let waiting = this.#attempts.size + this.#refused.length;
    for (const outgoing of this.#pending.values()) waiting += outgoing.size;
    return waiting;
  }

  enqueue(outgoing: Outgoing): void {
    const pending = this.#pending.get(outgoing.slot);
    if (pending === undefined) this.#pending.set(outgoing.slot, new Set([outgoing]));
    else pending.add(outgoing);
    this.#wakeLeaderOf(outgoing.slot);
  }

  /** Routes by a newer table; what waits for a slot goes to its new leader. */
  adopt(table: SlotTable): void {
    this.#table = table;
    this.#retryRefused();
    for (const slot of this.#pending.keys()) this.#wakeLeaderOf(slot);
  }

  /** Takes the next batch for a node, or nothing. Call again until it gives nothing. */
  take(nodeId: string): Write[] {
    const now = this.#clock.now();
    const writes: Write[] = [];
    let bytes = 0;
    for (const [slot, pending] of this.#pending) {
      const { leader, leaderEpoch } = ownerOf(this.#table, slot);
      if (leader !== nodeId) continue;
      for (const outgoing of pending) {
        if (writes.length === BATCH_MAX || bytes >= BATCH_BYTES_AIM) return writes;
        pending.delete(outgoing);
        const body = outgoing.body();
        if (body === undefined) continue;
        bytes += body.instance.length;
        writes.push(this.#attempt({ outgoing, body, nodeId, sentAt: now }, leaderEpoch));
      }
      this.#pending.delete(slot);
    }
    return writes;
  }

  #attempt(attempt: Attempt, leaderEpoch: Epoch): Write {
    const sequence = ++this.#sequence;
    this.#attempts.set(sequence, attempt);
    return { ...attempt.body, sequence, leaderEpoch };
  }

  settle({ sequence, outcome }: WriteResult): void {
    const attempt = this.#attempts.get(sequence);
    if (attempt === undefined) return;
    this.#attempts.delete(sequence);
    switch (outcome.kind) {
      case "applied":
      case "superseded":
      case "unknown":
        attempt.outgoing.settled(attempt.body, outcome);
        break;
      case "moved":
      case "migrating":
      case "stale":
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

  /** Parked without a timer each: a newer table or the next round of retries brings all of them back. */
  #retryLater(outgoing: Outgoing): void {
    this.#refused.push(outgoing);
    this.#retryTimer ??= this.#clock.setTimer(REFUSED_PAUSE_MS, () => this.#retryRefused());
  }

  #retryRefused(): void {
    this.#retryTimer?.cancel();
    this.#retryTimer = undefined;
    const refused = this.#refused;
    this.#refused = [];
    for (const outgoing of refused) this.enqueue(outgoing);
  }

  #wakeLeaderOf(slot: SlotId): void {
    const { leader } = ownerOf(this.#table, slot);
    if (leader !== undefined) this.#wake(leader);
  }
}
