/**
 * P6, bounded ghosts: the instances of a client that ended are gone from every live view within the ghost time. While
 * the registry itself is sick nobody may be taken for dead, so the time counts from when the last fault was over, and
 * then includes the time to settle.
 */

import type { History } from "../history.ts";
import { NO_LIFE, readHistory, subscriberInWords, type Claim, type Reading, type Subscription } from "./reading.ts";
import { DEFAULT_LIMITS, type CheckLimits, type Violation } from "./violation.ts";

export function checkBoundedGhosts(history: History, limits: CheckLimits = DEFAULT_LIMITS): Violation[] {
  const reading = readHistory(history);
  const faults = history.events.filter(({ kind }) => kind === "fault" || kind === "faults over");
  const calmAt = faults.at(-1)?.kind === "fault" ? Infinity : faults.at(-1)?.at;
  const violations: Violation[] = [];
  for (const subscription of reading.subscriptions) {
    for (const [id, claims] of reading.services.get(subscription.service) ?? []) {
      const diedAt = deathOf(claims, reading);
      if (diedAt === undefined) continue;
      const deadline =
        calmAt === undefined ? diedAt + limits.ghostMs : Math.max(diedAt, calmAt) + limits.ghostMs + limits.settleMs;
      const at = firstWith(id, subscription, deadline, reading.endedAt);
      if (at === undefined) continue;
      const message = `${subscriberInWords(subscription)} still shows ${id}, whose client ended at ${diedAt} ms`;
      violations.push({ property: "P6", at, service: subscription.service, message });
    }
  }
  return violations;
}

/** When the last of the clients that spoke for an instance ended; undefined while one of them has not. */
function deathOf(claims: readonly Claim[], { clients }: Reading): number | undefined {
  let last = 0;
  for (const name of new Set(claims.map(({ client }) => client))) {
    const spoke = claims.findLast(({ client }) => client === name)!;
    const end = (clients.get(name) ?? NO_LIFE).ends.find(({ number }) => number > spoke.number);
    if (end === undefined) return undefined;
    last = Math.max(last, end.at);
  }
  return last;
}

function firstWith(id: string, { views, current }: Subscription, from: number, endedAt: number): number | undefined {
  const shownThen = views.findLast(({ at }) => at <= from);
  if (current && from <= endedAt && shownThen?.instances.has(id)) return from;
  return views.find(({ at, instances }) => at > from && instances.has(id))?.at;
}
