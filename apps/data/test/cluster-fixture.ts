import { SLOT_COUNT, epoch, memberKey, type ClusterState, type Member, type SlotOwner } from "@rollcall/core";

export const US = "data-1";

export const session = (nodeId: string, incarnation = 1): Member => ({
  nodeId,
  incarnation,
  role: "session",
  address: `${nodeId}:9600`,
});

export interface ClusterPicture {
  readonly version?: number;
  /** Who leads, per slot or everywhere. */
  readonly leader?: string | undefined | ((slot: number) => string | undefined);
  readonly leaderEpoch?: number | ((slot: number) => number);
  /** Who follows everything. */
  readonly followers?: readonly string[];
  readonly sessions?: readonly Member[];
  readonly departed?: readonly Member[];
}

/** A state of the cluster in which one node, this one unless said otherwise, leads everything. */
export function clusterState(picture: ClusterPicture = {}): ClusterState {
  const { version = 1, leaderEpoch = 1, followers = [], sessions = [], departed = [] } = picture;
  const leader = "leader" in picture ? picture.leader : US;
  const owners = Array.from({ length: SLOT_COUNT }, (_, slot): SlotOwner => ({
    leader: typeof leader === "function" ? leader(slot) : leader,
    followers,
    leaderEpoch: epoch(typeof leaderEpoch === "function" ? leaderEpoch(slot) : leaderEpoch),
  }));
  const data: Member = { nodeId: US, incarnation: 1, role: "data", address: "data-1:9620" };
  return { clusterId: "c", version, members: [data, ...sessions], table: { epoch: epoch(version), owners }, departed };
}

export const keyOf = (nodeId: string, incarnation = 1): string => memberKey({ nodeId, incarnation });
