/**
 * Barriers of this session's clients: each is put to the leader of its slot, which finds out who has not been told yet,
 * and put again every second, to whoever leads the slot then, until nobody is behind or the client does not wait any more.
 * A leader with which this session has not agreed about the slot is not asked: it may not know what was unregistered.
 */

import {
  EMPTY_SLOT_TABLE,
  isPassed,
  ownerOf,
  slotOfServiceKey,
  type Barrier,
  type BarrierAnswer,
  type Behind,
  type Clock,
  type ServiceKey,
  type SlotId,
  type SlotTable,
  type Version,
} from "@rollcall/core";

/** A barrier that is not passed is asked again after so long, in milliseconds. */
const ASK_AGAIN_MS = 1_000;

interface OpenBarrier extends Barrier {
  readonly slot: SlotId;
  readonly answered: (behind: Behind) => void;
  /** Clock time; undefined when it is to be asked as soon as possible. */
  askedAt: number | undefined;
}

export class Barriers {
  readonly #clock: Clock;
  readonly #wake: (nodeId: string) => void;
  readonly #open = new Map<number, OpenBarrier>();
  #table: SlotTable = EMPTY_SLOT_TABLE;
  #sequence = 0;

  /** @param wake called when something waits for a data node */
  constructor(clock: Clock, wake: (nodeId: string) => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Asks who has not been told of `version`. `answered` hears of it now and then, and last when it is nobody. Gives back
   * what gives the barrier up.
   */
  open(key: ServiceKey, version: Version, answered: (behind: Behind) => void): () => void {
    const sequence = ++this.#sequence;
    const barrier = { sequence, key, version, slot: slotOfServiceKey(key), answered, askedAt: undefined };
    this.#open.set(sequence, barrier);
    this.#wakeLeaderOf(barrier);
    return () => void this.#open.delete(sequence);
  }

  adopt(table: SlotTable): void {
    const before = this.#table;
    this.#table = table;
    for (const barrier of this.#open.values())
      if (ownerOf(before, barrier.slot).leaderEpoch !== ownerOf(table, barrier.slot).leaderEpoch)
        this.#askSoon(barrier);
  }

  /** The node knows nothing of us. */
  linked(nodeId: string): void {
    for (const barrier of this.#open.values())
      if (ownerOf(this.#table, barrier.slot).leader === nodeId) this.#askSoon(barrier);
  }

  /** @param isHeldBack slots whose leader is not to be asked yet */
  take(nodeId: string, isHeldBack: (slot: SlotId) => boolean): Barrier[] {
    const now = this.#clock.now();
    const due: Barrier[] = [];
    for (const barrier of this.#open.values()) {
      const { sequence, key, version, slot, askedAt } = barrier;
      if (ownerOf(this.#table, slot).leader !== nodeId || isHeldBack(slot)) continue;
      if (askedAt !== undefined && now - askedAt < ASK_AGAIN_MS) continue;
      barrier.askedAt = now;
      due.push({ sequence, key, version });
    }
    return due;
  }

  answered(nodeId: string, { sequence, subscribers, sessions }: BarrierAnswer): void {
    const barrier = this.#open.get(sequence);
    // Who does not lead the slot any more cannot say who has been told.
    if (barrier === undefined || ownerOf(this.#table, barrier.slot).leader !== nodeId) return;
    const behind = { subscribers, sessions };
    if (isPassed(behind)) this.#open.delete(sequence);
    barrier.answered(behind);
  }

  sweep(now: number): void {
    for (const barrier of this.#open.values())
      if (barrier.askedAt === undefined || now - barrier.askedAt >= ASK_AGAIN_MS) this.#wakeLeaderOf(barrier);
  }

  #askSoon(barrier: OpenBarrier): void {
    barrier.askedAt = undefined;
    this.#wakeLeaderOf(barrier);
  }

  #wakeLeaderOf({ slot }: OpenBarrier): void {
    const { leader } = ownerOf(this.#table, slot);
    if (leader !== undefined) this.#wake(leader);
  }
}
