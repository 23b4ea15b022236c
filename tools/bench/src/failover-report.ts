/** What became of the pushes around the end of a data node, as a table. */

import type { Timeline } from "./harness/scenario.ts";

/** One push with content: when it arrived, how long after the change, of which service, from which leader epoch. */
export type Noted = readonly [arrivedAt: number, latencyMs: number, service: number, leaderEpoch: number];

/** What one process of watchers saw. */
export interface WatchReport {
  readonly noted: readonly Noted[];
  /** Pushes with content that the watcher held already. */
  readonly unchanged: number;
  /** Pushes with an older change than the one before. */
  readonly goneBack: number;
  /** Connections that ended. */
  readonly lost: number;
  /** The last change that each watcher saw. */
  readonly last: readonly (readonly [watcher: number, change: number])[];
}

const BUCKET_MS = 100;

/** Milliseconds of the monotonic clock, which is the same in all processes of a machine. */
export function now(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** One line for each 100 ms: pushes seen and how old the changes were, of the services concerned and of the others. */
export function timeline(
  noted: readonly Noted[],
  {
    killedAt,
    fromMs,
    untilMs,
    concerned,
  }: { killedAt: number; fromMs: number; untilMs: number; concerned: ReadonlySet<number> },
): string[] {
  const header = `${"ms".padStart(7)}${column("pushes")}${column("p99 ms")}${column("concerned")}${column("p99 ms")}`;
  const lines = [header];
  for (let from = fromMs; from < untilMs; from += BUCKET_MS) {
    const inBucket = noted.filter(([at]) => at - killedAt >= from && at - killedAt < from + BUCKET_MS);
    const [ours, others] = [true, false].map((wanted) =>
      inBucket.filter(([, , service]) => concerned.has(service) === wanted),
    );
    lines.push(
      `${String(from).padStart(7)}${column(others!.length)}${column(p99(others!))}${column(ours!.length)}${column(p99(ours!))}`,
    );
  }
  return lines;
}

/** The pushes seen in each 100 ms. */
export function buckets(
  noted: readonly Noted[],
  {
    killedAt,
    fromMs,
    untilMs,
    concerned,
  }: { killedAt: number; fromMs: number; untilMs: number; concerned: ReadonlySet<number> },
): Timeline {
  const counts = Array.from({ length: Math.ceil((untilMs - fromMs) / BUCKET_MS) }, (_, index) => ({
    ms: fromMs + index * BUCKET_MS,
    concerned: 0,
    others: 0,
  }));
  for (const [at, , service] of noted) {
    const bucket = counts[Math.floor((at - killedAt - fromMs) / BUCKET_MS)];
    if (bucket !== undefined) bucket[concerned.has(service) ? "concerned" : "others"]++;
  }
  return counts;
}

/** For each service concerned: how long after the kill a watcher saw the first push of its new leader. Sorted. */
export function firstPushes(
  noted: readonly Noted[],
  { killedAt, epochs }: { killedAt: number; epochs: ReadonlyMap<number, number> },
): number[] {
  const first = new Map<number, number>();
  for (const [at, , service, leaderEpoch] of noted) {
    const epoch = epochs.get(service);
    if (epoch === undefined || leaderEpoch <= epoch) continue;
    first.set(service, Math.min(first.get(service) ?? Infinity, at - killedAt));
  }
  return [...first.values()].toSorted((a, b) => a - b);
}

/** The value below which this share of sorted values lies. */
export function quantile(sorted: readonly number[], share: number): string {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return value === undefined ? "-" : value.toFixed(1);
}

function p99(noted: readonly Noted[]): string {
  return quantile(
    noted.map(([, latencyMs]) => latencyMs).toSorted((a, b) => a - b),
    0.99,
  );
}

function column(value: number | string): string {
  return String(value).padStart(11);
}
