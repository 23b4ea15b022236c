/** The conversations between Rollcall's own nodes, as values. Lists are batches: whatever was waiting. */

import type { Held, Update } from "./datum.ts";
import type { Receipt } from "./delivery.ts";
import type { ClusterState, NodeRole } from "./membership.ts";
import type { ServiceKey } from "./service-key.ts";
import type { SlotAccess } from "./slot-table.ts";
import type { SlotId } from "./slot.ts";
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
}

/** The session has subscribers for this service. */
export interface Interest {
  readonly key: ServiceKey;
  readonly held: Held | undefined;
}

export interface NotifyReceipt extends Receipt {
  readonly key: ServiceKey;
}

/** Everything this session holds for a slot has been written to the leader of that epoch. */
export interface SlotReport {
  readonly slot: SlotId;
  readonly leaderEpoch: Epoch;
}

/** Asks a data node for the services of a namespace in the slots it leads. */
export interface ServicesQuery {
  readonly sequence: number;
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

export interface LinkResponse {
  readonly results: readonly WriteResult[];
  /** Receipts for reports; a report without one is repeated. */
  readonly reported: readonly SlotReport[];
  readonly notifications: readonly Update[];
  readonly answers: readonly ServicesAnswer[];
}

// Any node to meta ---------------------------------------------------------------------------------------------------

/** The first message of a node on its link to meta. */
export interface NodeHello {
  readonly nodeId: string;
  /** Random, drawn when the process started: tells a reconnect from a restart. */
  readonly startId: string;
  readonly role: NodeRole;
  readonly address: string;
  /** The incarnation meta gave this life of the node earlier, which it then keeps; 0 for none yet. */
  readonly incarnation: number;
}

export interface JoinRequest {
  readonly hello: NodeHello | undefined;
  /** Version of the newest cluster state the node has, 0 for none. Every message renews the node's lease. */
  readonly stateVersion: number;
  /** True in the last message of a node that is stopping. */
  readonly leaving: boolean;
}

export interface JoinResponse {
  /** The incarnation meta gave this life of the node. */
  readonly incarnation: number;
  /** Present when the node's own state is older. */
  readonly state: ClusterState | undefined;
}
