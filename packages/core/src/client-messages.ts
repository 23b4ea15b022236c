/** The conversation between a client and a session node, as values. Lists are batches: whatever was waiting. */

import type { SwitchedOff } from "./client-off.ts";
import type { Barrier, BarrierAnswer } from "./barrier.ts";
import type { Held } from "./datum.ts";
import type { Receipt } from "./delivery.ts";
import type { Digest } from "./digest.ts";
import type { ErrorValue } from "./error.ts";
import type { Filter } from "./filter.ts";
import type { ServiceKey } from "./service-key.ts";
import type { ServicePattern, ServicesChange } from "./service-list.ts";
import type { UpdatePart } from "./update-parts.ts";
import type { Traceparent } from "./tracing.ts";
import type { RegistrationVersion, Version } from "./version.ts";

/** The first message of a client on a connection. */
export interface ClientHello {
  /** Identity of the client; stays over its connections. */
  readonly clientId: string;
  /** Grows with every connection the client opens. Part of the version of everything it registers over this one. */
  readonly incarnation: number;
  /** Name and version of the client library, for operators. */
  readonly agent: string;
  /** Whether it moves to another session when asked to, and wants to know which there are. */
  readonly moves: boolean;
}

export interface RegisterItem {
  /** Chosen by the client, echoed in the result. */
  readonly sequence: number;
  readonly key: ServiceKey;
  readonly version: RegistrationVersion;
  readonly instanceId: string;
  /** The encoded instance. */
  readonly instance: Uint8Array;
  readonly traceparent?: Traceparent | undefined;
}

export interface UnregisterItem {
  readonly sequence: number;
  readonly key: ServiceKey;
  readonly version: RegistrationVersion;
  readonly instanceId: string;
  readonly traceparent?: Traceparent | undefined;
}

/** Asks for pushes of a service, through a filter. */
export interface SubscribeItem {
  readonly key: ServiceKey;
  readonly filter: Filter;
  /** What the client holds from before: spares it a push of equal content. */
  readonly held: Held | undefined;
}

export interface UnsubscribeItem {
  readonly key: ServiceKey;
  readonly filter: Filter;
}

export interface PushReceipt extends Receipt {
  readonly key: ServiceKey;
  readonly filter: Filter;
}

/** Asks for pushes of a list of services. */
export interface SubscribeServicesItem {
  readonly pattern: ServicePattern;
  /** Of what the client holds from before. */
  readonly heldDigest: Digest | undefined;
}

export interface ServicesReceipt extends Receipt {
  readonly pattern: ServicePattern;
}

export interface ClientMessage {
  readonly hello: ClientHello | undefined;
  readonly registers: readonly RegisterItem[];
  readonly unregisters: readonly UnregisterItem[];
  readonly subscribes: readonly SubscribeItem[];
  readonly unsubscribes: readonly UnsubscribeItem[];
  readonly receipts: readonly PushReceipt[];
  readonly servicesSubscribes: readonly SubscribeServicesItem[];
  readonly servicesUnsubscribes: readonly ServicePattern[];
  readonly servicesReceipts: readonly ServicesReceipt[];
  /** Now and then, to be compared with what the session has of this client. */
  readonly summary?: ClientSummary | undefined;
  readonly barriers: readonly Barrier[];
}

/** Digests of what a client has with its session, on whichever side. */
export interface ClientSummary {
  /** Over {@link digestOfRegistration} of each that lives with the connection. */
  readonly registrations: Digest;
  /** Over the digest of `key filter` of each, and of ` pattern` of each list of services, as texts. */
  readonly subscriptions: Digest;
}

/** The first message of a session node on a connection. */
export interface ServerHello {
  readonly nodeId: string;
  readonly clusterId: string;
}

/** The answer to one register or unregister. */
export interface RegistrationResult {
  readonly sequence: number;
  /** `applied` by the slot's leader at a version of the datum, or refused for good: a repetition would be refused too. */
  readonly outcome: RegistrationOutcome;
}

export type RegistrationOutcome =
  | { readonly kind: "applied"; readonly version: Version }
  | { readonly kind: "refused"; readonly error: ErrorValue };

export interface SubscriptionRefusal {
  readonly key: ServiceKey;
  readonly filter: Filter;
  readonly error: ErrorValue;
}

/** A list of services, or a change of it. */
export interface ServicesPush extends ServicesChange {
  readonly pattern: ServicePattern;
}

export interface ServicesRefusal {
  readonly pattern: ServicePattern;
  readonly error: ErrorValue;
}

export interface ServerMessage {
  readonly hello: ServerHello | undefined;
  readonly results: readonly RegistrationResult[];
  readonly refusals: readonly SubscriptionRefusal[];
  readonly pushes: readonly UpdatePart[];
  readonly servicesPushes: readonly ServicesPush[];
  readonly servicesRefusals: readonly ServicesRefusal[];
  /** What the session has of the client: the answer to a summary. */
  readonly summary?: ClientSummary | undefined;
  readonly barriers: readonly BarrierAnswer[];
  /** Asks the client to go on at another session. */
  readonly move: Move | undefined;
  /** What an operator has switched off of the client, when that changes. */
  readonly switchedOff?: SwitchedOff | undefined;
  /** The sessions that take clients; none says nothing. */
  readonly sessions: readonly SessionLoad[];
}

export interface Move {
  /** Addresses to choose from; none leaves the choice to the client. */
  readonly to: readonly string[];
  /** The client begins at a random moment within this time, in milliseconds. */
  readonly withinMs: number;
}

/** A session as clients know it. */
export interface SessionLoad {
  readonly address: string;
  /** How many clients it has; undefined when nobody knows yet. */
  readonly clients: number | undefined;
}
