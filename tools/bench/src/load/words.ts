/** What the processes that put load on a registry are told and answer, each in a line of JSON. */

/** To those who register. */
export type RegistrarCommand =
  /** All clients connect. Answered `{}`. */
  | { readonly kind: "join" }
  /** Each client registers so many instances, in batches, with so many batches unanswered at a time. */
  | {
      readonly kind: "register";
      readonly round: number;
      readonly each: number;
      readonly batch: number;
      readonly unanswered: number;
      readonly services: number;
      /** The number of the first service: 0 by default. */
      readonly firstService?: number;
      /** Batches are begun by the clock, so many a second by all clients together; as soon as may be by default. */
      readonly perSecond?: number;
    }
  /** All clients leave, with what they have registered. Answered `{}`. */
  | { readonly kind: "leave" };

export interface RegisterReport {
  readonly acknowledged: number;
  readonly errors: number;
  /** From when a batch was sent to its answer, in milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** To those who follow services. */
export type SubscriberCommand =
  /** Answered when all of them together see so many instances, or time is up, in which case they do not. */
  { readonly kind: "see"; readonly instances: number; readonly withinMs: number };

export interface SeenReport {
  readonly seen: number;
  /** Pushes that brought nothing new, since this was asked last. */
  readonly unchanged: number;
  /** Instances that were not seen any more, since this was asked last. */
  readonly gone: number;
}

export function serviceName(index: number): string {
  return `bench-${index}`;
}

/** The first so many. */
export function serviceNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => serviceName(index));
}

/** The numbers 0 to `count` shared out as evenly as can be: the first number and the count of each. */
export function shares(count: number, among: number): { readonly first: number; readonly count: number }[] {
  const each = Math.ceil(count / among);
  return Array.from({ length: among }, (_, index) => ({
    first: index * each,
    count: Math.max(0, Math.min(each, count - index * each)),
  }));
}

/** One change as one process of subscribers saw it. */
export interface CalledBack {
  /** When each of them was called back. */
  readonly arrivedAt: readonly number[];
  /** Callbacks with what a subscriber had, or something older. */
  readonly duplicated?: number;
  /** Connections that were lost since the one before. */
  readonly losses?: number;
}

/** To the one who publishes: so many changes by the clock, of all services in turn, whatever becomes of them. */
export interface PublishCommand {
  readonly rate: number;
  readonly changes: number;
  /** What fails is tried again, unless there is a later change of the same service. */
  readonly persistent?: boolean;
}

export interface PublishReport {
  /** The number of the last change of each service. */
  readonly last: readonly number[];
  /** Attempts that failed. */
  readonly failures: number;
  /** Changes that were given up. */
  readonly errors: number;
}

/** To those who follow services: what the last change of each was. Answered once all have seen them, or time is up. */
export interface FollowCommand {
  readonly last: readonly number[];
  readonly withinMs: number;
  readonly tellArrivals?: boolean;
}

/** A callback: when it was made, when the change that it told of was due, and of which service. */
export type Arrival = readonly [arrivedAt: number, dueAt: number, service: number];

export interface FollowReport {
  /** From when a change was due to the callback. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly seen: number;
  readonly lost: number;
  readonly duplicated: number;
  /** All of them, if they were asked for. */
  readonly arrivals: readonly Arrival[];
}

/** To those who look on: answered when everybody sees so many instances and the last change of each service, or time is up. */
export interface WitnessCommand {
  /** By service. */
  readonly last: readonly number[];
  /** In all lists of the process together. */
  readonly instances: number;
  readonly withinMs: number;
}

/** What they have seen since they were asked last. */
export interface Witnessed {
  readonly arrivals: readonly (readonly [...Arrival, client: number])[];
  /** Links that were up and were lost. */
  readonly losses: readonly { readonly client: number; readonly server: string; readonly at: number }[];
  readonly connections: readonly { readonly client: number; readonly at: number }[];
  /** Pushes with content that was held already. */
  readonly unchanged: number;
  /** Callbacks with an older change than the one before. */
  readonly goneBack: number;
  /** Instances that a list showed no more. */
  readonly gone: number;
}

export interface Testimony extends Witnessed {
  /** Lists without the last change. */
  readonly behind: number;
  /** Instances that are missing in lists, or too many. */
  readonly missing: number;
}

/** To those who read lists, for so long, each of which has so many instances. */
export interface ReadCommand {
  readonly forMs: number;
  readonly instances: number;
}

export interface ReadReport {
  readonly reads: number;
  readonly errors: number;
  /** Instances that were missing in lists, or too many. */
  readonly lost: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The id of an instance in one of its lives. */
export function idOfGeneration(number: number, generation: number): string {
  return `instance-${number}.${generation}`;
}

export function generationOf(id: string): number {
  return Number(id.slice(id.lastIndexOf(".") + 1));
}

/** To those who have instances: all are restarted in turn, and each is gone for so long. */
export interface RestartCommand {
  /** Of their next life. */
  readonly generation: number;
  readonly overMs: number;
  readonly goneMs: number;
}

export interface RestartReport {
  readonly changes: number;
  /** When the last registration of each service was due. */
  readonly lastDueAt: readonly number[];
  readonly errors: number;
}

/** To those who look on: answered when all have what there is in the end, or time is up. */
export interface StormCommand {
  readonly generation: number;
  /** Of each service. */
  readonly instances: number;
  readonly lastDueAt: readonly number[];
  readonly withinMs: number;
}

export interface StormReport {
  /** That changed something. */
  readonly pushes: number;
  readonly bytes: number;
  readonly subscriptions: number;
  /** Subscriptions without the final state. */
  readonly lost: number;
  readonly duplicated: number;
  /** Changes of a content that the subscriber did not have. */
  readonly mismatched: number;
  /** From when a registration was due to its push. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** From when the last registration of a service was due to the last push of it. */
  readonly finalP50Ms: number;
  readonly finalP99Ms: number;
}

/** The one instance of each service whose changes are followed. */
export const FOLLOWED_ID = "only";
