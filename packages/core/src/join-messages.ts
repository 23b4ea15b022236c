/** The conversation of any node with meta, as values. */

import type { ControlsPart } from "./control.ts";
import type { ClusterState, NodeRole } from "./membership.ts";
import type { UsageReport } from "./quota.ts";
import type { SlotId } from "./slot.ts";

/** The first message of a node on its link to meta. */
export interface NodeHello {
  readonly nodeId: string;
  /** Random, drawn when the process started: tells a reconnect from a restart. */
  readonly startId: string;
  readonly role: NodeRole;
  readonly address: string;
  /** The incarnation meta gave this life of the node earlier, which it then keeps; 0 for none yet. */
  readonly incarnation: number;
  /** What all nodes of a cluster have in common: 0 and "" from one that says nothing of it, or takes any. */
  readonly slotCount: number;
  readonly replicas: number;
  readonly hash: string;
  readonly clusterId: string;
  /** For people. */
  readonly zone: string;
  /** Version of its software, for people. */
  readonly software: string;
}

export interface JoinRequest {
  readonly hello: NodeHello | undefined;
  /** Version of the newest cluster state the node has, 0 for none. Every message renews the node's lease. */
  readonly stateVersion: number;
  /** True in the last message of a node that is stopping. */
  readonly leaving: boolean;
  /** Counts the messages of one link; echoed in the answer. */
  readonly sequence: number;
  /** Of a data node: the slots it follows and has in full, by the state of `stateVersion`. */
  readonly synced: ReadonlySet<SlotId>;
  /** Of a session. */
  readonly load: LoadReport | undefined;
  /** Of a data node that was told to stop: it leaves when it has handed its slots over. */
  readonly draining: boolean;
  /** Ids of the members that the node has not been able to reach for some seconds. */
  readonly unreachable: readonly string[];
  /** Version of the control records by which the node acts; undefined for one that does not ask for any. */
  readonly controlsVersion: number | undefined;
  /** Through which version newer ones have come, while they come in parts; 0 otherwise. */
  readonly controlsReceived: number;
  /** Of a data node, while there are quotas: what is registered in the slots it leads. */
  readonly usage: UsageReport | undefined;
}

export interface LoadReport {
  readonly clients: number;
  /** It is about to stop and sends its clients away. */
  readonly draining: boolean;
  /** Version of the newest loads the session was told; 0 for none. */
  readonly known: number;
}

export interface NodeLoad {
  readonly nodeId: string;
  readonly clients: number;
  readonly draining: boolean;
}

/** What the sessions have said of their loads. The version tells only whether two of these are the same. */
export interface Loads {
  readonly version: number;
  readonly nodes: readonly NodeLoad[];
}

export interface JoinResponse {
  /** The incarnation meta gave this life of the node. */
  readonly incarnation: number;
  /** Present when the node's own state is older. */
  readonly state: ClusterState | undefined;
  /** Of the newest message meta has taken in: what it says was true when that was sent, or is since. */
  readonly sequence: number;
  /** To a session: the loads of all, when it does not have them. */
  readonly loads: Loads | undefined;
  /** Control records that the node does not have, or a part of them. */
  readonly controls: ControlsPart | undefined;
  /** To a data node that has said what it has: what the others have together, where that is known. */
  readonly usage: UsageReport | undefined;
  /** From a meta that does not lead, and then nothing else counts: `host:port` of the one that does. */
  readonly leader?: string | undefined;
}
