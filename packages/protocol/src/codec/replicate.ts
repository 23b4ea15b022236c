/** The messages of DataService.Replicate, both ways, and the claims they carry. */

import { create, toBinary } from "@bufbuild/protobuf";
import {
  frameFromMessage,
  type ClaimRecord as CoreClaim,
  type Frame,
  type ReplicateRequest as CoreReplicateRequest,
  type ReplicateResponse as CoreReplicateResponse,
  type ServiceClaims as CoreServiceClaims,
  type ServiceContent as CoreServiceContent,
  type SlotFollow as CoreSlotFollow,
  type SlotReceipt as CoreSlotReceipt,
  type SlotUpdate as CoreSlotUpdate,
} from "@rollcall/core";

import {
  ClaimSchema,
  ReplicateRequestSchema,
  ReplicateResponseSchema,
  ServiceClaimsSchema,
  ServiceContentSchema,
  SlotFollowSchema,
  SlotReceiptSchema,
  SlotUpdateSchema,
  type Claim,
  type ReplicateRequest,
  type ReplicateResponse,
  type ServiceClaims,
  type ServiceContent,
  type SlotFollow,
  type SlotReceipt,
  type SlotUpdate,
} from "../gen/rollcall/v1/data_pb.ts";
import {
  differenceFromWire,
  inventoryFromWire,
  rollUpFromWire,
  slotFromWire,
  slotRefFromWire,
  wireFromDifference,
  wireFromInventory,
  wireFromRollUp,
} from "./anti-entropy.ts";
import { decodeMessage, violation } from "./decode.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { linkHelloFromWire, wireFromLinkHello } from "./link.ts";
import { digestFromFixed64, fixed64FromDigest } from "./numbers.ts";
import {
  heldFromWire,
  keyFromWire,
  registrationVersionFromWire,
  versionFromWire,
  wireFromHeld,
  wireFromKey,
  wireFromRegistrationVersion,
  wireFromVersion,
} from "./values.ts";

sameFields<CoreReplicateRequest, ReplicateRequest>();
sameFields<CoreSlotFollow, SlotFollow>();
sameFields<CoreSlotReceipt, SlotReceipt>();
sameFields<CoreReplicateResponse, ReplicateResponse>();
sameFields<CoreSlotUpdate, SlotUpdate>();
sameFields<CoreServiceContent, ServiceContent>();
sameFields<CoreServiceClaims, ServiceClaims>();
sameFields<CoreClaim, Claim>();

// From the follower ----------------------------------------------------------------------------------------------------

const NOTHING_FROM_FOLLOWER: CoreReplicateRequest = {
  hello: undefined,
  follows: [],
  unfollows: [],
  receipts: [],
  wants: [],
};

export function frameFromReplicateRequest(parts: Partial<CoreReplicateRequest>): Frame {
  const message = { ...NOTHING_FROM_FOLLOWER, ...parts };
  const fields: WireFields<ReplicateRequest> = {
    hello: message.hello && wireFromLinkHello(message.hello),
    follows: message.follows.map(wireFromFollow),
    unfollows: [...message.unfollows],
    receipts: message.receipts.map(wireFromReceipt),
    wants: message.wants.map(wireFromDifference),
  };
  return frameFromMessage(toBinary(ReplicateRequestSchema, create(ReplicateRequestSchema, fields)));
}

/** @throws RegistryError `protocol_violation`. */
export function replicateRequestFromBytes(bytes: Uint8Array): CoreReplicateRequest {
  const wire = decodeMessage(ReplicateRequestSchema, bytes);
  return {
    hello: wire.hello && linkHelloFromWire(wire.hello),
    follows: wire.follows.map((item) => ({ ...slotRefFromWire(item), held: heldFromWire(item.held) })),
    unfollows: wire.unfollows.map(slotFromWire),
    receipts: wire.receipts.map((item) => ({
      ...slotRefFromWire(item),
      held: heldFromWire(item.held) ?? violation("a slot receipt says what is held"),
      resync: item.resync,
    })),
    wants: wire.wants.map(differenceFromWire),
  };
}

function wireFromFollow(follow: CoreSlotFollow): SlotFollow {
  const fields: WireFields<SlotFollow> = {
    slot: follow.slot,
    leaderEpoch: BigInt(follow.leaderEpoch),
    held: follow.held && wireFromHeld(follow.held),
  };
  return create(SlotFollowSchema, fields);
}

function wireFromReceipt(receipt: CoreSlotReceipt): SlotReceipt {
  const fields: WireFields<SlotReceipt> = {
    slot: receipt.slot,
    leaderEpoch: BigInt(receipt.leaderEpoch),
    held: wireFromHeld(receipt.held),
    resync: receipt.resync,
  };
  return create(SlotReceiptSchema, fields);
}

// From the leader ------------------------------------------------------------------------------------------------------

const NOTHING_FROM_LEADER: CoreReplicateResponse = { updates: [], inventories: [], contents: [], slots: undefined };

export function frameFromReplicateResponse(parts: Partial<CoreReplicateResponse>): Frame {
  const message = { ...NOTHING_FROM_LEADER, ...parts };
  const fields: WireFields<ReplicateResponse> = {
    updates: message.updates.map(wireFromSlotUpdate),
    inventories: message.inventories.map(wireFromInventory),
    contents: message.contents.map(wireFromContent),
    slots: message.slots && wireFromRollUp(message.slots),
  };
  return frameFromMessage(toBinary(ReplicateResponseSchema, create(ReplicateResponseSchema, fields)));
}

/** @throws RegistryError `protocol_violation`. */
export function replicateResponseFromBytes(bytes: Uint8Array): CoreReplicateResponse {
  const wire = decodeMessage(ReplicateResponseSchema, bytes);
  return {
    updates: wire.updates.map(slotUpdateFromWire),
    inventories: wire.inventories.map(inventoryFromWire),
    contents: wire.contents.map((item) => ({
      ...slotRefFromWire(item),
      after: item.after,
      upTo: item.upTo,
      content: serviceClaimsFromWire(item.content ?? violation("content of a service has claims")),
    })),
    slots: rollUpFromWire(wire.slots),
  };
}

function wireFromSlotUpdate(update: CoreSlotUpdate): SlotUpdate {
  const fields: WireFields<SlotUpdate> = {
    slot: update.slot,
    leaderEpoch: BigInt(update.leaderEpoch),
    base: wireFromVersion(update.base),
    version: wireFromVersion(update.version),
    digest: fixed64FromDigest(update.digest),
    services: update.services.map(wireFromServiceClaims),
  };
  return create(SlotUpdateSchema, fields);
}

function slotUpdateFromWire(wire: SlotUpdate): CoreSlotUpdate {
  return {
    ...slotRefFromWire(wire),
    base: versionFromWire(wire.base),
    version: versionFromWire(wire.version),
    digest: digestFromFixed64(wire.digest),
    services: wire.services.map(serviceClaimsFromWire),
  };
}

function wireFromContent(content: CoreServiceContent): ServiceContent {
  const fields: WireFields<ServiceContent> = {
    slot: content.slot,
    leaderEpoch: BigInt(content.leaderEpoch),
    after: content.after,
    upTo: content.upTo,
    content: wireFromServiceClaims(content.content),
  };
  return create(ServiceContentSchema, fields);
}

function wireFromServiceClaims(service: CoreServiceClaims): ServiceClaims {
  const fields: WireFields<ServiceClaims> = {
    key: wireFromKey(service.key),
    claims: service.claims.map(wireFromClaim),
  };
  return create(ServiceClaimsSchema, fields);
}

function serviceClaimsFromWire(wire: ServiceClaims): CoreServiceClaims {
  return { key: keyFromWire(wire.key), claims: wire.claims.map(claimFromWire) };
}

export function wireFromClaim(claim: CoreClaim): Claim {
  const fields: WireFields<Claim> = {
    instanceId: claim.instanceId,
    clientId: claim.clientId,
    version: wireFromRegistrationVersion(claim.version),
    removed: claim.removed,
    presumed: claim.presumed,
    instance: claim.instance,
    session: claim.session,
    leaseMs: claim.leaseMs,
    unhealthy: claim.unhealthy,
  };
  return create(ClaimSchema, fields);
}

export function claimFromWire(wire: Claim): CoreClaim {
  return {
    instanceId: wire.instanceId,
    clientId: wire.clientId,
    version: registrationVersionFromWire(wire.version),
    removed: wire.removed,
    presumed: wire.presumed,
    // A view of the message: whoever keeps it copies it.
    instance: wire.instance,
    session: wire.session,
    leaseMs: wire.leaseMs,
    unhealthy: wire.unhealthy,
  };
}
