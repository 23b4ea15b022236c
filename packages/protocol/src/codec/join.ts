/** The messages of MetaService.Join, both ways, and the state of the cluster they carry. */

import { create, toBinary } from "@bufbuild/protobuf";
import {
  ALL_SLOTS,
  SLOT_COUNT,
  epoch,
  frameFromMessage,
  type ClusterState as CoreClusterState,
  type Frame,
  type JoinRequest as CoreJoinRequest,
  type JoinResponse as CoreJoinResponse,
  type Member as CoreMember,
  type NodeHello as CoreNodeHello,
  type NodeRole as CoreNodeRole,
  type SlotId,
  type SlotOwner as CoreSlotOwner,
  type SlotTable as CoreSlotTable,
} from "@rollcall/core";

import {
  ClusterStateSchema,
  JoinRequestSchema,
  JoinResponseSchema,
  MemberSchema,
  NodeHelloSchema,
  NodeRole,
  SlotOwnerSchema,
  SlotTableSchema,
  type ClusterState,
  type JoinRequest,
  type JoinResponse,
  type Member,
  type NodeHello,
  type SlotOwner,
  type SlotTable,
} from "../gen/rollcall/v1/meta_pb.ts";
import { controlsFromWire, wireFromControls } from "./control.ts";
import { decodeMessage, violation } from "./decode.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { loadReportFromWire, loadsFromWire, wireFromLoadReport, wireFromLoads } from "./load.ts";
import { numberFromUint64 } from "./numbers.ts";
import { usageFromWire, wireFromUsage } from "./usage.ts";

sameFields<CoreJoinRequest, JoinRequest>();
sameFields<CoreNodeHello, NodeHello>();
sameFields<CoreJoinResponse, JoinResponse>();
sameFields<CoreClusterState, ClusterState>();
sameFields<CoreMember, Member>();
sameFields<CoreSlotTable, SlotTable>();
sameFields<CoreSlotOwner, SlotOwner>();

const wireRole: Record<CoreNodeRole, NodeRole> = {
  session: NodeRole.SESSION,
  data: NodeRole.DATA,
  meta: NodeRole.META,
};

export function frameFromJoinRequest(request: CoreJoinRequest): Frame {
  const fields: WireFields<JoinRequest> = {
    hello: request.hello && wireFromNodeHello(request.hello),
    stateVersion: BigInt(request.stateVersion),
    leaving: request.leaving,
    sequence: BigInt(request.sequence),
    synced: bitmapFromSlots(request.synced),
    load: request.load && wireFromLoadReport(request.load),
    controlsVersion: request.controlsVersion === undefined ? undefined : BigInt(request.controlsVersion),
    controlsReceived: BigInt(request.controlsReceived),
    draining: request.draining,
    usage: request.usage && wireFromUsage(request.usage),
    unreachable: [...request.unreachable],
  };
  return frameFromMessage(toBinary(JoinRequestSchema, create(JoinRequestSchema, fields)));
}

/** @throws RegistryError `protocol_violation`. */
export function joinRequestFromBytes(bytes: Uint8Array): CoreJoinRequest {
  const wire = decodeMessage(JoinRequestSchema, bytes);
  return {
    hello: wire.hello && {
      nodeId: wire.hello.nodeId,
      startId: wire.hello.startId,
      role: roleFromWire(wire.hello.role),
      address: wire.hello.address,
      incarnation: numberFromUint64(wire.hello.incarnation),
      slotCount: wire.hello.slotCount,
      replicas: wire.hello.replicas,
      hash: wire.hello.hash,
      clusterId: wire.hello.clusterId,
      zone: wire.hello.zone,
      software: wire.hello.software,
    },
    stateVersion: numberFromUint64(wire.stateVersion),
    leaving: wire.leaving,
    sequence: numberFromUint64(wire.sequence),
    synced: slotsFromBitmap(wire.synced),
    load: wire.load && loadReportFromWire(wire.load),
    controlsVersion: wire.controlsVersion === undefined ? undefined : numberFromUint64(wire.controlsVersion),
    controlsReceived: numberFromUint64(wire.controlsReceived),
    draining: wire.draining,
    usage: wire.usage && usageFromWire(wire.usage),
    unreachable: wire.unreachable,
  };
}

export function frameFromJoinResponse(response: CoreJoinResponse): Frame {
  const fields: WireFields<JoinResponse> = {
    incarnation: BigInt(response.incarnation),
    state: response.state && wireFromClusterState(response.state),
    sequence: BigInt(response.sequence),
    leader: response.leader ?? "",
    loads: response.loads && wireFromLoads(response.loads),
    controls: response.controls && wireFromControls(response.controls),
    usage: response.usage && wireFromUsage(response.usage),
  };
  return frameFromMessage(toBinary(JoinResponseSchema, create(JoinResponseSchema, fields)));
}

/** @throws RegistryError `protocol_violation`. */
export function joinResponseFromBytes(bytes: Uint8Array): CoreJoinResponse {
  const wire = decodeMessage(JoinResponseSchema, bytes);
  return {
    incarnation: numberFromUint64(wire.incarnation),
    state: wire.state && clusterStateFromWire(wire.state),
    sequence: numberFromUint64(wire.sequence),
    leader: wire.leader === "" ? undefined : wire.leader,
    loads: wire.loads && loadsFromWire(wire.loads),
    controls: wire.controls && controlsFromWire(wire.controls),
    usage: wire.usage && usageFromWire(wire.usage),
  };
}

function wireFromNodeHello(hello: CoreNodeHello): NodeHello {
  const fields: WireFields<NodeHello> = {
    nodeId: hello.nodeId,
    startId: hello.startId,
    role: wireRole[hello.role],
    address: hello.address,
    incarnation: BigInt(hello.incarnation),
    slotCount: hello.slotCount,
    replicas: hello.replicas,
    hash: hello.hash,
    clusterId: hello.clusterId,
    zone: hello.zone,
    software: hello.software,
  };
  return create(NodeHelloSchema, fields);
}

function roleFromWire(role: NodeRole): CoreNodeRole {
  switch (role) {
    case NodeRole.SESSION:
      return "session";
    case NodeRole.DATA:
      return "data";
    case NodeRole.META:
      return "meta";
    default:
      return violation("a node has a role");
  }
}

export function wireFromClusterState(state: CoreClusterState): ClusterState {
  const fields: WireFields<ClusterState> = {
    clusterId: state.clusterId,
    version: BigInt(state.version),
    members: state.members.map(wireFromMember),
    table: wireFromTable(state.table),
    departed: state.departed.map(wireFromMember),
  };
  return create(ClusterStateSchema, fields);
}

export function clusterStateFromWire(wire: ClusterState): CoreClusterState {
  return {
    clusterId: wire.clusterId,
    version: numberFromUint64(wire.version),
    members: wire.members.map(memberFromWire),
    table: tableFromWire(wire.table ?? violation("a cluster state has a slot table")),
    departed: wire.departed.map(memberFromWire),
  };
}

function memberFromWire(wire: Member): CoreMember {
  return {
    nodeId: wire.nodeId,
    incarnation: numberFromUint64(wire.incarnation),
    role: roleFromWire(wire.role),
    address: wire.address,
    draining: wire.draining,
    unsteady: wire.unsteady,
    zone: wire.zone,
    software: wire.software,
    unreachableFrom: wire.unreachableFrom,
  };
}

function wireFromMember(member: CoreMember): Member {
  const fields: WireFields<Member> = {
    nodeId: member.nodeId,
    incarnation: BigInt(member.incarnation),
    role: wireRole[member.role],
    address: member.address,
    draining: member.draining ?? false,
    unsteady: member.unsteady ?? false,
    zone: member.zone ?? "",
    software: member.software ?? "",
    unreachableFrom: [...(member.unreachableFrom ?? [])],
  };
  return create(MemberSchema, fields);
}

function wireFromTable(table: CoreSlotTable): SlotTable {
  const fields: WireFields<SlotTable> = { epoch: BigInt(table.epoch), owners: table.owners.map(wireFromOwner) };
  return create(SlotTableSchema, fields);
}

function wireFromOwner(owner: CoreSlotOwner): SlotOwner {
  const fields: WireFields<SlotOwner> = {
    leader: owner.leader ?? "",
    followers: [...owner.followers],
    leaderEpoch: BigInt(owner.leaderEpoch),
  };
  return create(SlotOwnerSchema, fields);
}

function tableFromWire(wire: SlotTable): CoreSlotTable {
  if (wire.owners.length !== SLOT_COUNT)
    return violation(`a slot table has ${SLOT_COUNT} owners, got ${wire.owners.length}`);
  return {
    epoch: epoch(numberFromUint64(wire.epoch)),
    owners: wire.owners.map((owner) => ({
      leader: owner.leader || undefined,
      followers: owner.followers,
      leaderEpoch: epoch(numberFromUint64(owner.leaderEpoch)),
    })),
  };
}

const BITMAP_BYTES = SLOT_COUNT / 8;

/** Bit n % 8 of byte n / 8 is slot n; an empty set takes no bytes. */
function bitmapFromSlots(slots: ReadonlySet<SlotId>): Uint8Array {
  const bitmap = new Uint8Array(slots.size === 0 ? 0 : BITMAP_BYTES);
  for (const slot of slots) bitmap[slot >> 3]! |= 1 << (slot & 7);
  return bitmap;
}

/** Bytes that were left out at the end are slots that are not in the set; bytes beyond the last slot make no sense. */
function slotsFromBitmap(bitmap: Uint8Array): ReadonlySet<SlotId> {
  if (bitmap.length > BITMAP_BYTES)
    return violation(`a set of slots takes at most ${BITMAP_BYTES} bytes, got ${bitmap.length}`);
  return new Set(ALL_SLOTS.filter((slot) => ((bitmap[slot >> 3] ?? 0) >> (slot & 7)) & 1));
}
