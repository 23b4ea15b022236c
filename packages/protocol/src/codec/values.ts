/** The values that every conversation is made of. Keys are taken as they come: whoever reads from a client checks them. */

import { create } from "@bufbuild/protobuf";
import {
  DEFAULT_GROUP,
  DEFAULT_NAMESPACE,
  NO_FILTER,
  epoch,
  takesAllHealthy,
  type Filter as CoreFilter,
  type Held as CoreHeld,
  type RegistrationVersion as CoreRegistrationVersion,
  type ServiceKey as CoreServiceKey,
  type Version as CoreVersion,
  type ZoneRule as CoreZoneRule,
} from "@rollcall/core";

import {
  FilterSchema,
  HeldSchema,
  MetadataRequirementSchema,
  RegistrationVersionSchema,
  ServiceKeySchema,
  VersionSchema,
  ZoneRule,
  type Filter,
  type Held,
  type MetadataRequirement,
  type RegistrationVersion,
  type ServiceKey,
  type Version,
} from "../gen/rollcall/v1/types_pb.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { digestFromFixed64, fixed64FromDigest, numberFromUint64 } from "./numbers.ts";

sameFields<CoreServiceKey, ServiceKey>();
sameFields<CoreVersion, Version>();
sameFields<CoreRegistrationVersion, RegistrationVersion>();
sameFields<CoreHeld, Held>();
sameFields<CoreFilter, Filter>();
sameFields<CoreFilter["metadata"][number], MetadataRequirement>();

/** Default parts stay empty on the wire. */
export function wireFromKey(key: CoreServiceKey): ServiceKey {
  const fields: WireFields<ServiceKey> = {
    namespace: key.namespace === DEFAULT_NAMESPACE ? "" : key.namespace,
    group: key.group === DEFAULT_GROUP ? "" : key.group,
    service: key.service,
  };
  return create(ServiceKeySchema, fields);
}

/** A missing key gives one with an empty service name, which no check lets pass. */
export function keyFromWire(wire: ServiceKey | undefined): CoreServiceKey {
  return {
    namespace: wire?.namespace || DEFAULT_NAMESPACE,
    group: wire?.group || DEFAULT_GROUP,
    service: wire?.service ?? "",
  };
}

export function wireFromVersion(version: CoreVersion): Version {
  const fields: WireFields<Version> = { epoch: BigInt(version.epoch), counter: BigInt(version.counter) };
  return create(VersionSchema, fields);
}

export function versionFromWire(wire: Version | undefined): CoreVersion {
  return { epoch: epoch(numberFromUint64(wire?.epoch ?? 0n)), counter: numberFromUint64(wire?.counter ?? 0n) };
}

export function wireFromRegistrationVersion(version: CoreRegistrationVersion): RegistrationVersion {
  const fields: WireFields<RegistrationVersion> = {
    incarnation: BigInt(version.incarnation),
    counter: BigInt(version.counter),
  };
  return create(RegistrationVersionSchema, fields);
}

export function registrationVersionFromWire(wire: RegistrationVersion | undefined): CoreRegistrationVersion {
  return { incarnation: numberFromUint64(wire?.incarnation ?? 0n), counter: numberFromUint64(wire?.counter ?? 0n) };
}

export function wireFromHeld(held: CoreHeld): Held {
  const fields: WireFields<Held> = { version: wireFromVersion(held.version), digest: fixed64FromDigest(held.digest) };
  return create(HeldSchema, fields);
}

export function heldFromWire(wire: Held | undefined): CoreHeld | undefined {
  return wire && { version: versionFromWire(wire.version), digest: digestFromFixed64(wire.digest) };
}

/** What is preferred is also what is meant when nothing is said. */
const wireZoneRule: Record<CoreZoneRule, ZoneRule> = { preferred: ZoneRule.UNSPECIFIED, only: ZoneRule.ONLY };

/** A filter that asks for nothing is absent on the wire. */
export function wireFromFilter(filter: CoreFilter): Filter | undefined {
  if (takesAllHealthy(filter)) return undefined;
  const fields: WireFields<Filter> = {
    protocol: filter.protocol,
    metadata: filter.metadata.map(({ key, values }) => {
      const requirement: WireFields<MetadataRequirement> = { key, values: [...values] };
      return create(MetadataRequirementSchema, requirement);
    }),
    zone: filter.zone,
    zoneRule: wireZoneRule[filter.zoneRule],
    includeUnhealthy: filter.includeUnhealthy,
  };
  return create(FilterSchema, fields);
}

export function filterFromWire(wire: Filter | undefined): CoreFilter {
  if (wire === undefined) return NO_FILTER;
  return {
    protocol: wire.protocol,
    metadata: wire.metadata.map(({ key, values }) => ({ key, values })),
    zone: wire.zone,
    zoneRule: wire.zoneRule === ZoneRule.ONLY ? "only" : "preferred",
    includeUnhealthy: wire.includeUnhealthy,
  };
}
