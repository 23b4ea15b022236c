/**
 * P8 for the push switch and for blocks: while every node acts by an operator's decision that nothing is pushed, nothing is,
 * but to those who are excepted; and while a service is blocked, once that had time to settle, nobody is shown an instance
 * of it anew. What left a node just before may still arrive.
 */

import type { History } from "../history.ts";
import { readHistory, subscriberInWords } from "./reading.ts";
import { DEFAULT_LIMITS, type CheckLimits, type Violation } from "./violation.ts";

/** What may be on its way on a slow link, in milliseconds. */
const ON_ITS_WAY_MS = 3_000;

export function checkPushesOff({ events }: History): Violation[] {
  const violations: Violation[] = [];
  let off: { readonly from: number; readonly except: readonly string[] } | undefined;
  for (const event of events) {
    if (event.kind === "pushes off") off = { from: event.at + ON_ITS_WAY_MS, except: event.except };
    if (event.kind === "pushes on") off = undefined;
    if (event.kind !== "pushed" || off === undefined || event.at < off.from) continue;
    if (off.except.includes(event.client)) continue;
    const message = `${event.client} is pushed ${event.service} while pushes are off`;
    violations.push({ property: "P8", at: event.at, service: event.service, message });
  }
  return violations;
}

export function checkBlocked(history: History, limits: CheckLimits = DEFAULT_LIMITS): Violation[] {
  const { subscriptions, blocks } = readHistory(history);
  return subscriptions.flatMap((subscription) => {
    const blocked = blocks.get(subscription.service) ?? [];
    const isSettled = (at: number): boolean =>
      blocked.some(({ from, until }) => at > from + limits.settleMs && at < until);
    return subscription.views
      .filter(({ at, instances }) => instances.size > 0 && isSettled(at))
      .map(({ at }): Violation => {
        const message = `${subscriberInWords(subscription)} shows instances of a service that is blocked`;
        return { property: "P8", at, service: subscription.service, message };
      });
  });
}
