/** What the clients of the reconnect benchmark have, and what their processes say of them. */

/** How many clients each session has, by its address. */
export type Places = Readonly<Record<string, number>>;

export interface Look {
  /** Clients that have not registered what they have. */
  readonly unregistered: number;
  /** Clients that have lost their session since the round began. */
  readonly lost: number;
  /** Clients that have not got back all they had. */
  readonly missing: number;
  /** Links that were lost and dials that failed since the round began, by what went wrong. */
  readonly failed: Failures;
}

export type Failures = Readonly<Record<string, number>>;

export interface RoundReport {
  readonly lost: number;
  /** When each that had lost its session had everything again, in milliseconds of the machine's clock. */
  readonly restoredAt: readonly number[];
  /** Pushes with content that the client held already. */
  readonly unchanged: number;
  readonly failed: Failures;
  /** Views that were shown. */
  readonly shown: number;
  /** Views that are not exactly what is registered. */
  readonly wrong: number;
}

const REGISTRATIONS = 3;
const SUBSCRIPTIONS = 5;

export function registeredBy(client: number, services: number): { readonly service: string; readonly id: string }[] {
  return Array.from({ length: REGISTRATIONS }, (_, index) => ({
    service: `bench-${(client * REGISTRATIONS + index) % services}`,
    id: `${client}-${index}`,
  }));
}

export function subscribedBy(client: number, services: number): string[] {
  return Array.from({ length: SUBSCRIPTIONS }, (_, index) => `bench-${(client + index * 7) % services}`);
}
