/** What processes use, as the kernel counts it: all their threads, and nothing of what watches them. */

import { readFileSync } from "node:fs";

import { loopDelayMs } from "./metrics.ts";
import type { RoleUsage } from "./scenario.ts";

export interface Server {
  readonly role: string;
  readonly pid: number;
  /** Where it tells how late its event loop runs, if it does: `host:port`. */
  readonly metricsAt?: string | undefined;
}

/** What the kernel counts processor time in, for each second. */
const TICKS_PER_S = 100;

/** Processor time that a process has used so far, in seconds. */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name of the command, which may hold anything, is in parentheses.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

export function residentMib(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) / 1_024;
}

/**
 * Does something and tells what the servers used meanwhile; their memory is that at the end, and the delay of the event loop
 * that of the one in each role that was latest.
 */
export async function usageWhile<Result>(
  servers: readonly Server[],
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly usage: readonly RoleUsage[]; readonly seconds: number }> {
  await loopDelays(servers);
  const before = servers.map(({ pid }) => cpuSeconds(pid));
  const beganAt = performance.now();
  const result = await work();
  const seconds = (performance.now() - beganAt) / 1_000;
  const used = servers.map(({ pid }, index) => cpuSeconds(pid) - before[index]!);
  const delays = await loopDelays(servers);
  const byRole = new Map<string, RoleUsage>();
  for (const [index, { role, pid }] of servers.entries()) {
    const sum = byRole.get(role);
    byRole.set(role, {
      role,
      cpuSeconds: (sum?.cpuSeconds ?? 0) + used[index]!,
      residentMib: (sum?.residentMib ?? 0) + residentMib(pid),
      loopDelayMs: latestOf(sum?.loopDelayMs, delays[index]),
    });
  }
  return { result, usage: [...byRole.values()], seconds };
}

/** How late the event loops of those ran that tell it, since this was asked last. */
function loopDelays(servers: readonly Server[]): Promise<(number | undefined)[]> {
  return Promise.all(
    servers.map(async ({ metricsAt }) => (metricsAt === undefined ? undefined : loopDelayMs(metricsAt))),
  );
}

function latestOf(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other);
}

/** What was used in two rounds one after the other, by the same roles: the memory is that at the end of the second. */
export function bothUsages(first: readonly RoleUsage[], second: readonly RoleUsage[]): RoleUsage[] {
  return second.map((usage) => {
    const before = first.find(({ role }) => role === usage.role);
    return {
      ...usage,
      cpuSeconds: (before?.cpuSeconds ?? 0) + usage.cpuSeconds,
      loopDelayMs: latestOf(before?.loopDelayMs, usage.loopDelayMs),
    };
  });
}

/** Of all roles: not less than what can be told apart from nothing, so that one can divide by it. */
export function totalCpuSeconds(usage: readonly RoleUsage[]): number {
  return Math.max(
    1 / TICKS_PER_S,
    usage.reduce((sum, role) => sum + role.cpuSeconds, 0),
  );
}
