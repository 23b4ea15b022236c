/** Lists of services, as they go to clients. */

import { create } from "@bufbuild/protobuf";
import {
  DEFAULT_NAMESPACE,
  type ServicePattern as CoreServicePattern,
  type ServicesChange,
  type ServicesPush as CoreServicesPush,
  type ServicesReceipt as CoreServicesReceipt,
  type ServicesRefusal as CoreServicesRefusal,
  type SubscribeServicesItem,
} from "@rollcall/core";

import {
  ServicesReceiptSchema,
  ServicesRefusalSchema,
  SubscribeServicesSchema,
  type ServicesReceipt,
  type ServicesRefusal,
  type SubscribeServices,
} from "../gen/rollcall/v1/registry_pb.ts";
import {
  ServicePatternSchema,
  ServicesPushSchema,
  type ServicePattern,
  type ServicesPush,
} from "../gen/rollcall/v1/types_pb.ts";
import { violation } from "./decode.ts";
import { errorFromWire, wireFromError } from "./error.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { digestFromFixed64, fixed64FromDigest } from "./numbers.ts";
import { heldFromWire, keyFromWire, versionFromWire, wireFromHeld, wireFromKey, wireFromVersion } from "./values.ts";

sameFields<CoreServicePattern, ServicePattern>();
sameFields<CoreServicesPush, ServicesPush>();
sameFields<SubscribeServicesItem, SubscribeServices>();
sameFields<CoreServicesReceipt, ServicesReceipt>();
sameFields<CoreServicesRefusal, ServicesRefusal>();

export function wireFromPattern({ namespace, group, prefix }: CoreServicePattern): ServicePattern {
  const fields: WireFields<ServicePattern> = {
    namespace: namespace === DEFAULT_NAMESPACE ? "" : namespace,
    group,
    prefix,
  };
  return create(ServicePatternSchema, fields);
}

/** Not checked. */
export function patternFromWire(
  wire: Pick<ServicePattern, "namespace" | "group" | "prefix"> | undefined,
): CoreServicePattern {
  return {
    namespace: wire?.namespace || DEFAULT_NAMESPACE,
    group: wire?.group ?? "",
    prefix: wire?.prefix ?? "",
  };
}

export function wireFromServicesPush({ pattern, ...change }: CoreServicesPush): ServicesPush {
  const fields: WireFields<ServicesPush> = { pattern: wireFromPattern(pattern), ...wireFromChange(change) };
  return create(ServicesPushSchema, fields);
}

export function servicesPushFromWire(wire: ServicesPush): CoreServicesPush {
  return { pattern: patternFromWire(wire.pattern), ...changeFromWire(wire) };
}

/** What the messages about lists have in common. */
export type WireChange = Omit<WireFields<ServicesPush>, "pattern">;

export function wireFromChange({ version, digest, baseDigest, services, removed, more }: ServicesChange): WireChange {
  return {
    version: wireFromVersion(version),
    digest: fixed64FromDigest(digest),
    baseDigest: baseDigest && fixed64FromDigest(baseDigest),
    services: services.map(wireFromKey),
    removed: removed.map(wireFromKey),
    more,
  };
}

export function changeFromWire(
  wire: Pick<ServicesPush, "services" | "removed" | "more" | "digest" | "version" | "baseDigest">,
): ServicesChange {
  return {
    version: versionFromWire(wire.version),
    digest: digestFromFixed64(wire.digest),
    baseDigest: wire.baseDigest === undefined ? undefined : digestFromFixed64(wire.baseDigest),
    services: wire.services.map(keyFromWire),
    removed: wire.removed.map(keyFromWire),
    more: wire.more,
  };
}

// The conversation about them ---------------------------------------------------------------------------------------

export function wireFromSubscribeServices({ pattern, heldDigest }: SubscribeServicesItem): SubscribeServices {
  const fields: WireFields<SubscribeServices> = {
    pattern: wireFromPattern(pattern),
    heldDigest: heldDigest && fixed64FromDigest(heldDigest),
  };
  return create(SubscribeServicesSchema, fields);
}

export function wireFromServicesReceipt({ pattern, held, resync }: CoreServicesReceipt): ServicesReceipt {
  const fields: WireFields<ServicesReceipt> = { pattern: wireFromPattern(pattern), held: wireFromHeld(held), resync };
  return create(ServicesReceiptSchema, fields);
}

export function wireFromServicesRefusal({ pattern, error }: CoreServicesRefusal): ServicesRefusal {
  const fields: WireFields<ServicesRefusal> = { pattern: wireFromPattern(pattern), error: wireFromError(error) };
  return create(ServicesRefusalSchema, fields);
}

export function subscribeServicesFromWire({ pattern, heldDigest }: SubscribeServices): SubscribeServicesItem {
  return {
    pattern: patternFromWire(pattern),
    heldDigest: heldDigest === undefined ? undefined : digestFromFixed64(heldDigest),
  };
}

export function servicesReceiptFromWire({ pattern, held, resync }: ServicesReceipt): CoreServicesReceipt {
  return {
    pattern: patternFromWire(pattern),
    held: heldFromWire(held) ?? violation("a receipt of a list says what is held"),
    resync,
  };
}

export function servicesRefusalFromWire({ pattern, error }: ServicesRefusal): CoreServicesRefusal {
  return { pattern: patternFromWire(pattern), error: error ? errorFromWire(error) : violation("a refusal says why") };
}
