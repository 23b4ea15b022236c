/**
 * P5, monotonic and untorn views, as far as views alone can show it:
 *
 * - the versions one subscription is shown never go back;
 * - one version of a service seen through one filter is one content, whoever is shown it and however often (views that
 *   are not confirmed are left out: they say themselves that they may lack something);
 * - whatever a view shows was registered by someone before, with exactly that content, and is taken by the filter.
 *
 * That a view also holds every change acknowledged at or below its version is checked in acknowledged-versions.ts.
 */

import { compareVersions, formatVersion } from "@rollcall/core";
import type { History } from "../history.ts";
import { readHistory, subscriberInWords, type NumberedView, type Reading, type Subscription } from "./reading.ts";
import type { Violation } from "./violation.ts";

export function checkViews(history: History): Violation[] {
  const reading = readHistory(history);
  const contents = new Map<string, { readonly content: string; readonly who: string }>();
  return reading.subscriptions.flatMap((subscription) => {
    const who = subscriberInWords(subscription);
    return subscription.views.flatMap((view, index) => {
      const wrong = [
        ...goesBack(view, subscription.views[index - 1]),
        ...isInvented(view, subscription, reading),
        ...(view.confirmed ? differsFromOthers(view, who, contents) : []),
      ];
      return wrong.map((message): Violation => ({
        property: "P5",
        at: view.at,
        service: subscription.service,
        message: `${who} ${message}`,
      }));
    });
  });
}

function goesBack(view: NumberedView, before: NumberedView | undefined): string[] {
  if (before === undefined || compareVersions(view.version, before.version) >= 0) return [];
  return [`goes back from version ${formatVersion(before.version)} to ${formatVersion(view.version)}`];
}

function isInvented(view: NumberedView, { service, takes }: Subscription, { services }: Reading): string[] {
  const wrong: string[] = [];
  for (const [id, content] of view.instances) {
    const claims = services.get(service)?.get(id) ?? [];
    const registered = claims.some(
      (claim) => claim.kind === "register" && claim.content === content && claim.number < view.number,
    );
    if (!registered) wrong.push(`shows ${id} as ${content}, which nobody had registered`);
    if (!takes(id, content)) wrong.push(`shows ${id} as ${content}, which its filter does not take`);
  }
  return wrong;
}

function differsFromOthers(
  view: NumberedView,
  who: string,
  contents: Map<string, { readonly content: string; readonly who: string }>,
): string[] {
  const name = JSON.stringify([view.service, view.filter, formatVersion(view.version)]);
  const content = JSON.stringify([...view.instances].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const known = contents.get(name);
  if (known === undefined) contents.set(name, { content, who });
  if (known === undefined || known.content === content) return [];
  return [`shows ${content} at version ${formatVersion(view.version)}, which was ${known.content} in ${known.who}`];
}
