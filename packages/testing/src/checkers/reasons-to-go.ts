/**
 * Why an instance may leave a view: its client asked for it, ended, was away for too long, or changed the instance so
 * that the subscriber's filter no longer takes it; or an operator has blocked the service. A reason counts from its time on, and until whatever brought the
 * instance back has had time to show.
 */

import type { Takes } from "../history.ts";
import { NO_LIFE, type Claim, type ClientLife, type Interval } from "./reading.ts";
import type { CheckLimits } from "./violation.ts";

export interface ReasonToGo {
  /** The number of the event that is the reason; Infinity for an absence or a block, which is none but lasts. */
  readonly number: number;
  readonly from: number;
  readonly until: number;
}

export function reasonsToGo(
  claims: readonly Claim[],
  takes: Takes,
  clients: ReadonlyMap<string, ClientLife>,
  limits: CheckLimits,
  blocks: readonly Interval[] = [],
): ReasonToGo[] {
  const reasons: ReasonToGo[] = blocks.map(({ from, until }) => ({
    number: Infinity,
    from,
    until: until + limits.settleMs,
  }));
  /** Until a registration that was made after event `number`, and is taken, has had time to show. */
  const untilBack = (number: number) => {
    const back = claims.filter((claim) => claim.number > number && isTaken(claim, takes));
    return Math.min(
      Infinity,
      ...back.map(({ outcome }) => (outcome.kind === "applied" ? outcome.at + limits.settleMs : Infinity)),
    );
  };
  for (const claim of claims) {
    if (claim.outcome.kind !== "refused" && !isTaken(claim, takes))
      reasons.push({ number: claim.number, from: claim.at, until: untilBack(claim.number) });
  }
  for (const client of new Set(claims.map((claim) => claim.client))) {
    const { ends, absences } = clients.get(client) ?? NO_LIFE;
    for (const { number, at } of ends) {
      const claimed = claims.some((claim) => claim.client === client && claim.number < number);
      if (claimed) reasons.push({ number, from: at, until: untilBack(number) });
    }
    for (const absence of absences) {
      const from = absence.from - limits.detectMs + limits.absenceMs;
      if (from <= absence.until) reasons.push({ number: Infinity, from, until: absence.until + limits.settleMs });
    }
  }
  return reasons;
}

export function isTaken(claim: Claim, takes: Takes): boolean {
  return claim.kind === "register" && takes(claim.instanceId, claim.content);
}
