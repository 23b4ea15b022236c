/**
 * P3, no phantom loss: whenever a view drops an instance that the one before it showed, its client gave a reason by
 * then: it asked for it, ended, was away for longer than the lease, or changed the instance out of the filter. What
 * befell servers, and the network between them, is no reason.
 */

import type { History } from "../history.ts";
import { reasonsToGo } from "./reasons-to-go.ts";
import { readHistory, subscriberInWords } from "./reading.ts";
import { DEFAULT_LIMITS, type CheckLimits, type Violation } from "./violation.ts";

export function checkPhantomLoss(history: History, limits: CheckLimits = DEFAULT_LIMITS): Violation[] {
  const { services, clients, subscriptions, blocks } = readHistory(history);
  const violations: Violation[] = [];
  for (const subscription of subscriptions) {
    const instances = services.get(subscription.service);
    for (const [index, view] of subscription.views.entries()) {
      const before = subscription.views[index - 1]?.instances ?? new Map<string, string>();
      for (const id of before.keys()) {
        if (view.instances.has(id)) continue;
        const reasons = reasonsToGo(
          instances?.get(id) ?? [],
          subscription.takes,
          clients,
          limits,
          blocks.get(subscription.service),
        );
        if (reasons.some(({ from, until }) => from <= view.at && view.at <= until)) continue;
        violations.push({
          property: "P3",
          at: view.at,
          service: subscription.service,
          message: `${subscriberInWords(subscription)} drops ${id}, which nobody took away`,
        });
      }
    }
  }
  return violations;
}
