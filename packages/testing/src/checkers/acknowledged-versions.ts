/**
 * P5 and P13 by versions: an acknowledgement names the version at which the change was applied, and versions of a
 * service are in one order, so every confirmed view at that version or a newer one must show the change:
 *
 * - registered at or below the view's version: the instance is there, with that content or one that its clients asked
 *   for later, unless there was a reason to go between asking and the view;
 * - unregistered at or below the view's version: the instance is not there, unless it was asked for again later.
 *
 * This needs no waiting time and so also judges views in the midst of faults. It is the strictest of the checks.
 */

import { compareVersions, formatVersion, type Version } from "@rollcall/core";
import type { History } from "../history.ts";
import { isTaken, reasonsToGo, type ReasonToGo } from "./reasons-to-go.ts";
import {
  readHistory,
  subscriberInWords,
  type Claim,
  type ClaimOutcome,
  type Interval,
  type NumberedView,
  type Subscription,
} from "./reading.ts";
import { DEFAULT_LIMITS, type CheckLimits, type Violation } from "./violation.ts";

type AppliedClaim = Claim & { readonly outcome: { readonly kind: "applied"; readonly version: Version } };

export function checkAcknowledgedVersions(history: History, limits: CheckLimits = DEFAULT_LIMITS): Violation[] {
  const { services, clients, subscriptions, blocks } = readHistory(history);
  const violations: Violation[] = [];
  for (const subscription of subscriptions) {
    for (const [id, claims] of services.get(subscription.service) ?? []) {
      const blocked = blocks.get(subscription.service) ?? [];
      const reasons = reasonsToGo(claims, subscription.takes, clients, limits, blocked);
      const applied = claims.filter(({ outcome }) => isShownBy(outcome, blocked, limits)) as AppliedClaim[];
      for (const view of subscription.views) {
        const message = view.confirmed ? disagreement(view, id, claims, applied, subscription, reasons) : undefined;
        if (message === undefined) continue;
        const { service } = subscription;
        violations.push({
          property: "P5",
          at: view.at,
          service,
          message: `${subscriberInWords(subscription)} ${message}`,
        });
      }
    }
  }
  return violations;
}

/** What is applied while a service is blocked changes nothing that is shown, and so makes no version of the list. */
function isShownBy(outcome: ClaimOutcome, blocked: readonly Interval[], { settleMs }: CheckLimits): boolean {
  if (outcome.kind !== "applied") return false;
  return !blocked.some(({ from, until }) => from <= outcome.at && outcome.at <= until + settleMs);
}

function disagreement(
  view: NumberedView,
  id: string,
  claims: readonly Claim[],
  applied: readonly AppliedClaim[],
  { takes }: Subscription,
  reasons: readonly ReasonToGo[],
): string | undefined {
  const last = newestUpTo(view.version, applied);
  if (last === undefined) return undefined;
  const shown = view.instances.get(id);
  const later = claims.filter(
    ({ number, kind }) => number > last.number && number < view.number && kind === "register",
  );
  const versions = `${last.kind}ed at version ${formatVersion(last.outcome.version)}, at version ${formatVersion(view.version)}`;
  if (shown === undefined) {
    if (!isTaken(last, takes)) return undefined;
    const mayBeGone = reasons.some(
      ({ number, from, until }) => number > last.number && from <= view.at && until >= last.at,
    );
    return mayBeGone ? undefined : `lacks ${id}, ${versions}`;
  }
  if (last.kind === "unregister" && later.length === 0) return `still shows ${id}, ${versions}`;
  const contents = [...(last.kind === "register" ? [last] : []), ...later].map(({ content }) => content);
  return contents.includes(shown) ? undefined : `shows ${id} as ${shown}, not as ${contents.join(" or ")}, ${versions}`;
}

/** Of the changes that a view of this version must hold, the newest: by version, and by asking among equal ones. */
function newestUpTo(version: Version, applied: readonly AppliedClaim[]): AppliedClaim | undefined {
  let newest: AppliedClaim | undefined;
  for (const claim of applied) {
    if (compareVersions(claim.outcome.version, version) > 0) continue;
    if (newest === undefined || compareVersions(claim.outcome.version, newest.outcome.version) >= 0) newest = claim;
  }
  return newest;
}
