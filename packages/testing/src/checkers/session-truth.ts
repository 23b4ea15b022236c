/**
 * P2, session truth: with faults over and time to settle, every view shows each instance that was acknowledged to a
 * client which has been connected ever since and has not taken it back. Unlike P1 this looks at every view from then
 * on and not only at the last, and does not need the run to end at rest.
 */

import type { History } from "../history.ts";
import { isTaken, reasonsToGo } from "./reasons-to-go.ts";
import { readHistory, subscriberInWords, type Claim, type Subscription } from "./reading.ts";
import { DEFAULT_LIMITS, type CheckLimits, type Violation } from "./violation.ts";

export function checkSessionTruth(history: History, limits: CheckLimits = DEFAULT_LIMITS): Violation[] {
  const { services, clients, subscriptions, blocks, endedAt } = readHistory(history);
  const faultAt = history.events.findLast(({ kind }) => kind === "fault" || kind === "faults over")?.at;
  // Whoever takes a slot over may have to wait a lease for a session that a fault took along.
  const calmAt = faultAt === undefined ? 0 : faultAt + limits.absenceMs;
  const violations: Violation[] = [];
  for (const subscription of subscriptions) {
    for (const [id, claims] of services.get(subscription.service) ?? []) {
      const standing = lastTaken(claims, subscription);
      if (standing?.outcome.kind !== "applied") continue;
      const reasons = reasonsToGo(claims, subscription.takes, clients, limits, blocks.get(subscription.service));
      if (reasons.some(({ number, until }) => number > standing.number && until > standing.at)) continue;
      const from = Math.max(calmAt, standing.outcome.at, subscription.at) + limits.settleMs;
      const at = firstWithout(id, subscription, from, endedAt);
      if (at === undefined) continue;
      const message = `${subscriberInWords(subscription)} lacks ${id}, whose client ${standing.client} never went away`;
      violations.push({ property: "P2", at, service: subscription.service, message });
    }
  }
  return violations;
}

function lastTaken(claims: readonly Claim[], { takes }: Subscription): Claim | undefined {
  const last = claims.findLast(({ outcome }) => outcome.kind !== "refused");
  return last !== undefined && isTaken(last, takes) ? last : undefined;
}

/** When, from `from` on, the subscriber first looks at a view without the instance. */
function firstWithout(id: string, { views, current }: Subscription, from: number, endedAt: number): number | undefined {
  const shownThen = views.findLast(({ at }) => at <= from);
  if (current && from <= endedAt && shownThen?.instances.has(id) !== true) return from;
  return views.find(({ at, instances }) => at > from && !instances.has(id))?.at;
}
