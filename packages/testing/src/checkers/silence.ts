/**
 * P12, silence: what a client holds confirmed is not pushed to it again. Two pushes without content are no noise: the
 * answer to a subscribe, and the word that a list nobody vouched for is confirmed. A client that asked for a repair gets
 * one. What a client holds is what it said on that link, or was pushed on it: while it moves from one session to another,
 * both may push it the same news. Only to be judged where links lose nothing: what was lost on the way has to be said again.
 */

import type { History, HistoryEvent } from "../history.ts";
import { nameOf } from "./reading.ts";
import type { Violation } from "./violation.ts";

type Holding = Pick<Extract<HistoryEvent, { kind: "pushed" }>, "digest" | "confirmed">;

export function checkSilence({ events }: History): Violation[] {
  /** As far as is known at all, and as far as it is known on a link. */
  const held = new Map<string, Holding>();
  const heldOnLink = new Map<string, Holding | undefined>();
  const violations: Violation[] = [];
  for (const event of events) {
    if (event.kind === "subscribe" || event.kind === "unsubscribe") held.delete(nameOf(event));
    // One that says nothing is held to what it was pushed all the same.
    if (event.kind === "asked") heldOnLink.set(onLink(event), holdingOf(event.digest) ?? held.get(nameOf(event)));
    if (event.kind !== "pushed") continue;
    const before = heldOnLink.has(onLink(event)) ? heldOnLink.get(onLink(event)) : held.get(nameOf(event));
    held.set(nameOf(event), event);
    heldOnLink.set(onLink(event), event);
    if (before === undefined || !before.confirmed || before.digest !== event.digest) continue;
    if (event.asked === "repair" || (event.asked === "subscribed" && event.carried === 0)) continue;
    const what = event.carried === 0 ? "no news" : `${event.carried} instances that it held already`;
    const message = `${event.client} is pushed ${what} of ${event.service}${event.filter === "" ? "" : ` through ${event.filter}`}`;
    violations.push({ property: "P12", at: event.at, service: event.service, message });
  }
  return violations;
}

function onLink(event: Parameters<typeof nameOf>[0] & { readonly link: string }): string {
  return `${event.link} ${nameOf(event)}`;
}

/** A client says only what was confirmed. */
function holdingOf(digest: string | undefined): Holding | undefined {
  return digest === undefined ? undefined : { digest, confirmed: true };
}
