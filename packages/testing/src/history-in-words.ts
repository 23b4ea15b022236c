/** A history as text, one event to a line: what a person reads of a failing run. */

import { formatVersion } from "@rollcall/core";

import type { History, HistoryEvent } from "./history.ts";

const TIME_WIDTH = 10;

/** Every event, or only those about these services and those about none. */
export function formatHistory({ events }: History, about?: ReadonlySet<string>): string {
  return [...events.entries()]
    .filter(([, event]) => about === undefined || isAbout(event, about, events))
    .map(([number, event]) => [event.at.toFixed(3).padStart(TIME_WIDTH), inWords(event, number)] as const)
    .filter(([, words]) => words !== "")
    .map(([time, words]) => `${time}  ${words}`)
    .join("\n");
}

function isAbout(event: HistoryEvent, about: ReadonlySet<string>, events: readonly HistoryEvent[]): boolean {
  if ("service" in event) return about.has(event.service);
  const number = "answers" in event ? event.answers : "unregister" in event ? event.unregister : undefined;
  const asked = number === undefined ? undefined : events[number];
  return asked === undefined || !("service" in asked) || about.has(asked.service);
}

/** Empty for what would only fill pages: who applied which write, and where tables went. */
function inWords(event: HistoryEvent, number: number): string {
  switch (event.kind) {
    case "register":
      return `${event.client} registers ${event.service} ${event.instanceId} as ${event.content} (${number})`;
    case "unregister":
      return `${event.client} unregisters ${event.service} ${event.instanceId} (${number})`;
    case "registered":
    case "unregistered":
      return `(${event.answers}) is ${event.kind} at ${formatVersion(event.version)}`;
    case "drained":
      return `everybody is said to know of (${event.unregister})`;
    case "refused":
      return `(${event.answers}) is refused`;
    case "connection lost":
      return `${event.client} loses its connection`;
    case "connection restored":
      return `${event.client} is connected again`;
    case "client closed":
      return `${event.client} closes`;
    case "client crashed":
      return `${event.client} crashes`;
    case "subscribe":
    case "unsubscribe":
      return `${event.client} ${event.kind}s to ${event.service}${through(event)}`;
    case "view":
      return `${event.client} sees ${event.service}${through(event)} ${formatVersion(event.version)}${unless(event.confirmed)}: ${[...event.instances].map(([id, content]) => `${id} (${content}${event.disabled?.has(id) === true ? ", disabled" : ""})`).join(", ") || "nobody"}`;
    case "services listed":
      return `${event.client} sees services ${event.prefix}*: ${[...event.services].join(", ") || "none"}`;
    case "fault":
      return event.what;
    case "override":
      return `an operator decides that ${event.service} ${event.instanceId} is ${event.content ?? "disabled"}`;
    case "disabled":
    case "enabled":
      return `${event.service} ${event.instanceId} is ${event.kind} by an operator`;
    case "block":
      return `an operator blocks ${event.service}`;
    case "unblocked":
      return `${event.service} is blocked no longer`;
    case "pushes off":
      return `pushes are off${event.except.length > 0 ? `, but to ${event.except.join(", ")}` : ""}`;
    case "pushes on":
      return "pushes are to go on";
    case "measured":
      return event.value > event.max ? `${event.what}: ${event.value}, at most ${event.max}` : "";
    case "pushed":
      return `${event.client} is pushed ${event.service}${through(event)} ${formatVersion(event.version)} ${event.snapshot ? "as a snapshot" : "as a delta"} of ${event.carried} to ${event.digest.slice(0, 8)}${unless(event.confirmed)}${event.asked === "no" ? "" : `, having asked (${event.asked})`}`;
    case "misunderstood":
      return `${event.to} does not understand ${event.from}: ${event.why}`;
    case "table":
      return `slot table ${event.epoch} goes round`;
    case "accepted":
    case "asked":
      return "";
    case "faults over":
    case "all servers down":
    case "servers back":
      return event.kind;
  }
}

function through({ filter }: { readonly filter: string }): string {
  return filter === "" ? "" : ` through ${filter}`;
}

function unless(confirmed: boolean): string {
  return confirmed ? "" : ", unconfirmed";
}
