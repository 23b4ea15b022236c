/**
 * P9, autonomous clients: with all servers down a client goes on with its last view, and so does one that is started
 * again. Once they are back it takes at most one full push of each service, and one more for each change that was made or
 * still unanswered meanwhile.
 */

import type { History, HistoryEvent } from "../history.ts";
import {
  entryOf,
  nameOf,
  readHistory,
  subscriberInWords,
  type Reading,
  type Subscription,
  type ViewEvent,
} from "./reading.ts";
import type { Violation } from "./violation.ts";

/** What was on its way when the servers ended has arrived by then, in milliseconds. */
const ON_ITS_WAY_MS = 1_000;

interface Outage {
  readonly from: number;
  readonly until: number;
  /** When the next one begins, or the history ends. */
  readonly judgedUntil: number;
}

export function checkAutonomousClients(history: History): Violation[] {
  const outages = outagesOf(history);
  if (outages.length === 0) return [];
  const reading = readHistory(history);
  const pushes = fullPushes(history.events);
  return outages.flatMap((outage) =>
    reading.subscriptions.flatMap((subscription) => [
      ...changedMeanwhile(subscription, outage, reading),
      ...pushedTooOften(subscription, outage, reading, pushes),
    ]),
  );
}

function outagesOf({ events, endedAt }: History): Outage[] {
  const downs = events.filter(({ kind }) => kind === "all servers down");
  return downs.map(({ at: from }, index) => {
    const until = events.find(({ kind, at }) => kind === "servers back" && at >= from)?.at ?? endedAt;
    return { from, until, judgedUntil: downs[index + 1]?.at ?? endedAt };
  });
}

function changedMeanwhile(subscription: Subscription, outage: Outage, reading: Reading): Violation[] {
  const isNew = subscription.at >= outage.from;
  const former = isNew ? lastViewBefore(outage, subscription, reading) : undefined;
  const view = subscription.views.find(
    (view) =>
      view.at > outage.from + ON_ITS_WAY_MS &&
      view.at < outage.until &&
      !(former !== undefined && isSame(view, former)),
  );
  if (view === undefined) return [];
  const what = isNew ? "begins with what its former life did not see" : "changes while all servers are down";
  const message = `${subscriberInWords(subscription)} ${what}`;
  return [{ property: "P9", at: view.at, service: subscription.service, message }];
}

/** What the same subscription of a former life was shown last. */
function lastViewBefore({ from }: Outage, subscription: Subscription, reading: Reading): ViewEvent | undefined {
  const name = nameOf(subscription);
  return reading.subscriptions
    .filter((other) => other.at < from && nameOf(other) === name)
    .flatMap(({ views }) => views)
    .findLast(({ at }) => at <= from + ON_ITS_WAY_MS);
}

function isSame({ instances: a }: ViewEvent, { instances: b }: ViewEvent): boolean {
  return a.size === b.size && [...a].every(([id, content]) => b.get(id) === content);
}

function pushedTooOften(
  subscription: Subscription,
  { from, until, judgedUntil }: Outage,
  { services, clients }: Reading,
  pushes: ReadonlyMap<string, readonly number[]>,
): Violation[] {
  const claims = [...(services.get(subscription.service)?.values() ?? [])].flat();
  const changes = claims.filter(({ at, outcome }) => {
    const answeredAt = outcome.kind === "applied" ? outcome.at : outcome.kind === "refused" ? at : Infinity;
    return at < judgedUntil && answeredAt >= from;
  });
  const concerned = new Set(claims.map(({ client }) => client));
  const ends = [...clients].filter(
    ([name, { ends }]) => concerned.has(name) && ends.some(({ at }) => at < judgedUntil),
  );
  const allowed = 1 + changes.length + ends.length;
  const full = (pushes.get(nameOf(subscription)) ?? []).filter((at) => at >= until && at < judgedUntil);
  if (full.length <= allowed) return [];
  const message = `${subscriberInWords(subscription)} is pushed in full ${full.length} times after an outage, not ${allowed} times at most`;
  return [{ property: "P9", at: full[allowed]!, service: subscription.service, message }];
}

/** When each subscription was pushed a snapshot with anything in it. */
function fullPushes(events: readonly HistoryEvent[]): Map<string, number[]> {
  const pushes = new Map<string, number[]>();
  for (const event of events) {
    if (event.kind === "pushed" && event.snapshot && event.carried > 0) {
      entryOf(pushes, nameOf(event), () => []).push(event.at);
    }
  }
  return pushes;
}
