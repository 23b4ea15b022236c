/**
 * P13, honest drains: when a drain is said to be done, no live subscriber shows the instance. Live is who has been
 * connected from before the drain was asked for until it was done, and was not on the point of being taken for lost:
 * whoever comes, or comes back, in between is served what is true then.
 */

import type { History } from "../history.ts";
import { NO_LIFE, readHistory, subscriberInWords, type ClientLife } from "./reading.ts";
import { DEFAULT_LIMITS, type CheckLimits, type Violation } from "./violation.ts";

export function checkDrained(history: History, { detectMs }: CheckLimits = DEFAULT_LIMITS): Violation[] {
  const { services, clients, subscriptions } = readHistory(history);
  const violations: Violation[] = [];
  for (const [number, event] of history.events.entries()) {
    if (event.kind !== "drained") continue;
    const asked = history.events[event.unregister];
    if (asked?.kind !== "unregister") {
      violations.push({ property: "P13", at: event.at, message: `event ${number} drains what nobody asked for` });
      continue;
    }
    const { service, instanceId } = asked;
    const claims = services.get(service)?.get(instanceId) ?? [];
    // Somebody else may have claimed it, or the same client again.
    if (claims.some((claim) => claim.kind === "register" && claim.number > event.unregister)) continue;
    for (const subscription of subscriptions) {
      if (subscription.service !== service || subscription.at > asked.at) continue;
      const life = clients.get(subscription.client) ?? NO_LIFE;
      if (!isLive(life, asked.at, event.at + detectMs)) continue;
      const shown = subscription.views.findLast((view) => view.number < number);
      if (shown?.instances.has(instanceId) !== true) continue;
      const message = `${subscriberInWords(subscription)} shows ${instanceId}, which is said to be drained`;
      violations.push({ property: "P13", at: event.at, service, message });
    }
  }
  return violations;
}

function isLive({ absences, ends }: ClientLife, from: number, until: number): boolean {
  return (
    !absences.some((absence) => absence.from < until && absence.until > from) && !ends.some(({ at }) => at < until)
  );
}
