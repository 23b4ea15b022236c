/** The conversations between Rollcall's own nodes, as values. Lists are batches: whatever was waiting. */

import type { Barrier, BarrierAnswer, ToldAnswer, ToldQuestion } from "./barrier.ts";
import type { Held } from "./datum.ts";
import type { Receipt } from "./delivery.ts";
import type { Digest } from "./digest.ts";
import type { ErrorValue } from "./error.ts";
import type { ServiceKey } from "./service-key.ts";
import type { SlottedServicesChange } from "./service-list.ts";
import type { SlotAccess } from "./slot-table.ts";
import type { SlotId } from "./slot.ts";
import type { UpdatePart } from "./update-parts.ts";
import type { Traceparent } from "./tracing.ts";
import type { Epoch, RegistrationVersion, Version } from "./version.ts";

// Session node to data node ------------------------------------------------------------------------------------------

/** The first message of a session node on a link. */
export interface LinkHello {
  readonly nodeId: string;
  readonly incarnation: number;
}

export type WriteKind = "register" | "unregister" | "renew";

/** One change of one registration, on its way to the leader of its slot. */
export interface Write {
  readonly sequence: number;
  readonly kind: WriteKind;
  /** The leader epoch the session believes in: fences a leader that is no more. */
  readonly leaderEpoch: Epoch;
  readonly key: ServiceKey;
  readonly instanceId: string;
  readonly clientId: string;
  readonly version: RegistrationVersion;
  /** For `register`, the encoded instance; empty otherwise. */
  readonly instance: Uint8Array;
  /** Length of the lease in milliseconds; 0 for a connection registration. */
  readonly leaseMs: number;
  readonly traceparent?: Traceparent | undefined;
  /** Of an `unregister`: nobody has withdrawn the registration. At the same version its `register` counts again. */
  readonly heldBack?: boolean | undefined;
}

/** The session has subscribers for this service. */
export interface Interest {
  readonly key: ServiceKey;
  readonly held: Held | undefined;
}

export interface NotifyReceipt extends Receipt {
  readonly key: ServiceKey;
}

/** A slot under one leader. */
export interface SlotRef {
  readonly slot: SlotId;
  readonly leaderEpoch: Epoch;
}

/**
 * What a session holds of a slot: all its removals and leases have been written to the leader of that epoch, and its
 * registrations that live with a connection come to `digest`.
 */
export interface SlotReport extends SlotRef {
  readonly digest: Digest;
  /** Newest version of any service of the slot that this session has been notified of. */
  readonly seen: Version;
}

// Anti-entropy: two holders of the same things compare digests of everything, then of slots, then of services.

/** One digest over many slots, for two sides that expect to agree. */
export interface RollUp {
  /** By which the sender knows which slots these are: with another table there is nothing to compare. */
  readonly tableEpoch: Epoch;
  readonly digest: Digest;
}

export interface SlotDigest extends SlotRef {
  readonly digest: Digest;
}

export interface ServiceDigest {
  readonly key: ServiceKey;
  readonly digest: Digest;
}

/** All services of a slot of which the sender has something: of the others it has nothing. */
export interface SlotInventory extends SlotRef {
  /** Version of the slot at which it was taken, if it comes from its leader. */
  readonly version: Version | undefined;
  readonly services: readonly ServiceDigest[];
}

/** Services about which two sides disagree. None means that they agree after all. */
export interface SlotDifference extends SlotRef {
  readonly keys: readonly ServiceKey[];
}

/** Instance ids after `after` and up to `upTo`, in the order of their code units; empty for no bound on that side. */
export interface IdRange {
  readonly after: string;
  readonly upTo: string;
}

/** The registrations of one service, with connections, that a session holds within a range of instance ids. */
export interface ServiceHoldings extends IdRange {
  readonly key: ServiceKey;
  readonly leaderEpoch: Epoch;
  /** Sequence of the last write sent before this was taken: a leader that has seen a later one ignores it. */
  readonly afterWrite: number;
  readonly held: readonly RegistrationRef[];
}

export interface RegistrationRef {
  readonly instanceId: string;
  readonly clientId: string;
}

/** Asks a data node for the services of a namespace in the slots it leads. */
export interface ServicesQuery {
  readonly sequence: number;
  readonly namespace: string;
}

/** The session has subscribers for the list of services of this namespace. */
export interface ServicesInterest {
  readonly namespace: string;
  /** Of what this data node can tell. */
  readonly held: Held | undefined;
}

export interface ServicesNotifyReceipt extends Receipt {
  readonly namespace: string;
}

export interface LinkRequest {
  readonly hello: LinkHello | undefined;
  readonly writes: readonly Write[];
  readonly reports: readonly SlotReport[];
  readonly interests: readonly Interest[];
  readonly uninterests: readonly ServiceKey[];
  readonly receipts: readonly NotifyReceipt[];
  readonly queries: readonly ServicesQuery[];
  /** Answers to `disagreed`. */
  readonly inventories: readonly SlotInventory[];
  /** Answers to `differences`, beside the registrations themselves, which are written again. */
  readonly holdings: readonly ServiceHoldings[];
  /** Over all that this session holds in the slots the data node leads. */
  readonly registrations: RollUp | undefined;
  /** The answer to a roll-up `copies` that this session does not share. */
  readonly copies: readonly SlotDigest[];
  readonly barriers: readonly Barrier[];
  /** Answers to `toldQuestions`. */
  readonly told: readonly ToldAnswer[];
  readonly servicesInterests: readonly ServicesInterest[];
  /** Namespaces. */
  readonly servicesUninterests: readonly string[];
  readonly servicesReceipts: readonly ServicesNotifyReceipt[];
}

export interface WriteResult {
  readonly sequence: number;
  readonly outcome: WriteOutcome;
}

export type WriteOutcome =
  /** Applied, or already known: the leader's datum is at this version. */
  | { readonly kind: "applied"; readonly version: Version }
  /** The leader knows a newer version of the registration, this one. */
  | { readonly kind: "superseded"; readonly by: RegistrationVersion }
  /** It is not to be: a quota is used up. */
  | { readonly kind: "denied"; readonly error: ErrorValue }
  /** A renewal of a lease that is not held: the client has to register again. */
  | { readonly kind: "unknown" }
  | Exclude<SlotAccess, { kind: "accepted" }>;

export interface ServiceSummary {
  readonly key: ServiceKey;
  readonly instances: number;
}

export interface ServicesAnswer {
  readonly sequence: number;
  readonly services: readonly ServiceSummary[];
}

/** Which services of a namespace have an instance, as far as the data node can tell. */
export interface ServicesNotification extends SlottedServicesChange {
  readonly namespace: string;
}

/** What a session was notified of a list of services comes to this. */
export interface ServicesDigest {
  readonly namespace: string;
  readonly digest: Digest;
}

export interface LinkResponse {
  readonly results: readonly WriteResult[];
  /** Reports with which the leader agrees; one that is not answered is repeated. */
  readonly reported: readonly SlotReport[];
  readonly notifications: readonly UpdatePart[];
  readonly answers: readonly ServicesAnswer[];
  /** Reports with which the leader does not agree: it asks for the inventories. */
  readonly disagreed: readonly SlotRef[];
  /** Answers to inventories. */
  readonly differences: readonly SlotDifference[];
  /** The leader does not share the roll-up of registrations: it asks for a report of every slot. */
  readonly reportAll: boolean;
  /** Over all that this session has been notified of. */
  readonly copies: RollUp | undefined;
  /** Slots of which the session's copies are not what the leader notified: its interests are to be told again. */
  readonly askAgain: readonly SlotId[];
  readonly toldQuestions: readonly ToldQuestion[];
  readonly barriers: readonly BarrierAnswer[];
  readonly servicesNotifications: readonly ServicesNotification[];
  readonly servicesDigests: readonly ServicesDigest[];
}

// Follower to leader -------------------------------------------------------------------------------------------------

/** Asks for a slot, holding `held` of it or nothing. */
export interface SlotFollow extends SlotRef {
  readonly held: Held | undefined;
}

/** What a follower holds of a slot after an update. `resync`: not what the update said. */
export interface SlotReceipt extends SlotRef, Receipt {}

export interface ReplicateRequest {
  readonly hello: LinkHello | undefined;
  readonly follows: readonly SlotFollow[];
  readonly unfollows: readonly SlotId[];
  readonly receipts: readonly SlotReceipt[];
  /** Services of which the content is needed, after an inventory. */
  readonly wants: readonly SlotDifference[];
}

/** What one client says of one instance, as it travels between data nodes and lies on disk. */
export interface ClaimRecord {
  readonly instanceId: string;
  readonly clientId: string;
  readonly version: RegistrationVersion;
  readonly removed: boolean;
  /** A removal that was only concluded from the holder's absence. */
  readonly presumed: boolean;
  /** Probes have found that it cannot take work. Whoever registered it does not say so. */
  readonly unhealthy: boolean;
  /** The encoded instance; empty for a removal. */
  readonly instance: Uint8Array;
  /** Member key of the session that holds it. */
  readonly session: string;
  readonly leaseMs: number;
}

export interface ServiceClaims {
  readonly key: ServiceKey;
  readonly claims: readonly ClaimRecord[];
}

/** What leads a slot from `base`, or anything between, to `version`. */
export interface SlotUpdate extends SlotRef {
  readonly base: Version;
  readonly version: Version;
  /** Of the slot's content after the update. */
  readonly digest: Digest;
  readonly services: readonly ServiceClaims[];
}

/** All claims of one service within a range of instance ids: what is not listed there does not exist. */
export interface ServiceContent extends SlotRef, IdRange {
  readonly content: ServiceClaims;
}

export interface ReplicateResponse {
  readonly updates: readonly SlotUpdate[];
  readonly inventories: readonly SlotInventory[];
  readonly contents: readonly ServiceContent[];
  /** Over all slots of this follower that are up to date. */
  readonly slots: RollUp | undefined;
}
