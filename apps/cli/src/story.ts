/**
 * One story of what several nodes remember of a service. Each tells how long ago things were, by a clock of its own, so
 * the events of different nodes can be put in order only as exactly as the answers travelled. What cannot have been in
 * another order sets that right: a session node cannot have been told before the leader told it.
 */

import { formatVersion, type ServiceEvent } from "@rollcall/core";

/** What one node remembers, and when it said so. */
export interface NodeMemory {
  readonly nodeId: string;
  readonly role: string;
  /** Time of the answer, in milliseconds, by the clock of whoever asked. */
  readonly answeredAt: number;
  readonly events: readonly ServiceEvent[];
}

export interface StoryLine {
  readonly nodeId: string;
  readonly role: string;
  /** By the clock of whoever asked, in milliseconds. */
  readonly at: number;
  readonly event: ServiceEvent;
}

export function storyOf(memories: readonly NodeMemory[]): StoryLine[] {
  const lines = memories.map(({ nodeId, role, answeredAt, events }) =>
    events.map((event): StoryLine => ({ nodeId, role, at: answeredAt - event.agoUs / 1_000, event })),
  );
  const told = lines.flat().filter(({ event }) => event.kind === "notified");
  return lines
    .flatMap((own) => {
      const lateMs = latenessOf(own, told);
      return own.map((line) => ({ ...line, at: line.at + lateMs }));
    })
    .toSorted((a, b) => a.at - b.at || order(a) - order(b));
}

/** How much later everything on this node must have been, so that nothing came before it was sent. */
function latenessOf(own: readonly StoryLine[], told: readonly StoryLine[]): number {
  let lateMs = 0;
  for (const { nodeId, at, event } of own) {
    if (event.kind !== "came" || event.version === undefined) continue;
    const cause = told.find(
      (line) =>
        line.nodeId === event.via &&
        line.event.version !== undefined &&
        formatVersion(line.event.version) === formatVersion(event.version!) &&
        line.event.who.some((session) => session.startsWith(`${nodeId}#`)),
    );
    if (cause !== undefined) lateMs = Math.max(lateMs, cause.at - at);
  }
  return lateMs;
}

/** What happens at one moment happens at the leader first. */
function order({ role }: StoryLine): number {
  return role === "data" ? 0 : 1;
}

/** The event as a sentence without its subject, which is the node. */
export function sentenceOf({ kind, instanceId, who, count, via, why }: ServiceEvent): string {
  const whom = namesOf(who, count);
  const reason = why === "" ? "" : `: ${why}`;
  switch (kind) {
    case "registered":
      // Nobody has registered what an operator has put, or shows otherwise than before.
      if (whom === "") return `took in ${instanceId}${reason}`;
      return `took in ${instanceId}, registered by ${whom} through ${via}${reason}`;
    case "unregistered":
      return `took out ${instanceId}, unregistered by ${whom} through ${via}${reason}`;
    case "ended":
      return `ended ${instanceId} of ${whom}${reason}`;
    case "superseded":
      return `refused what ${whom} said of ${instanceId} through ${via}${reason}`;
    case "notified":
      return `told ${whom}${reason}`;
    case "came":
      return `heard of it from ${via}${reason}`;
    case "subscribed":
      return `was asked for it by ${whom}`;
    case "unsubscribed":
      return `was left by ${whom}`;
    case "pushed":
      return `pushed it to ${whom}`;
    case "heldBack":
      return `held it back${whom === "" ? "" : ` from ${whom}`}${reason}`;
    case "confirmed":
      return `has the receipt of ${whom}`;
    case "unhealthy":
      return `marked ${instanceId} unhealthy${reason}`;
    case "healthy":
      return `took the mark from ${instanceId}${reason}`;
    case "unusable":
      return `was asked for all of it by ${whom}, who could not use what came`;
  }
}

const NAMED_MAX = 3;

function namesOf(who: readonly string[], count: number): string {
  const named = who.slice(0, NAMED_MAX);
  const others = who.length === 0 ? 0 : count - named.length;
  return [...named, ...(others > 0 ? [`${others} more`] : [])].join(", ");
}
