/** A history put in order for the checkers: every claim with its answer, every client's absences, every subscription. */

import type { Version } from "@rollcall/core";
import type { History, HistoryEvent, Takes } from "../history.ts";

export type ViewEvent = Extract<HistoryEvent, { kind: "view" }>;

/** One `register` or `unregister` and what came of it. */
export interface Claim {
  readonly kind: "register" | "unregister";
  readonly client: string;
  readonly instanceId: string;
  /** What was registered; empty for an `unregister`. */
  readonly content: string;
  /** The event's number, for what came before what. */
  readonly number: number;
  readonly at: number;
  readonly outcome: ClaimOutcome;
}

export type ClaimOutcome =
  | { readonly kind: "unanswered" }
  | { readonly kind: "refused" }
  | { readonly kind: "applied"; readonly at: number; readonly version: Version };

export interface Subscription {
  readonly at: number;
  readonly client: string;
  readonly service: string;
  readonly filter: string;
  readonly takes: Takes;
  readonly views: readonly NumberedView[];
  /** Still there, and its client connected, when the history ended. */
  readonly current: boolean;
}

export interface NumberedView extends ViewEvent {
  readonly number: number;
}

export interface ClientLife {
  /** From a lost connection to the next one, Infinity when none came. */
  readonly absences: readonly { readonly from: number; readonly until: number }[];
  /** Closed or crashed. A client that acts again afterwards has begun another life under its name. */
  readonly ends: readonly { readonly number: number; readonly at: number }[];
}

export interface Reading {
  readonly endedAt: number;
  /** Claims by service, then by instance id, in the order they were made. */
  readonly services: ReadonlyMap<string, ReadonlyMap<string, readonly Claim[]>>;
  readonly clients: ReadonlyMap<string, ClientLife>;
  readonly subscriptions: readonly Subscription[];
  /** While operators had services blocked, by service. Infinity when that was never taken back. */
  readonly blocks: ReadonlyMap<string, readonly Interval[]>;
  /** When anything last happened that a view may still have to follow. */
  readonly disturbedAt: number;
}

export interface Interval {
  readonly from: number;
  readonly until: number;
}

export const NO_LIFE: ClientLife = { absences: [], ends: [] };

export function readHistory({ events, endedAt }: History): Reading {
  const clients = readClients(events);
  return {
    endedAt,
    services: readClaims(events),
    clients,
    subscriptions: readSubscriptions(events, clients),
    blocks: readBlocks(events),
    disturbedAt: events.findLast((event) => !SEEN_KINDS.has(event.kind))?.at ?? 0,
  };
}

/** What follows from something else, and so disturbs nothing itself. */
const SEEN_KINDS: ReadonlySet<HistoryEvent["kind"]> = new Set([
  "view",
  "services listed",
  "registered",
  "unregistered",
  "refused",
  "drained",
  "disabled",
  "enabled",
  "measured",
  "asked",
  "pushed",
  "accepted",
  "table",
]);

function readClaims(events: readonly HistoryEvent[]): Map<string, Map<string, Claim[]>> {
  const outcomes = new Map<number, ClaimOutcome>();
  for (const event of events) {
    if (event.kind === "refused") outcomes.set(event.answers, { kind: "refused" });
    if (event.kind === "registered" || event.kind === "unregistered") {
      outcomes.set(event.answers, { kind: "applied", at: event.at, version: event.version });
    }
  }
  const services = new Map<string, Map<string, Claim[]>>();
  for (const [number, event] of events.entries()) {
    if (event.kind !== "register" && event.kind !== "unregister") continue;
    const { kind, client, service, instanceId, at } = event;
    const content = event.kind === "register" ? event.content : "";
    const outcome = outcomes.get(number) ?? { kind: "unanswered" };
    const instances = entryOf(services, service, () => new Map<string, Claim[]>());
    entryOf(instances, instanceId, () => []).push({ kind, client, instanceId, content, number, at, outcome });
  }
  return services;
}

function readClients(events: readonly HistoryEvent[]): Map<string, ClientLife> {
  const lives = new Map<
    string,
    { absences: { from: number; until: number }[]; ends: { number: number; at: number }[] }
  >();
  for (const [number, event] of events.entries()) {
    if (!("client" in event)) continue;
    const life = entryOf(lives, event.client, () => ({ absences: [], ends: [] }));
    const absence = life.absences.at(-1);
    const absent = absence?.until === Infinity;
    if (event.kind === "connection lost" && !absent) life.absences.push({ from: event.at, until: Infinity });
    const present =
      event.kind === "connection restored" || event.kind === "client closed" || event.kind === "client crashed";
    if (present && absence !== undefined && absent) absence.until = event.at;
    if (event.kind === "client closed" || event.kind === "client crashed") life.ends.push({ number, at: event.at });
  }
  return lives;
}

function readBlocks(events: readonly HistoryEvent[]): Map<string, Interval[]> {
  const blocks = new Map<string, { from: number; until: number }[]>();
  for (const event of events) {
    if (event.kind === "block") entryOf(blocks, event.service, () => []).push({ from: event.at, until: Infinity });
    if (event.kind === "unblocked") blocks.get(event.service)!.at(-1)!.until = event.at;
  }
  return blocks;
}

function readSubscriptions(events: readonly HistoryEvent[], clients: ReadonlyMap<string, ClientLife>): Subscription[] {
  type Open = Subscription & { readonly views: NumberedView[]; current: boolean };
  const all: Open[] = [];
  const open = new Map<string, Open>();
  for (const [number, event] of events.entries()) {
    if (event.kind === "subscribe") {
      const { at, client, service, filter, takes } = event;
      const subscription: Open = { at, client, service, filter, takes, views: [], current: true };
      all.push(subscription);
      open.set(nameOf(event), subscription);
    } else if (event.kind === "view") {
      const subscription = open.get(nameOf(event));
      if (subscription === undefined) throw new Error(`event ${number} is a view that ${event.client} never asked for`);
      subscription.views.push({ ...event, number });
    } else if (event.kind === "unsubscribe") {
      endSubscription(open, nameOf(event));
    } else if (event.kind === "client closed" || event.kind === "client crashed") {
      for (const [name, subscription] of open) if (subscription.client === event.client) endSubscription(open, name);
    }
  }
  for (const subscription of open.values()) {
    if (clients.get(subscription.client)?.absences.at(-1)?.until === Infinity) subscription.current = false;
  }
  return all;
}

function endSubscription(open: Map<string, { current: boolean }>, name: string): void {
  const subscription = open.get(name);
  if (subscription !== undefined) subscription.current = false;
  open.delete(name);
}

/** Tells subscriptions apart. */
export function nameOf({ client, service, filter }: { client: string; service: string; filter: string }): string {
  return JSON.stringify([client, service, filter]);
}

export function entryOf<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** For messages: who looks at what. */
export function subscriberInWords({ client, service, filter }: Subscription): string {
  return filter === "" ? `${client}'s view of ${service}` : `${client}'s view of ${service} through ${filter}`;
}
