/**
 * P13, honest acknowledgements: what was reported as registered is in every current subscriber's last view, when the
 * run ends at rest and nobody took it away since; and nothing is answered before it was asked or twice.
 */

import type { History } from "../history.ts";
import { isTaken, reasonsToGo } from "./reasons-to-go.ts";
import { readHistory, subscriberInWords } from "./reading.ts";
import { DEFAULT_LIMITS, type CheckLimits, type Violation } from "./violation.ts";

export function checkAcknowledgements(history: History, limits: CheckLimits = DEFAULT_LIMITS): Violation[] {
  return [...wrongAnswers(history), ...missingAtTheEnd(history, limits)];
}

function wrongAnswers({ events }: History): Violation[] {
  const violations: Violation[] = [];
  const answered = new Set<number>();
  for (const [number, event] of events.entries()) {
    if (!("answers" in event)) continue;
    const asked = event.answers < number ? events[event.answers]?.kind : undefined;
    const fits =
      event.kind === "refused" ? asked === "register" || asked === "unregister" : `${asked}ed` === event.kind;
    const message = !fits
      ? `event ${number} (${event.kind}) answers what nobody asked`
      : answered.has(event.answers)
        ? `event ${number} (${event.kind}) answers event ${event.answers} once more`
        : undefined;
    answered.add(event.answers);
    if (message !== undefined) violations.push({ property: "P13", at: event.at, message });
  }
  return violations;
}

function missingAtTheEnd(history: History, limits: CheckLimits): Violation[] {
  const { services, clients, subscriptions, blocks, endedAt } = readHistory(history);
  const violations: Violation[] = [];
  for (const subscription of subscriptions.filter(({ current }) => current)) {
    const shown = subscription.views.at(-1)?.instances;
    for (const [id, claims] of services.get(subscription.service) ?? []) {
      const last = claims.findLast((claim) => claim.outcome.kind === "applied" && isTaken(claim, subscription.takes));
      if (last?.outcome.kind !== "applied" || last.outcome.at + limits.settleMs > endedAt || shown?.has(id)) continue;
      const reasons = reasonsToGo(claims, subscription.takes, clients, limits, blocks.get(subscription.service));
      if (reasons.some(({ from, until }) => from <= endedAt && endedAt <= until)) continue;
      const message = `${subscriberInWords(subscription)} ends without ${id}, acknowledged to ${last.client} at ${last.outcome.at} ms`;
      violations.push({ property: "P13", at: endedAt, service: subscription.service, message });
    }
  }
  return violations;
}
