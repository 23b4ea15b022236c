/**
 * P8, durable overrides: once an operator's decision is done and had time to settle, whatever shows the instance shows
 * it as decided, until the next decision on it: through registering again, lost sessions and restarts.
 */

import type { History, HistoryEvent } from "../history.ts";
import { readHistory, subscriberInWords } from "./reading.ts";
import { DEFAULT_LIMITS, type CheckLimits, type Violation } from "./violation.ts";

type Override = Extract<HistoryEvent, { kind: "override" }>;

export function checkDurableOverrides(history: History, limits: CheckLimits = DEFAULT_LIMITS): Violation[] {
  const overrides = history.events.filter((event): event is Override => event.kind === "override");
  if (overrides.length === 0) return [];
  const violations: Violation[] = [];
  for (const subscription of readHistory(history).subscriptions) {
    for (const [index, override] of overrides.entries()) {
      const { service, instanceId, content, at } = override;
      if (service !== subscription.service) continue;
      const next = overrides.find(
        (other, place) => place > index && other.service === service && other.instanceId === instanceId,
      );
      const from = at + limits.settleMs;
      const until = next?.at ?? history.endedAt;
      const seen = subscription.views.filter((view, place) => {
        // A view is looked at until the next one comes.
        const shownUntil = subscription.views[place + 1]?.at ?? (subscription.current ? Infinity : view.at);
        return view.at < until && shownUntil > from && from <= history.endedAt;
      });
      const wrong = seen.find(({ instances }) => instances.has(instanceId) && instances.get(instanceId) !== content);
      if (wrong === undefined) continue;
      const decided = content === undefined ? "which was disabled" : `which was decided to be ${content}`;
      const message = `${subscriberInWords(subscription)} shows ${instanceId} as ${wrong.instances.get(instanceId)}, ${decided}`;
      violations.push({ property: "P8", at: Math.max(wrong.at, from), service, message });
    }
  }
  return violations;
}
