/** Lists of services, as they go from data nodes to sessions. */

import { create } from "@bufbuild/protobuf";
import type {
  ServicesDigest as CoreServicesDigest,
  ServicesInterest as CoreServicesInterest,
  ServicesNotification as CoreServicesNotification,
  ServicesNotifyReceipt as CoreServicesNotifyReceipt,
} from "@rollcall/core";

import {
  ServicesDigestSchema,
  ServicesInterestSchema,
  ServicesNotificationSchema,
  ServicesNotifyReceiptSchema,
  type ServicesDigest,
  type ServicesInterest,
  type ServicesNotification,
  type ServicesNotifyReceipt,
} from "../gen/rollcall/v1/data_pb.ts";
import { slotFromWire, slotRefFromWire, wireFromSlotRef } from "./anti-entropy.ts";
import { violation } from "./decode.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { digestFromFixed64, fixed64FromDigest } from "./numbers.ts";
import { changeFromWire, wireFromChange } from "./services.ts";
import { heldFromWire, wireFromHeld } from "./values.ts";

sameFields<CoreServicesInterest, ServicesInterest>();
sameFields<CoreServicesNotification, ServicesNotification>();
sameFields<CoreServicesNotifyReceipt, ServicesNotifyReceipt>();
sameFields<CoreServicesDigest, ServicesDigest>();

export function wireFromServicesNotification(item: CoreServicesNotification): ServicesNotification {
  const fields: WireFields<ServicesNotification> = {
    namespace: item.namespace,
    slots: item.slots.map(wireFromSlotRef),
    removedSlots: [...item.removedSlots],
    ...wireFromChange(item),
  };
  return create(ServicesNotificationSchema, fields);
}

export function servicesNotificationFromWire(wire: ServicesNotification): CoreServicesNotification {
  return {
    namespace: wire.namespace,
    slots: wire.slots.map(slotRefFromWire),
    removedSlots: wire.removedSlots.map(slotFromWire),
    ...changeFromWire(wire),
  };
}

export function wireFromServicesInterest({ namespace, held }: CoreServicesInterest): ServicesInterest {
  const fields: WireFields<ServicesInterest> = { namespace, held: held && wireFromHeld(held) };
  return create(ServicesInterestSchema, fields);
}

export function wireFromServicesNotifyReceipt(item: CoreServicesNotifyReceipt): ServicesNotifyReceipt {
  const { namespace, held, resync } = item;
  const fields: WireFields<ServicesNotifyReceipt> = { namespace, held: wireFromHeld(held), resync };
  return create(ServicesNotifyReceiptSchema, fields);
}

export function wireFromServicesDigest({ namespace, digest }: CoreServicesDigest): ServicesDigest {
  const fields: WireFields<ServicesDigest> = { namespace, digest: fixed64FromDigest(digest) };
  return create(ServicesDigestSchema, fields);
}

export function servicesReceiptFromWire({ namespace, held, resync }: ServicesNotifyReceipt): CoreServicesNotifyReceipt {
  return {
    namespace,
    held: heldFromWire(held) ?? violation("a receipt of a list says what is held"),
    resync,
  };
}

export function servicesDigestFromWire({ namespace, digest }: ServicesDigest): CoreServicesDigest {
  return { namespace, digest: digestFromFixed64(digest) };
}
