/** What two holders of the same things tell each other to find out where they differ. */

import { create } from "@bufbuild/protobuf";
import {
  epoch,
  slotId,
  SLOT_COUNT,
  type Epoch,
  type RegistrationRef as CoreRegistrationRef,
  type RollUp as CoreRollUp,
  type ServiceDigest as CoreServiceDigest,
  type ServiceHoldings as CoreServiceHoldings,
  type SlotDifference as CoreSlotDifference,
  type SlotDigest as CoreSlotDigest,
  type SlotId,
  type SlotInventory as CoreSlotInventory,
  type SlotRef as CoreSlotRef,
  type SlotReport as CoreSlotReport,
} from "@rollcall/core";

import {
  RegistrationRefSchema,
  RollUpSchema,
  ServiceDigestSchema,
  ServiceHoldingsSchema,
  SlotDifferenceSchema,
  SlotDigestSchema,
  SlotInventorySchema,
  SlotRefSchema,
  SlotReportSchema,
  type RegistrationRef,
  type RollUp,
  type ServiceDigest,
  type ServiceHoldings,
  type SlotDifference,
  type SlotDigest,
  type SlotInventory,
  type SlotRef,
  type SlotReport,
} from "../gen/rollcall/v1/data_pb.ts";
import { violation } from "./decode.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { digestFromFixed64, fixed64FromDigest, numberFromUint64 } from "./numbers.ts";
import { keyFromWire, versionFromWire, wireFromKey, wireFromVersion } from "./values.ts";

sameFields<CoreSlotRef, SlotRef>();
sameFields<CoreSlotReport, SlotReport>();
sameFields<CoreRollUp, RollUp>();
sameFields<CoreSlotDigest, SlotDigest>();
sameFields<CoreServiceDigest, ServiceDigest>();
sameFields<CoreSlotInventory, SlotInventory>();
sameFields<CoreSlotDifference, SlotDifference>();
sameFields<CoreServiceHoldings, ServiceHoldings>();
sameFields<CoreRegistrationRef, RegistrationRef>();

export function slotFromWire(slot: number): SlotId {
  return slot < SLOT_COUNT ? slotId(slot) : violation(`a slot is below ${SLOT_COUNT}, got ${slot}`);
}

export function epochFromWire(value: bigint): Epoch {
  return epoch(numberFromUint64(value));
}

export function wireFromSlotRef(ref: CoreSlotRef): SlotRef {
  const fields: WireFields<SlotRef> = { slot: ref.slot, leaderEpoch: BigInt(ref.leaderEpoch) };
  return create(SlotRefSchema, fields);
}

export function slotRefFromWire(wire: Pick<SlotRef, "slot" | "leaderEpoch">): CoreSlotRef {
  return { slot: slotFromWire(wire.slot), leaderEpoch: epochFromWire(wire.leaderEpoch) };
}

export function wireFromReport(report: CoreSlotReport): SlotReport {
  const fields: WireFields<SlotReport> = {
    slot: report.slot,
    leaderEpoch: BigInt(report.leaderEpoch),
    digest: fixed64FromDigest(report.digest),
    seen: wireFromVersion(report.seen),
  };
  return create(SlotReportSchema, fields);
}

export function reportFromWire(wire: SlotReport): CoreSlotReport {
  return { ...slotRefFromWire(wire), digest: digestFromFixed64(wire.digest), seen: versionFromWire(wire.seen) };
}

export function wireFromRollUp(rollUp: CoreRollUp): RollUp {
  const fields: WireFields<RollUp> = {
    tableEpoch: BigInt(rollUp.tableEpoch),
    digest: fixed64FromDigest(rollUp.digest),
  };
  return create(RollUpSchema, fields);
}

export function rollUpFromWire(wire: RollUp | undefined): CoreRollUp | undefined {
  return wire && { tableEpoch: epochFromWire(wire.tableEpoch), digest: digestFromFixed64(wire.digest) };
}

export function wireFromSlotDigest(item: CoreSlotDigest): SlotDigest {
  const fields: WireFields<SlotDigest> = {
    slot: item.slot,
    leaderEpoch: BigInt(item.leaderEpoch),
    digest: fixed64FromDigest(item.digest),
  };
  return create(SlotDigestSchema, fields);
}

export function slotDigestFromWire(wire: SlotDigest): CoreSlotDigest {
  return { ...slotRefFromWire(wire), digest: digestFromFixed64(wire.digest) };
}

export function wireFromInventory(inventory: CoreSlotInventory): SlotInventory {
  const fields: WireFields<SlotInventory> = {
    slot: inventory.slot,
    leaderEpoch: BigInt(inventory.leaderEpoch),
    version: inventory.version && wireFromVersion(inventory.version),
    services: inventory.services.map((service) => {
      const serviceFields: WireFields<ServiceDigest> = {
        key: wireFromKey(service.key),
        digest: fixed64FromDigest(service.digest),
      };
      return create(ServiceDigestSchema, serviceFields);
    }),
  };
  return create(SlotInventorySchema, fields);
}

export function inventoryFromWire(wire: SlotInventory): CoreSlotInventory {
  return {
    ...slotRefFromWire(wire),
    version: wire.version && versionFromWire(wire.version),
    services: wire.services.map(({ key, digest }) => ({ key: keyFromWire(key), digest: digestFromFixed64(digest) })),
  };
}

export function wireFromDifference(difference: CoreSlotDifference): SlotDifference {
  const fields: WireFields<SlotDifference> = {
    slot: difference.slot,
    leaderEpoch: BigInt(difference.leaderEpoch),
    keys: difference.keys.map(wireFromKey),
  };
  return create(SlotDifferenceSchema, fields);
}

export function differenceFromWire(wire: SlotDifference): CoreSlotDifference {
  return { ...slotRefFromWire(wire), keys: wire.keys.map(keyFromWire) };
}

export function wireFromHoldings(holdings: CoreServiceHoldings): ServiceHoldings {
  const fields: WireFields<ServiceHoldings> = {
    key: wireFromKey(holdings.key),
    leaderEpoch: BigInt(holdings.leaderEpoch),
    afterWrite: BigInt(holdings.afterWrite),
    after: holdings.after,
    upTo: holdings.upTo,
    held: holdings.held.map(({ instanceId, clientId }) => {
      const ref: WireFields<RegistrationRef> = { instanceId, clientId };
      return create(RegistrationRefSchema, ref);
    }),
  };
  return create(ServiceHoldingsSchema, fields);
}

export function holdingsFromWire(wire: ServiceHoldings): CoreServiceHoldings {
  return {
    key: keyFromWire(wire.key),
    leaderEpoch: epochFromWire(wire.leaderEpoch),
    afterWrite: numberFromUint64(wire.afterWrite),
    after: wire.after,
    upTo: wire.upTo,
    held: wire.held.map(({ instanceId, clientId }) => ({ instanceId, clientId })),
  };
}
