/**
 * P12, silence: what a client holds confirmed is not pushed to it again. Two pushes without content are no noise: the
 * answer to a subscribe, and the word that a list nobody vouched for is confirmed. A client that asked for a repair gets
 * one. Only to be judged where links lose nothing: what was lost on the way has to be said again.
 */

import type { History, HistoryEvent } from "../history.ts";
import { nameOf } from "./reading.ts";
import type { Violation } from "./violation.ts";

type Pushed = Extract<HistoryEvent, { kind: "pushed" }>;

export function checkSilence({ events }: History): Violation[] {
  const held = new Map<string, Pushed>();
  const violations: Violation[] = [];
  for (const event of events) {
    if (event.kind === "subscribe" || event.kind === "unsubscribe") held.delete(nameOf(event));
    if (event.kind !== "pushed") continue;
    const before = held.get(nameOf(event));
    held.set(nameOf(event), event);
    if (before === undefined || !before.confirmed || before.digest !== event.digest) continue;
    if (event.asked === "repair" || (event.asked === "subscribed" && event.carried === 0)) continue;
    const what = event.carried === 0 ? "no news" : `${event.carried} instances that it held already`;
    const message = `${event.client} is pushed ${what} of ${event.service}${event.filter === "" ? "" : ` through ${event.filter}`}`;
    violations.push({ property: "P12", at: event.at, service: event.service, message });
  }
  return violations;
}
