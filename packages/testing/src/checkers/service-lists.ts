/**
 * P1, P3 and P7 for lists of services, which hold every service of their prefix that has an instance: a list loses a
 * service only when each of its instances has a reason to go, lists no service that nobody had registered anything for,
 * and at the end of a run has every service with an instance whose client is there.
 */

import type { History, HistoryEvent } from "../history.ts";
import { NO_LIFE, entryOf, readHistory, type Claim, type Reading } from "./reading.ts";
import { reasonsToGo } from "./reasons-to-go.ts";
import { DEFAULT_LIMITS, type CheckLimits, type Violation } from "./violation.ts";

type Listed = Extract<HistoryEvent, { kind: "services listed" }>;

export function checkServiceLists(history: History, limits: CheckLimits = DEFAULT_LIMITS): Violation[] {
  const reading = readHistory(history);
  const lists = new Map<string, Listed[]>();
  for (const event of history.events)
    if (event.kind === "services listed")
      entryOf(lists, JSON.stringify([event.client, event.prefix]), () => []).push(event);
  return [...lists.values()].flatMap((views) => [
    ...views.flatMap((view, index) => [...invented(view, reading), ...lost(view, views[index - 1], reading, limits)]),
    ...missingAtTheEnd(views.at(-1)!, reading),
  ]);
}

function violation(
  property: Violation["property"],
  { at, client, prefix }: Listed,
  service: string,
  what: string,
): Violation {
  return { property, at, service, message: `${client}'s list of services ${prefix}* ${what} ${service}` };
}

function invented(view: Listed, { services }: Reading): Violation[] {
  const isKnown = (service: string): boolean =>
    [...(services.get(service)?.values() ?? [])].flat().some(({ kind, at }) => kind === "register" && at <= view.at);
  return [...view.services]
    .filter((service) => !isKnown(service))
    .map((service) => violation("P5", view, service, "has, though nobody had registered it,"));
}

function lost(view: Listed, before: Listed | undefined, reading: Reading, limits: CheckLimits): Violation[] {
  const gone = [...(before?.services ?? [])].filter((service) => !view.services.has(service));
  return gone.flatMap((service) => {
    const staying = [...(reading.services.get(service)?.values() ?? [])].some((claims) =>
      mustStay(claims, before!.at, view.at, reading, limits),
    );
    return staying ? [violation("P3", view, service, "loses, while it has an instance that nobody took away,")] : [];
  });
}

/** Whether the instance was registered before `from` and has no reason to be gone by `until`. */
function mustStay(
  claims: readonly Claim[],
  from: number,
  until: number,
  { clients }: Reading,
  limits: CheckLimits,
): boolean {
  const standing = claims.findLast(({ at, outcome }) => at <= until && outcome.kind !== "refused");
  if (standing?.kind !== "register" || standing.outcome.kind !== "applied" || standing.outcome.at > from) return false;
  return !reasonsToGo(claims, () => true, clients, limits).some(
    (reason) => reason.from <= until && until <= reason.until,
  );
}

function missingAtTheEnd(last: Listed, { services, clients }: Reading): Violation[] {
  const mayLook = clients.get(last.client) ?? NO_LIFE;
  if (mayLook.ends.length > 0 || mayLook.absences.at(-1)?.until === Infinity) return [];
  return [...services].flatMap(([service, instances]) => {
    const isThere = [...instances.values()].some((claims) => {
      const standing = claims.findLast(({ outcome }) => outcome.kind !== "refused");
      if (standing?.kind !== "register" || standing.outcome.kind !== "applied") return false;
      const { ends, absences } = clients.get(standing.client) ?? NO_LIFE;
      return !ends.some(({ number }) => number > standing.number) && absences.at(-1)?.until !== Infinity;
    });
    const isWanted = service.split("/")[2]!.startsWith(last.prefix);
    return isThere && isWanted && !last.services.has(service) ? [violation("P1", last, service, "ends without")] : [];
  });
}
