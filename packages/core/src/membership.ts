/** Who belongs to the cluster, as meta tells it to every node. */

import type { SlotTable } from "./slot-table.ts";

export const NODE_ROLES = ["session", "data", "meta"] as const;
export type NodeRole = (typeof NODE_ROLES)[number];

export interface Member {
  readonly nodeId: string;
  /** Grows each time the node starts: a restarted process is never taken for its predecessor. */
  readonly incarnation: number;
  readonly role: NodeRole;
  /** Where other nodes and clients reach it, `host:port`. */
  readonly address: string;
  /** A data node that hands its slots over; by default it does not. */
  readonly draining?: boolean | undefined;
  /** A data node that comes and goes: for a while it is given no slots. By default it does not. */
  readonly unsteady?: boolean | undefined;
  /** Where it runs, as it says; for people. */
  readonly zone?: string | undefined;
  /** Version of its software, if it says; for people. */
  readonly software?: string | undefined;
  /** Ids of nodes that cannot reach it at its address; by default there are none. */
  readonly unreachableFrom?: readonly string[] | undefined;
}

/** Everything a node needs to know of the cluster. Replaced as a whole when its version grows. */
export interface ClusterState {
  /** Made when the cluster is created. Versions of another cluster are not comparable with ours. */
  readonly clusterId: string;
  /** Grows with every change of the members or the table. */
  readonly version: number;
  readonly members: readonly Member[];
  readonly table: SlotTable;
  /** Sessions that went not long ago, whose clients may still be on the way to another one. */
  readonly departed: readonly Member[];
}

/** `data-1#3`: one life of one node. */
export function memberKey(member: Pick<Member, "nodeId" | "incarnation">): string {
  return `${member.nodeId}#${member.incarnation}`;
}
