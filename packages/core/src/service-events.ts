/**
 * What a node remembers of what it did with each service of late, to answer an operator who asks why somebody saw what
 * they saw. It is memory and not a log: each service has room for its last events, all services together have room for so
 * many, and when that is full the service that has been quiet longest is forgotten as a whole.
 *
 * What happens to many at one version, such as a push, is one event with those it happened to, the first by name and all
 * by count, so that a service with ten thousand subscribers does not push its own history out.
 */

import type { Version } from "./version.ts";

export const SERVICE_EVENT_KINDS = [
  // At the slot's leader: what was done to an instance, and who was told.
  "registered",
  "unregistered",
  "ended",
  "superseded",
  "notified",
  "unhealthy",
  "healthy",
  // At a session: what came from the leader, and who was told.
  "came",
  "subscribed",
  "unsubscribed",
  "pushed",
  "heldBack",
  // At either: what a receiver answered.
  "confirmed",
  "unusable",
] as const;

export type ServiceEventKind = (typeof SERVICE_EVENT_KINDS)[number];

/** An event as it is told: times are durations, for no other node shares this one's clock. */
export interface ServiceEvent {
  readonly kind: ServiceEventKind;
  /** How long ago it was, in microseconds; for what happened to many, to the first of them. */
  readonly agoUs: number;
  /** From the first to the last of those it happened to, in microseconds. */
  readonly lastedUs: number;
  /** Of the service, at the event; undefined when it had none here. */
  readonly version: Version | undefined;
  /** Empty when it is about no single instance. */
  readonly instanceId: string;
  /** The clients or nodes it is about: the first of them. */
  readonly who: readonly string[];
  /** How many it is about, with those that are not named. */
  readonly count: number;
  /** The node through which it came; empty when that says nothing. */
  readonly via: string;
  /** In words; empty when it goes without saying. */
  readonly why: string;
}

/** What happened. Parts that are left out are empty. */
export interface Happening {
  readonly version?: Version | undefined;
  readonly instanceId?: string | undefined;
  readonly who?: string | undefined;
  readonly via?: string | undefined;
  readonly why?: string | undefined;
}

/** There are tens of thousands of these, and each is new: one object, and a list of names only for several. */
interface Remembered extends Omit<Happening, "who"> {
  who: string | undefined;
  readonly kind: ServiceEventKind;
  readonly firstAt: number;
  lastAt: number;
  /** Those after the first. */
  others: string[] | undefined;
  count: number;
}

interface History {
  readonly events: Remembered[];
  /** Something has happened since it was last looked at for being forgotten. */
  isActive: boolean;
}

/** Events remembered of one service. */
export const EVENTS_PER_SERVICE_MAX = 64;

/** Events remembered of all services, about 8 MB at most. */
const EVENTS_MAX = 32_768;

/** Names kept with one event. */
export const NAMED_MAX = 16;

/** How far back an event is looked for that this one belongs to. */
const LOOK_BACK = 8;

export class ServiceEvents {
  readonly #now: () => number;
  readonly #eventsMax: number;
  readonly #histories = new Map<string, History>();
  /** Goes around the histories. One that began anew each time would step over all those that were forgotten before. */
  #round = this.#histories.entries();
  #size = 0;

  /** @param now the node's clock, in milliseconds */
  constructor(now: () => number, eventsMax = EVENTS_MAX) {
    this.#now = now;
    this.#eventsMax = eventsMax;
  }

  /** Events remembered now. */
  get size(): number {
    return this.#size;
  }

  record(keyText: string, kind: ServiceEventKind, happening: Happening): void {
    const history = this.#historyOf(keyText);
    history.isActive = true;
    const { events } = history;
    const { who } = happening;
    const now = this.#now();
    const same = findSame(events, kind, happening);
    if (same !== undefined) {
      same.lastAt = now;
      same.count++;
      if (who !== undefined) name(same, who);
      return;
    }
    const { version, instanceId, via, why } = happening;
    events.push({
      kind,
      version,
      instanceId,
      who,
      via,
      why,
      firstAt: now,
      lastAt: now,
      others: undefined,
      count: 1,
    });
    this.#size++;
    if (events.length > EVENTS_PER_SERVICE_MAX) {
      events.shift();
      this.#size--;
    }
    while (this.#size > this.#eventsMax) this.#forgetQuietest();
  }

  /** The last events of a service, oldest first, at most so many. */
  of(keyText: string, limit = EVENTS_PER_SERVICE_MAX): ServiceEvent[] {
    const now = this.#now();
    const events = this.#histories.get(keyText)?.events ?? [];
    return events.slice(-limit).map((event) => ({
      kind: event.kind,
      agoUs: Math.round((now - event.firstAt) * 1_000),
      lastedUs: Math.round((event.lastAt - event.firstAt) * 1_000),
      version: event.version,
      instanceId: event.instanceId ?? "",
      who: event.who === undefined ? [] : [event.who, ...(event.others ?? [])],
      count: event.count,
      via: event.via ?? "",
      why: event.why ?? "",
    }));
  }

  #historyOf(keyText: string): History {
    const known = this.#histories.get(keyText);
    if (known !== undefined) return known;
    const history: History = { events: [], isActive: false };
    this.#histories.set(keyText, history);
    return history;
  }

  /** Whoever has been active since the last look gets another round. */
  #forgetQuietest(): void {
    for (;;) {
      const { done, value } = this.#round.next();
      if (done === true) {
        this.#round = this.#histories.entries();
        continue;
      }
      const [keyText, history] = value;
      if (history.isActive) {
        history.isActive = false;
        continue;
      }
      this.#histories.delete(keyText);
      this.#size -= history.events.length;
      return;
    }
  }
}

/** One more that it happened to. */
function name(event: Remembered, who: string): void {
  if (event.who === undefined) event.who = who;
  else if (event.others === undefined) event.others = [who];
  else if (event.others.length < NAMED_MAX - 1) event.others.push(who);
}

/** What is about a single instance stands for itself. */
function findSame(
  events: readonly Remembered[],
  kind: ServiceEventKind,
  { version, instanceId, why }: Happening,
): Remembered | undefined {
  if (instanceId !== undefined) return undefined;
  for (let at = events.length - 1; at >= 0 && at >= events.length - LOOK_BACK; at--) {
    const event = events[at]!;
    if (event.kind === kind && event.why === why && sameVersion(event.version, version)) return event;
  }
  return undefined;
}

function sameVersion(a: Version | undefined, b: Version | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.epoch === b.epoch && a.counter === b.counter);
}
