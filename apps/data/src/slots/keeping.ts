/** What is kept of a slot's content as this node becomes something else to the slot: led, followed, or given up. */

import { nextEpoch, type Epoch, type SlotId } from "@rollcall/core";

import type { ClaimClocks } from "../datums/claim-clocks.ts";
import type { DatumStore } from "../datums/datum-store.ts";
import type { OwnershipChange } from "./ownership.ts";

export interface SlotKeepingWatcher {
  /** For the first time all that there is of the slot is here. */
  completed(slot: SlotId): void;
  /** The content of the slot is gone from memory. */
  dropped(slot: SlotId): void;
}

export class SlotKeeping {
  readonly #datums: DatumStore;
  readonly #clocks: ClaimClocks;
  readonly #watcher: SlotKeepingWatcher;

  constructor(datums: DatumStore, clocks: ClaimClocks, watcher: SlotKeepingWatcher) {
    this.#datums = datums;
    this.#clocks = clocks;
    this.#watcher = watcher;
  }

  enter({ slot, before, after }: OwnershipChange, now: number): void {
    const epochBefore = before.kind === "not ours" ? undefined : before.leaderEpoch;
    switch (after.kind) {
      case "taking over":
      case "leading": {
        const isNew = before.kind === "following" || before.kind === "leaving" || epochBefore !== after.leaderEpoch;
        if (isNew) this.#dropFrom(slot, after.leaderEpoch);
        const content = isNew ? this.#datums.lead(slot, after.leaderEpoch) : this.#datums.open(slot);
        // Nobody could renew a lease here until now.
        for (const claim of content.claims()) if (claim.leaseMs > 0) this.#clocks.tend(claim, now);
        if (after.kind === "leading") this.completed(slot);
        break;
      }
      case "following":
        this.#dropFrom(slot, nextEpoch(after.leaderEpoch));
        this.#datums.open(slot);
        this.#stopLeases(slot);
        break;
      case "leaving":
        this.#stopLeases(slot);
        break;
      case "not ours":
        this.drop(slot);
        break;
    }
  }

  /** All that there is of the slot is here: this node leads it, or has it in full as a follower. */
  completed(slot: SlotId): void {
    if (this.#datums.open(slot).completed()) this.#watcher.completed(slot);
  }

  drop(slot: SlotId): void {
    this.#stopLeases(slot);
    this.#datums.drop(slot);
    this.#watcher.dropped(slot);
  }

  /**
   * What is here of that epoch or a newer one is of another history, from a disk that meta's store is older than: versions
   * above it could not be issued, nor taken from a leader.
   */
  #dropFrom(slot: SlotId, leaderEpoch: Epoch): void {
    const content = this.#datums.of(slot);
    if (content !== undefined && content.leaderEpoch >= leaderEpoch) this.drop(slot);
  }

  #stopLeases(slot: SlotId): void {
    for (const claim of this.#datums.of(slot)?.claims() ?? []) this.#clocks.stopLease(claim);
  }
}
