/**
 * P12, silence: what a client holds confirmed is not pushed to it again. Two pushes without content are no noise: the
 * answer to a subscribe, and the word that a list nobody vouched for is confirmed. A client that asked for a repair gets
 * one. What a client holds is what it said on that link, or was pushed on it: while it moves from one session to another,
 * both may push it the same news. What it says anew on a link may cross with one push that was on its way. Only to be
 * judged where links lose nothing: what was lost on the way has to be said again.
 */

import type { History, HistoryEvent } from "../history.ts";
import { nameOf } from "./reading.ts";
import type { Violation } from "./violation.ts";

type Holding = Pick<Extract<HistoryEvent, { kind: "pushed" }>, "digest" | "confirmed">;

export function checkSilence({ events }: History): Violation[] {
  const held = new Map<string, Holding>();
  /** What the server at the other end of a link may take a client to hold. */
  const heldOnLink = new Map<string, readonly (Holding | undefined)[]>();
  const violations: Violation[] = [];
  for (const event of events) {
    if (event.kind === "subscribe" || event.kind === "unsubscribe") held.delete(nameOf(event));
    // One that says nothing is held to what it was pushed all the same.
    if (event.kind === "asked") {
      const said = holdingOf(event.digest) ?? held.get(nameOf(event));
      heldOnLink.set(onLink(event), [...(heldOnLink.get(onLink(event)) ?? []), said]);
    }
    if (event.kind !== "pushed") continue;
    const before = heldOnLink.get(onLink(event)) ?? [held.get(nameOf(event))];
    held.set(nameOf(event), event);
    heldOnLink.set(onLink(event), [event]);
    if (!before.every((holding) => isThatOf(event, holding))) continue;
    if (event.asked === "repair" || (event.asked === "subscribed" && event.carried === 0)) continue;
    const what = event.carried === 0 ? "no news" : `${event.carried} instances that it held already`;
    const message = `${event.client} is pushed ${what} of ${event.service}${event.filter === "" ? "" : ` through ${event.filter}`}`;
    violations.push({ property: "P12", at: event.at, service: event.service, message });
  }
  return violations;
}

function isThatOf({ digest }: Holding, before: Holding | undefined): boolean {
  return before !== undefined && before.confirmed && before.digest === digest;
}

function onLink(event: Parameters<typeof nameOf>[0] & { readonly link: string }): string {
  return `${event.link} ${nameOf(event)}`;
}

/** A client says only what was confirmed. */
function holdingOf(digest: string | undefined): Holding | undefined {
  return digest === undefined ? undefined : { digest, confirmed: true };
}
