/**
 * P8 for instances that operators have disabled: from when every node acts by the decision, and the news has had time to
 * arrive, nobody is shown the instance anew as one that wants traffic, whoever registers it and whatever befalls nodes,
 * until the decision is taken back. In the end exactly those are shown as disabled that are.
 */

import type { History } from "../history.ts";
import { readHistory, subscriberInWords, type Interval } from "./reading.ts";
import type { Violation } from "./violation.ts";

/** A leader that was lost with the news may have to be replaced first, in milliseconds. */
const ARRIVES_WITHIN_MS = 12_000;

export function checkDisabled(history: History): Violation[] {
  const disabled = readDisabled(history);
  if (disabled.size === 0) return [];
  const violations: Violation[] = [];
  for (const subscription of readHistory(history).subscriptions) {
    const { service, views, current } = subscription;
    const decidedOn = (id: string): readonly Interval[] => disabled.get(`${service} ${id}`) ?? [];
    const wrong = (at: number, id: string, as: string): void => {
      const message = `${subscriberInWords(subscription)} shows ${id} as ${as}`;
      violations.push({ property: "P8", at, service, message });
    };
    for (const view of views) {
      const isInForce = ({ from, until }: Interval): boolean => view.at > from + ARRIVES_WITHIN_MS && view.at < until;
      for (const id of view.instances.keys())
        if (view.disabled?.has(id) !== true && decidedOn(id).some(isInForce)) wrong(view.at, id, "enabled");
    }
    const last = current ? views.at(-1) : undefined;
    for (const id of last?.instances.keys() ?? []) {
      const isDisabled = decidedOn(id).some(({ until }) => until === Infinity);
      if (last?.disabled?.has(id) === true && !isDisabled) wrong(history.endedAt, id, "disabled in the end");
      if (last?.disabled?.has(id) !== true && isDisabled) wrong(history.endedAt, id, "enabled in the end");
    }
  }
  return violations;
}

/** While instances were disabled, by service and id. */
function readDisabled({ events }: History): Map<string, { from: number; until: number }[]> {
  const disabled = new Map<string, { from: number; until: number }[]>();
  for (const event of events) {
    if (event.kind !== "disabled" && event.kind !== "enabled") continue;
    const name = `${event.service} ${event.instanceId}`;
    const intervals = disabled.get(name) ?? [];
    disabled.set(name, intervals);
    const open = intervals.find(({ until }) => until === Infinity);
    // Deciding the same again changes nothing.
    if (open === undefined && event.kind === "disabled") intervals.push({ from: event.at, until: Infinity });
    if (open !== undefined && event.kind === "enabled") open.until = event.at;
  }
  return disabled;
}
