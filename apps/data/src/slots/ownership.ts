/**
 * Which slots this node leads, and how far it is with those it has just been given.
 *
 *                 table names us                  every session has reported
 *     not ours ------------------> taking over ------------------------------> leading
 *        ^                              |                                         |
 *        '------------------------------'----- table names another leader, -------'
 *                                              or us at a higher epoch (then: taking over)
 *
 * A slot that is being taken over takes writes, for they are how sessions hand over what they hold, and refuses reads,
 * for its lists are not complete: late is allowed, wrong is not.
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
  type SlotReport,
  type SlotTable,
} from "@rollcall/core";

export type Ownership =
  | { readonly kind: "not ours" }
  /** `awaiting`: member keys of the sessions that have not yet reported all they hold. Never empty. */
  | { readonly kind: "taking over"; readonly leaderEpoch: Epoch; readonly awaiting: ReadonlySet<string> }
  | { readonly kind: "leading"; readonly leaderEpoch: Epoch };

export interface OwnershipChange {
  readonly slot: SlotId;
  readonly before: Ownership;
  readonly after: Ownership;
}

export class SlotOwnership {
  readonly #nodeId: string;
  #slots = new Map<SlotId, Ownership>(ALL_SLOTS.map((slot) => [slot, { kind: "not ours" }]));
  #table: SlotTable = EMPTY_SLOT_TABLE;

  constructor(nodeId: string) {
    this.#nodeId = nodeId;
  }

  of(slot: SlotId): Ownership {
    return this.#slots.get(slot)!;
  }

  /** Slots that are led completely, for readiness and status. */
  count(kind: Ownership["kind"]): number {
    let count = 0;
    for (const ownership of this.#slots.values()) if (ownership.kind === kind) count++;
    return count;
  }

  /**
   * Takes over what a newer state of the cluster gives, and lets go of what it takes.
   * @param absent sessions that are no members at the moment and may still come back with what they hold
   */
  adopt(state: ClusterState, absent: Iterable<string>): OwnershipChange[] {
    this.#table = state.table;
    const sessions = new Set([...state.members.filter(({ role }) => role === "session").map(memberKey), ...absent]);
    return ALL_SLOTS.flatMap((slot) => this.#change(slot, this.#ownershipIn(slot, sessions)));
  }

  #ownershipIn(slot: SlotId, sessions: ReadonlySet<string>): Ownership {
    const { leader, leaderEpoch } = ownerOf(this.#table, slot);
    const before = this.of(slot);
    if (leader !== this.#nodeId) return { kind: "not ours" };
    if (before.kind === "not ours" || before.leaderEpoch !== leaderEpoch)
      return ownershipAwaiting(leaderEpoch, sessions);
    if (before.kind === "leading") return before;
    return ownershipAwaiting(leaderEpoch, new Set([...before.awaiting].filter((session) => sessions.has(session))));
  }

  /** A session has handed over all it holds for a slot. */
  report(session: string, { slot, leaderEpoch }: SlotReport): OwnershipChange[] {
    const before = this.of(slot);
    return before.kind === "taking over" && before.leaderEpoch === leaderEpoch ? this.#stopAwaiting(session, slot) : [];
  }

  /** A session is gone for good: nothing more will come from it. */
  forget(session: string): OwnershipChange[] {
    return ALL_SLOTS.flatMap((slot) => this.#stopAwaiting(session, slot));
  }

  #stopAwaiting(session: string, slot: SlotId): OwnershipChange[] {
    const before = this.of(slot);
    if (before.kind !== "taking over" || !before.awaiting.has(session)) return [];
    return this.#change(
      slot,
      ownershipAwaiting(before.leaderEpoch, new Set([...before.awaiting].filter((other) => other !== session))),
    );
  }

  /** Whether a caller that believes in `leaderEpoch` may use the slot. */
  access(slot: SlotId, leaderEpoch: Epoch, use: "read" | "write"): SlotAccess {
    const ownership = this.of(slot);
    const epochs = { tableEpoch: this.#table.epoch, leaderEpoch: ownerOf(this.#table, slot).leaderEpoch };
    if (ownership.kind === "not ours") return { kind: leaderEpoch > epochs.leaderEpoch ? "stale" : "moved", ...epochs };
    if (ownership.leaderEpoch !== leaderEpoch) return { kind: "stale", ...epochs };
    if (ownership.kind === "taking over" && use === "read") return { kind: "migrating", ...epochs };
    return { kind: "accepted" };
  }

  /** The one place where a slot's ownership changes. */
  #change(slot: SlotId, after: Ownership): OwnershipChange[] {
    const before = this.of(slot);
    if (before.kind === after.kind && epochOf(before) === epochOf(after)) {
      this.#slots.set(slot, after);
      return [];
    }
    if (before.kind !== "not ours" && after.kind !== "not ours") {
      assert(after.leaderEpoch >= before.leaderEpoch, `leader epoch of slot ${slot} only grows`);
      assert(
        after.leaderEpoch > before.leaderEpoch || after.kind === "leading",
        `slot ${slot} is taken over once per epoch`,
      );
    }
    this.#slots.set(slot, after);
    return [{ slot, before, after }];
  }
}

function ownershipAwaiting(leaderEpoch: Epoch, awaiting: ReadonlySet<string>): Ownership {
  return awaiting.size === 0 ? { kind: "leading", leaderEpoch } : { kind: "taking over", leaderEpoch, awaiting };
}

function epochOf(ownership: Ownership): Epoch {
  return ownership.kind === "not ours" ? epoch(0) : ownership.leaderEpoch;
}
