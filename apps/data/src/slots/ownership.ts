/**
 * What this node is to each slot. The slot table says who leads and who follows; how far this node is with what it has
 * been given is its own affair:
 *
 *                        names us follower                     names us leader
 *        not ours ------------------------> following ----+---------------------> taking over
 *           ^                                   |         '----------------.           |  everything is here
 *           | content kept for a while          |                          v           v
 *        leaving <------------------------------+----------------------- leading <-----'
 *                   names others
 *
 * Epochs only grow, and a slot is taken over once per epoch. While it is being taken over it takes writes, for they are
 * how sessions hand over what they hold, and refuses reads, for its lists may not be complete: late is allowed, wrong is
 * not. A node that is leaving a slot takes nothing, but keeps the content in case the slot comes back.
 */

import {
  ALL_SLOTS,
  EMPTY_SLOT_TABLE,
  assert,
  epoch,
  memberKey,
  ownerOf,
  type ClusterState,
  type Epoch,
  type SlotAccess,
  type SlotId,
  type SlotRef,
  type SlotTable,
} from "@rollcall/core";

/**
 * What a take-over starts from. `complete`: all that the leader before had, but for what was on its way. `partial`: what
 * was all there was at an earlier moment, for example when it went to disk. `nothing`: sessions have it all.
 */
export type Basis = "complete" | "partial" | "nothing";

export type Ownership =
  | { readonly kind: "not ours" }
  /** `synced`: it has had all that this leader had. */
  | { readonly kind: "following"; readonly leader: string; readonly leaderEpoch: Epoch; readonly synced: boolean }
  | TakingOver
  | { readonly kind: "leading"; readonly leaderEpoch: Epoch }
  | { readonly kind: "leaving"; readonly leaderEpoch: Epoch; readonly until: number };

export interface TakingOver {
  readonly kind: "taking over";
  readonly leaderEpoch: Epoch;
  readonly basis: Basis;
  /** Clock time of the beginning. */
  readonly since: number;
  /** Member keys of the sessions that have not yet said that what is here is what they hold. */
  readonly awaiting: ReadonlySet<string>;
  /** Somebody has been notified of more than there is here: a session that is away may know of it. */
  readonly isBehind: boolean;
}

export interface OwnershipChange {
  readonly slot: SlotId;
  readonly before: Ownership;
  readonly after: Ownership;
}

/** What ownership has to know of the rest of the node. */
export interface OwnershipSurroundings {
  /** Whether what is here of a slot, for example from disk, was all there was at some moment. */
  readonly wasComplete: (slot: SlotId) => boolean;
  /** Whether a session is linked to this node, whatever meta has heard of it. */
  readonly isLinked: (session: string) => boolean;
  /** Whether something of the slot is registered through the session, as far as is known here. */
  readonly holdsAnything: (session: string, slot: SlotId) => boolean;
}

export interface OwnershipOptions {
  readonly nodeId: string;
  /** How long a take-over waits for sessions that do not come, at most: as long as their registrations stay. */
  readonly registrationLeaseMs: number;
}

/**
 * How long a take-over from a copy that may lack the last moments waits for sessions that are away and that it knows
 * nothing of, in milliseconds: their clients come back, through other sessions, sooner than that.
 */
const RETURN_MS = 5_000;

/** How long the content of a slot is kept that was given to others, in milliseconds. */
const LEAVING_MS = 10_000;

const MAY_BECOME: Record<Ownership["kind"], readonly Ownership["kind"][]> = {
  "not ours": ["following", "taking over", "leading"],
  following: ["following", "taking over", "leading", "leaving"],
  "taking over": ["taking over", "leading", "following", "leaving"],
  leading: ["taking over", "leading", "following", "leaving"],
  leaving: ["not ours", "following", "taking over", "leading"],
};

/** One answer for all that are so: it is given with every write. */
const ACCEPTED: SlotAccess = { kind: "accepted" };

export class SlotOwnership {
  readonly #options: OwnershipOptions;
  readonly #surroundings: OwnershipSurroundings;
  #slots = new Map<SlotId, Ownership>(ALL_SLOTS.map((slot) => [slot, { kind: "not ours" }]));
  #table: SlotTable = EMPTY_SLOT_TABLE;
  #sessions: ReadonlySet<string> = new Set();

  constructor(options: OwnershipOptions, surroundings: OwnershipSurroundings) {
    this.#options = options;
    this.#surroundings = surroundings;
  }

  of(slot: SlotId): Ownership {
    return this.#slots.get(slot)!;
  }

  get tableEpoch(): Epoch {
    return this.#table.epoch;
  }

  count(kind: Ownership["kind"]): number {
    let count = 0;
    for (const ownership of this.#slots.values()) if (ownership.kind === kind) count++;
    return count;
  }

  /** Whether this node answers for the slot: it leads it or is about to. */
  leads(slot: SlotId): boolean {
    const { kind } = this.of(slot);
    return kind === "leading" || kind === "taking over";
  }

  /** The slots of which this node answers to be the leader. */
  led(): SlotRef[] {
    const refs: SlotRef[] = [];
    for (const [slot, ownership] of this.#slots)
      if (ownership.kind === "leading" || ownership.kind === "taking over")
        refs.push({ slot, leaderEpoch: ownership.leaderEpoch });
    return refs;
  }

  /** The slots this node follows and has had in full. */
  synced(): ReadonlySet<SlotId> {
    return new Set(
      ALL_SLOTS.filter((slot) => {
        const ownership = this.of(slot);
        return ownership.kind === "following" && ownership.synced;
      }),
    );
  }

  /**
   * Takes on what a newer state of the cluster gives, and begins to let go of what it takes.
   * @param absent sessions that are no members at the moment and may still come back with what they hold
   */
  adopt(state: ClusterState, absent: Iterable<string>, now: number): OwnershipChange[] {
    this.#table = state.table;
    this.#sessions = new Set(state.members.filter(({ role }) => role === "session").map(memberKey));
    const awaited = new Set([...this.#sessions, ...absent]);
    return ALL_SLOTS.flatMap((slot) => this.#change(slot, this.#ownershipIn(slot, awaited, now)));
  }

  #ownershipIn(slot: SlotId, awaited: ReadonlySet<string>, now: number): Ownership {
    const { leader, followers, leaderEpoch } = ownerOf(this.#table, slot);
    const before = this.of(slot);
    if (leader === this.#options.nodeId) return this.#leadershipIn(slot, leaderEpoch, awaited, now);
    if (leader !== undefined && followers.includes(this.#options.nodeId)) {
      const same = before.kind === "following" && before.leaderEpoch === leaderEpoch;
      return same ? before : { kind: "following", leader, leaderEpoch, synced: false };
    }
    if (before.kind === "not ours" || before.kind === "leaving") return before;
    return { kind: "leaving", leaderEpoch: before.leaderEpoch, until: now + LEAVING_MS };
  }

  #leadershipIn(slot: SlotId, leaderEpoch: Epoch, awaited: ReadonlySet<string>, now: number): Ownership {
    const before = this.of(slot);
    const isOurs = before.kind === "leading" || before.kind === "taking over";
    if (!isOurs || before.leaderEpoch !== leaderEpoch) {
      const basis = this.#basisOf(slot, before, leaderEpoch);
      const begun = {
        kind: "taking over",
        leaderEpoch,
        basis,
        since: now,
        awaiting: awaited,
        isBehind: false,
      } as const;
      return this.#settled(slot, begun, now);
    }
    if (before.kind === "leading") return before;
    const awaiting = new Set([...before.awaiting].filter((session) => awaited.has(session)));
    return this.#settled(slot, { ...before, awaiting }, now);
  }

  /** What was complete still is only if nobody else has led since. */
  #basisOf(slot: SlotId, before: Ownership, leaderEpoch: Epoch): Basis {
    const wasComplete = before.kind === "leading" || (before.kind === "following" && before.synced);
    if (wasComplete && before.leaderEpoch === leaderEpoch - 1) return "complete";
    return this.#surroundings.wasComplete(slot) ? "partial" : "nothing";
  }

  /** Whether this node, as a follower, has all that the leader of that epoch has. Gives whether that is news. */
  syncChanged({ slot, leaderEpoch }: SlotRef, synced: boolean): boolean {
    const before = this.of(slot);
    if (before.kind !== "following" || before.leaderEpoch !== leaderEpoch || before.synced === synced) return false;
    this.#change(slot, { ...before, synced });
    return true;
  }

  /** What a session holds of the slot is here. @param isBehind it has been notified of more than was here */
  agreed(session: string, { slot, leaderEpoch }: SlotRef, isBehind: boolean, now: number): OwnershipChange[] {
    const before = this.of(slot);
    if (before.kind !== "taking over" || before.leaderEpoch !== leaderEpoch) return [];
    const awaiting = new Set([...before.awaiting].filter((other) => other !== session));
    return this.#change(slot, this.#settled(slot, { ...before, awaiting, isBehind: before.isBehind || isBehind }, now));
  }

  /** A session is gone for good: nothing more will come from it. */
  forget(session: string, now: number): OwnershipChange[] {
    return ALL_SLOTS.flatMap((slot) => {
      const before = this.of(slot);
      if (before.kind !== "taking over" || !before.awaiting.has(session)) return [];
      const awaiting = new Set([...before.awaiting].filter((other) => other !== session));
      return this.#change(slot, this.#settled(slot, { ...before, awaiting }, now));
    });
  }

  /** Goes on with what has waited long enough. */
  sweep(now: number): OwnershipChange[] {
    return ALL_SLOTS.flatMap((slot) => {
      const before = this.of(slot);
      if (before.kind === "taking over") return this.#change(slot, this.#settled(slot, before, now));
      if (before.kind === "leaving" && now >= before.until) return this.#change(slot, { kind: "not ours" });
      return [];
    });
  }

  /** Begins all waiting anew: for a time during which this node itself stood still counts for nothing. */
  restartWaiting(now: number): void {
    for (const [slot, ownership] of this.#slots)
      if (ownership.kind === "taking over") this.#slots.set(slot, { ...ownership, since: now });
  }

  /** Leading, if there is nothing left to wait for. */
  #settled(slot: SlotId, takingOver: TakingOver, now: number): Ownership {
    const { leaderEpoch, since, awaiting } = takingOver;
    const isAwaited = [...awaiting].some((session) => now - since < this.#patienceWith(session, slot, takingOver));
    return isAwaited ? takingOver : { kind: "leading", leaderEpoch };
  }

  /**
   * How long a session is waited for, in milliseconds. One that is there always is. Where the last moments may be missing,
   * as on disk or when somebody has seen more, what there is of a session that is away is in doubt until its lease has
   * ended, which ends it here: it may have been unregistered in these moments. And one that is away may hold what is not
   * here. All that the leader before had is enough.
   */
  #patienceWith(session: string, slot: SlotId, { basis, isBehind }: TakingOver): number {
    const { registrationLeaseMs } = this.#options;
    if (this.#isThere(session)) return registrationLeaseMs;
    const mayLack = basis === "partial" || isBehind;
    if (mayLack && this.#surroundings.holdsAnything(session, slot)) return 2 * registrationLeaseMs;
    if (isBehind || basis === "nothing") return registrationLeaseMs;
    return basis === "complete" ? 0 : RETURN_MS;
  }

  #isThere(session: string): boolean {
    return this.#sessions.has(session) || this.#surroundings.isLinked(session);
  }

  /** Whether whoever names this leader of the slot knows a newer table than this node. */
  isAhead({ slot, leaderEpoch }: SlotRef): boolean {
    return leaderEpoch > ownerOf(this.#table, slot).leaderEpoch;
  }

  /** Whether a caller that believes in `leaderEpoch` may use the slot. */
  access(slot: SlotId, leaderEpoch: Epoch, use: "read" | "write"): SlotAccess {
    const ownership = this.of(slot);
    const owns = ownership.kind === "leading" || ownership.kind === "taking over";
    if (owns && ownership.leaderEpoch === leaderEpoch && (ownership.kind === "leading" || use === "write"))
      return ACCEPTED;
    const epochs = { tableEpoch: this.#table.epoch, leaderEpoch: ownerOf(this.#table, slot).leaderEpoch };
    if (!owns) return { kind: leaderEpoch > epochs.leaderEpoch ? "stale" : "moved", ...epochs };
    if (ownership.leaderEpoch !== leaderEpoch) return { kind: "stale", ...epochs };
    return { kind: "migrating", ...epochs };
  }

  /** The one place where a slot's ownership changes. Gives the change when there is one to act on. */
  #change(slot: SlotId, after: Ownership): OwnershipChange[] {
    const before = this.of(slot);
    this.#slots.set(slot, after);
    if (before.kind === after.kind && epochOf(before) === epochOf(after)) return [];
    assert(
      MAY_BECOME[before.kind].includes(after.kind),
      `slot ${slot} does not go from ${before.kind} to ${after.kind}`,
    );
    if (after.kind !== "not ours")
      assert(epochOf(after) >= epochOf(before), `the leader epoch of slot ${slot} only grows`);
    if (after.kind === "taking over")
      assert(after.leaderEpoch > epochOf(before), `slot ${slot} is taken over once per epoch`);
    return [{ slot, before, after }];
  }
}

function epochOf(ownership: Ownership): Epoch {
  return ownership.kind === "not ours" ? epoch(0) : ownership.leaderEpoch;
}
