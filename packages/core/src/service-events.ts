/**
 * What a node remembers of what it did with each service of late, to answer an operator who asks why somebody saw what
 * they saw. It is memory and not a log: each service has room for its last events, all services together have room for so
 * many, and when that is full the oldest goes: that of a service that has been quiet.
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

/** A row of the table of events. */
type Row = number;

const NO_ROW: Row = -1;

/** Rows in the order they came. */
interface Chain {
  first: Row;
  last: Row;
  count: number;
}

interface History extends Chain {
  readonly keyText: string;
}

/** Events remembered of one service. */
export const EVENTS_PER_SERVICE_MAX = 64;

/** Events remembered of all services, about 8 MB at most. */
const EVENTS_MAX = 32_768;

/** Names kept with one event. */
export const NAMED_MAX = 16;

/** How many events back one is looked for that this one belongs to. */
const LOOK_BACK = 8;

export class ServiceEvents {
  readonly #now: () => number;
  readonly #eventsMax: number;
  readonly #events = new EventTable();
  readonly #histories = new Map<string, History>();

  /** @param now the node's clock, in milliseconds */
  constructor(now: () => number, eventsMax = EVENTS_MAX) {
    this.#now = now;
    this.#eventsMax = eventsMax;
  }

  /** Events remembered now. */
  get size(): number {
    return this.#events.size;
  }

  record(keyText: string, kind: ServiceEventKind, happening: Happening): void {
    const history = this.#historyOf(keyText);
    const same = this.#events.findSame(history, kind, happening);
    if (same !== NO_ROW) {
      this.#events.happenedAgain(same, happening.who, this.#now());
      return;
    }
    this.#events.add(history, kind, happening, this.#now());
    if (history.count > EVENTS_PER_SERVICE_MAX) this.#events.dropFirst(history);
    if (this.#events.size > this.#eventsMax) this.#forgetOldest();
  }

  /** The last events of a service, oldest first, at most so many. */
  of(keyText: string, limit = EVENTS_PER_SERVICE_MAX): ServiceEvent[] {
    const history = this.#histories.get(keyText);
    return history === undefined ? [] : this.#events.last(history, limit, this.#now());
  }

  #historyOf(keyText: string): History {
    const known = this.#histories.get(keyText);
    if (known !== undefined) return known;
    const history: History = { keyText, first: NO_ROW, last: NO_ROW, count: 0 };
    this.#histories.set(keyText, history);
    return history;
  }

  #forgetOldest(): void {
    const history = this.#events.oldest;
    this.#events.dropFirst(history);
    if (history.count === 0) this.#histories.delete(history.keyText);
  }
}

/**
 * The events of all services, a row each. They come with every registration and go with those that come later, so they are
 * no objects, which the garbage collector would copy twice and then find to be gone: rows are used again, and nothing but
 * what they name is kept.
 */
class EventTable {
  readonly #kinds: ServiceEventKind[] = [];
  readonly #versions: (Version | undefined)[] = [];
  readonly #instanceIds: (string | undefined)[] = [];
  readonly #vias: (string | undefined)[] = [];
  readonly #whys: (string | undefined)[] = [];
  readonly #firstAt: number[] = [];
  readonly #lastAt: number[] = [];
  readonly #counts: number[] = [];
  /** Whom it is about: the first, and those after, if there are any. */
  readonly #who: (string | undefined)[] = [];
  readonly #others: (string[] | undefined)[] = [];
  /** The service's chain it is in. */
  readonly #histories: History[] = [];
  readonly #inHistory = new Links();
  readonly #inAll = new Links();
  readonly #all: Chain = { first: NO_ROW, last: NO_ROW, count: 0 };
  readonly #free: Row[] = [];

  get size(): number {
    return this.#all.count;
  }

  /** Whose event is the oldest. There must be one. */
  get oldest(): History {
    return this.#histories[this.#all.first]!;
  }

  add(history: History, kind: ServiceEventKind, { version, instanceId, who, via, why }: Happening, now: number): void {
    const row = this.#free.pop() ?? this.#kinds.length;
    this.#kinds[row] = kind;
    this.#versions[row] = version;
    this.#instanceIds[row] = instanceId;
    this.#vias[row] = via;
    this.#whys[row] = why;
    this.#firstAt[row] = now;
    this.#lastAt[row] = now;
    this.#counts[row] = 1;
    this.#who[row] = who;
    this.#others[row] = undefined;
    this.#histories[row] = history;
    this.#inHistory.append(history, row);
    this.#inAll.append(this.#all, row);
  }

  /** An event of late that this one belongs to. What is about a single instance stands for itself. */
  findSame({ last }: History, kind: ServiceEventKind, { version, instanceId, why }: Happening): Row {
    if (instanceId !== undefined) return NO_ROW;
    let row = last;
    for (let looked = 0; row !== NO_ROW && looked < LOOK_BACK; looked++) {
      if (this.#kinds[row] === kind && this.#whys[row] === why && sameVersion(this.#versions[row], version)) return row;
      row = this.#inHistory.before(row);
    }
    return NO_ROW;
  }

  /** To one more. */
  happenedAgain(row: Row, who: string | undefined, now: number): void {
    this.#lastAt[row] = now;
    this.#counts[row]!++;
    if (who === undefined) return;
    const others = this.#others[row];
    if (this.#who[row] === undefined) this.#who[row] = who;
    else if (others === undefined) this.#others[row] = [who];
    else if (others.length < NAMED_MAX - 1) others.push(who);
  }

  dropFirst(history: History): void {
    const row = history.first;
    this.#inHistory.remove(history, row);
    this.#inAll.remove(this.#all, row);
    // Other things that it names are in nobody's way until the row is used again.
    this.#others[row] = undefined;
    this.#free.push(row);
  }

  /** Oldest first. */
  last({ last }: History, limit: number, now: number): ServiceEvent[] {
    const events: ServiceEvent[] = [];
    for (let row = last; row !== NO_ROW && events.length < limit; row = this.#inHistory.before(row))
      events.push(this.#told(row, now));
    return events.toReversed();
  }

  #told(row: Row, now: number): ServiceEvent {
    const [firstAt, who] = [this.#firstAt[row]!, this.#who[row]];
    return {
      kind: this.#kinds[row]!,
      agoUs: Math.round((now - firstAt) * 1_000),
      lastedUs: Math.round((this.#lastAt[row]! - firstAt) * 1_000),
      version: this.#versions[row],
      instanceId: this.#instanceIds[row] ?? "",
      who: who === undefined ? [] : [who, ...(this.#others[row] ?? [])],
      count: this.#counts[row]!,
      via: this.#vias[row] ?? "",
      why: this.#whys[row] ?? "",
    };
  }
}

/** Ties rows to chains: each row to those before and after it in the one that it is in. */
class Links {
  readonly #before: Row[] = [];
  readonly #after: Row[] = [];

  before(row: Row): Row {
    return this.#before[row]!;
  }

  append(chain: Chain, row: Row): void {
    this.#before[row] = chain.last;
    this.#after[row] = NO_ROW;
    if (chain.last === NO_ROW) chain.first = row;
    else this.#after[chain.last] = row;
    chain.last = row;
    chain.count++;
  }

  remove(chain: Chain, row: Row): void {
    const [before, after] = [this.#before[row]!, this.#after[row]!];
    if (before === NO_ROW) chain.first = after;
    else this.#after[before] = after;
    if (after === NO_ROW) chain.last = before;
    else this.#before[after] = before;
    chain.count--;
  }
}

function sameVersion(a: Version | undefined, b: Version | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.epoch === b.epoch && a.counter === b.counter);
}
