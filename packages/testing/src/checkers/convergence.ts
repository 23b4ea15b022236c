/**
 * P1, convergence: at the end of a run, with faults over and nothing happening for the settle time, every current
 * subscriber's last view is the set of live instances that its filter takes, each as it was last registered, and every
 * client that is still there has been answered. An empty view is confirmed.
 *
 * An instance is live when the last word on it is a registration by a client that is there. Where the end leaves open
 * what must be shown (a client that is away, ended less than the ghost time ago, or had its instance spoken for by
 * someone else too), both are allowed.
 */

import type { History } from "../history.ts";
import { isTaken } from "./reasons-to-go.ts";
import {
  NO_LIFE,
  readHistory,
  subscriberInWords,
  type Claim,
  type ClientLife,
  type Reading,
  type Subscription,
} from "./reading.ts";
import { DEFAULT_LIMITS, type CheckLimits, type Violation } from "./violation.ts";

type Presence = "must" | "must not" | "may";

export function checkConvergence(history: History, limits: CheckLimits = DEFAULT_LIMITS): Violation[] {
  const reading = readHistory(history);
  const { endedAt, disturbedAt } = reading;
  const violation = (message: string, service?: string): Violation => ({
    property: "P1",
    at: endedAt,
    service,
    message,
  });
  if (endedAt < disturbedAt + limits.settleMs) {
    return [violation(`the run ended ${endedAt - disturbedAt} ms after the last event: too early to judge`)];
  }
  const unanswered = [...reading.services].flatMap(([service, instances]) =>
    [...instances.values()].flatMap((claims) =>
      claims.filter((claim) => isOwed(claim, claims, reading)).map((claim) => ({ service, claim })),
    ),
  );
  return [
    ...unanswered.map(({ service, claim }) =>
      violation(
        `${claim.client} was never answered its ${claim.kind} of ${service} ${claim.instanceId} at ${claim.at} ms`,
        service,
      ),
    ),
    ...reading.subscriptions
      .filter(({ current }) => current)
      .flatMap((subscription) =>
        checkLastView(subscription, reading, limits).map((wrong) =>
          violation(`${subscriberInWords(subscription)} ${wrong}`, subscription.service),
        ),
      ),
  ];
}

/** Whether an answer is still due: the client is there and has not spoken on this instance since. */
function isOwed(claim: Claim, claims: readonly Claim[], reading: Reading): boolean {
  const last = claims.findLast(({ client }) => client === claim.client);
  return claim === last && claim.outcome.kind === "unanswered" && standing(claim, reading) === "there";
}

function checkLastView(subscription: Subscription, reading: Reading, limits: CheckLimits): string[] {
  const last = subscription.views.at(-1);
  const wrong: string[] = [];
  if (last !== undefined && last.instances.size === 0 && !last.confirmed) wrong.push("ends empty but unconfirmed");
  const instances = reading.services.get(subscription.service) ?? new Map<string, readonly Claim[]>();
  for (const [id, claims] of instances) {
    const shown = last?.instances.get(id);
    const { presence, contents } = expectation(claims, subscription, reading, limits);
    if (presence === "must" && shown === undefined) wrong.push(`ends without ${id}, which is registered`);
    if (presence === "must not" && shown !== undefined) wrong.push(`ends with ${id}, which is gone`);
    if (presence !== "must not" && shown !== undefined && !contents.has(shown)) {
      wrong.push(`ends with ${id} as ${shown} instead of ${[...contents].join(" or ")}`);
    }
  }
  for (const id of last?.instances.keys() ?? []) {
    if (!instances.has(id)) wrong.push(`ends with ${id}, which nobody registered`);
  }
  return wrong;
}

/** Whether a view must show an instance at the end, and as what. */
function expectation(
  claims: readonly Claim[],
  { takes }: Subscription,
  reading: Reading,
  limits: CheckLimits,
): { presence: Presence; contents: ReadonlySet<string> } {
  const standingClaims = claims
    .filter(({ outcome }) => outcome.kind !== "refused")
    .filter((claim, _, all) => all.findLast(({ client }) => client === claim.client) === claim)
    .filter(({ kind }) => kind === "register")
    .map((claim) => ({ claim, standing: standing(claim, reading, limits) }))
    .filter(({ standing }) => standing !== "gone");
  const taken = standingClaims.filter(({ claim }) => isTaken(claim, takes));
  const contents = new Set(taken.map(({ claim }) => claim.content));
  if (taken.length === 0) return { presence: "must not", contents };
  const last = claims.findLast(({ outcome }) => outcome.kind !== "refused");
  const sure =
    taken.length === standingClaims.length &&
    taken.some(({ claim, standing }) => claim === last && standing === "there");
  return { presence: sure ? "must" : "may", contents };
}

/** Whether the client that made a claim is there, gone for good, or neither for certain. */
function standing(claim: Claim, { clients, endedAt }: Reading, limits?: CheckLimits): "there" | "unsure" | "gone" {
  const { ends, absences }: ClientLife = clients.get(claim.client) ?? NO_LIFE;
  const end = ends.find(({ number }) => number > claim.number);
  if (end !== undefined) return limits !== undefined && endedAt < end.at + limits.ghostMs ? "unsure" : "gone";
  return absences.at(-1)?.until === Infinity ? "unsure" : "there";
}
