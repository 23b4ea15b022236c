/**
 * P4, no resurrection: once an unregister was acknowledged and the settle time has passed, no view that newly shows the
 * instance appears, and no last view shows it, until it is registered again.
 */

import type { History } from "../history.ts";
import { readHistory, subscriberInWords, type Claim, type Subscription } from "./reading.ts";
import { DEFAULT_LIMITS, type CheckLimits, type Violation } from "./violation.ts";

export function checkResurrection(history: History, limits: CheckLimits = DEFAULT_LIMITS): Violation[] {
  const { services, subscriptions, endedAt } = readHistory(history);
  return subscriptions.flatMap((subscription) => {
    const instances = [...(services.get(subscription.service) ?? [])];
    return instances.flatMap(([id, claims]) => [
      ...risenIn(subscription, id, claims, limits),
      ...(subscription.current ? stillThere(subscription, id, claims, endedAt, limits) : []),
    ]);
  });
}

function risenIn(subscription: Subscription, id: string, claims: readonly Claim[], limits: CheckLimits): Violation[] {
  const risen = subscription.views.filter((view, index) => {
    // The first view may come from a holder that is cut off; one that has once shown it gone may not go back.
    const goneBefore = index > 0 && !subscription.views[index - 1]!.instances.has(id);
    return goneBefore && view.instances.has(id) && isBuried(claims, view.number, view.at, limits);
  });
  return risen.map(({ at }) => ({
    property: "P4",
    at,
    service: subscription.service,
    message: `${id} comes back into ${subscriberInWords(subscription)} after its unregister was acknowledged`,
  }));
}

function stillThere(
  subscription: Subscription,
  id: string,
  claims: readonly Claim[],
  endedAt: number,
  limits: CheckLimits,
): Violation[] {
  const shown = subscription.views.at(-1)?.instances.has(id) === true;
  if (!shown || !isBuried(claims, Infinity, endedAt, limits)) return [];
  const message = `${subscriberInWords(subscription)} ends with ${id}, whose unregister was acknowledged`;
  return [{ property: "P4", at: endedAt, service: subscription.service, message }];
}

/** Whether, before event `number` and long enough before `at`, the last word on the instance was an acknowledged unregister. */
function isBuried(claims: readonly Claim[], number: number, at: number, { settleMs }: CheckLimits): boolean {
  const last = claims.findLast((claim) => claim.number < number && claim.outcome.kind !== "refused");
  return last?.kind === "unregister" && last.outcome.kind === "applied" && last.outcome.at + settleMs < at;
}
