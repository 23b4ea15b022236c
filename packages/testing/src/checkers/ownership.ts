/**
 * P11, as far as it shows on the network: epochs of slot tables are given once and those of leaders never go back in a
 * newer table; a leader epoch of a slot belongs to one leader; and no two nodes (two lives of a process are two nodes)
 * apply writes of one slot at one leader epoch.
 */

import type { History, HistoryEvent } from "../history.ts";
import { entryOf } from "./reading.ts";
import type { Violation } from "./violation.ts";

type Table = Extract<HistoryEvent, { kind: "table" }>;

export function checkOwnership({ events }: History): Violation[] {
  return [...acceptedTwice(events), ...wrongTables(events), ...leadersOfOneEpoch(events)];
}

function acceptedTwice(events: readonly HistoryEvent[]): Violation[] {
  const nodes = new Map<string, string>();
  const violations: Violation[] = [];
  for (const event of events) {
    if (event.kind !== "accepted") continue;
    const { node, slot, leaderEpoch, at } = event;
    const first = entryOf(nodes, `${slot} ${leaderEpoch}`, () => node);
    if (first === node) continue;
    const message = `${node} applies a write of slot ${slot} at leader epoch ${leaderEpoch}, at which ${first} did`;
    violations.push({ property: "P11", at, message });
  }
  return violations;
}

/** Tables by epoch: the same one each time, and no slot's leader epoch lower than in an older table. */
function wrongTables(events: readonly HistoryEvent[]): Violation[] {
  const tables = new Map<number, Table>();
  const violations: Violation[] = [];
  for (const event of events) {
    if (event.kind !== "table") continue;
    const known = entryOf(tables, event.epoch, () => event);
    const differs = event.leaders.some(
      (leader, slot) => leader !== known.leaders[slot] || event.leaderEpochs[slot] !== known.leaderEpochs[slot],
    );
    if (differs) {
      const message = `two different slot tables have epoch ${event.epoch}`;
      violations.push({ property: "P11", at: event.at, message });
    }
  }
  const inOrder = [...tables.values()].toSorted((a, b) => a.epoch - b.epoch);
  for (const [index, { epoch, leaderEpochs, at }] of inOrder.entries()) {
    const before = inOrder[index - 1];
    const slot = leaderEpochs.findIndex((leaderEpoch, slot) => leaderEpoch < (before?.leaderEpochs[slot] ?? 0));
    if (slot < 0) continue;
    const message = `slot table ${epoch} lowers the leader epoch of slot ${slot} to ${leaderEpochs[slot]}`;
    violations.push({ property: "P11", at, message });
  }
  return violations;
}

function leadersOfOneEpoch(events: readonly HistoryEvent[]): Violation[] {
  const leaders = new Map<string, string>();
  const violations: Violation[] = [];
  for (const event of events) {
    if (event.kind !== "table") continue;
    for (const [slot, leader] of event.leaders.entries()) {
      if (leader === undefined) continue;
      const leaderEpoch = event.leaderEpochs[slot]!;
      const first = entryOf(leaders, `${slot} ${leaderEpoch}`, () => leader);
      if (first === leader) continue;
      const message = `slot table ${event.epoch} gives leader epoch ${leaderEpoch} of slot ${slot} to ${leader}, ${first} had it`;
      violations.push({ property: "P11", at: event.at, message });
    }
  }
  return violations;
}
