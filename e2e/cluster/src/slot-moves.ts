/** Looks at meta's slot table all the time: each table goes into the history, and each change of a leader is counted. */

import { ALL_SLOTS, ownerOf, type SlotTable } from "@rollcall/core";
import type { HistoryRecorder } from "@rollcall/testing";

import type { RealCluster, RealNode } from "./real-cluster.ts";
import { elapse } from "./until.ts";

/** How often, in milliseconds: shorter than a heartbeat, and so than the time between two tables. */
const EVERY_MS = 50;

export interface SlotMove {
  readonly slot: number;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

export class SlotMoves implements AsyncDisposable {
  readonly #cluster: RealCluster;
  readonly #history: HistoryRecorder;
  readonly #over = new AbortController();
  readonly #watching: Promise<void>;
  readonly #moves: SlotMove[] = [];
  #table: SlotTable | undefined;

  constructor(cluster: RealCluster, history: HistoryRecorder) {
    this.#cluster = cluster;
    this.#history = history;
    this.#watching = this.#watch();
  }

  /** In the order in which they were seen. */
  get moves(): readonly SlotMove[] {
    return this.#moves;
  }

  /** Slots that were taken from the same node more than once, from move number `from` on. */
  movedTwice(from = 0): string[] {
    const times = new Map<string, number>();
    for (const { slot, from: loser } of this.#moves.slice(from)) {
      const name = `slot ${slot} of ${loser}`;
      times.set(name, (times.get(name) ?? 0) + 1);
    }
    return [...times].filter(([, count]) => count > 1).map(([name, count]) => `${name} moved ${count} times`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    while (!this.#over.signal.aborted) {
      // Without meta there is no news of it.
      const state = await this.#cluster.state().catch(() => undefined);
      if (state !== undefined) this.#take(state.table);
      await elapse(EVERY_MS);
    }
  }

  #take(table: SlotTable): void {
    const before = this.#table;
    if (before?.epoch === table.epoch) return;
    this.#table = table;
    const owners = ALL_SLOTS.map((slot) => ownerOf(table, slot));
    this.#history.record({
      kind: "table",
      epoch: table.epoch,
      leaders: owners.map(({ leader }) => leader),
      leaderEpochs: owners.map(({ leaderEpoch }) => leaderEpoch),
    });
    if (before === undefined) return;
    for (const slot of ALL_SLOTS) {
      const [from, to] = [ownerOf(before, slot).leader, owners[slot]!.leader];
      if (from !== to) this.#moves.push({ slot, from, to });
    }
  }
}

/** How many slots each of these nodes leads. */
export function slotsLed(table: SlotTable, nodes: readonly RealNode[]): number[] {
  const leaders = ALL_SLOTS.map((slot) => ownerOf(table, slot).leader);
  return nodes.map(({ nodeId }) => leaders.filter((leader) => leader === nodeId).length);
}
