/** What a node remembers of a service, for IntrospectionService. */

import { create } from "@bufbuild/protobuf";
import type { ServiceEvent as CoreServiceEvent, ServiceEventKind as CoreKind } from "@rollcall/core";

import { ServiceEventKind, ServiceEventSchema, type ServiceEvent } from "../gen/rollcall/v1/introspection_pb.ts";
import { violation } from "./decode.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { numberFromUint64 } from "./numbers.ts";
import { versionFromWire, wireFromVersion } from "./values.ts";

sameFields<CoreServiceEvent, ServiceEvent>();

const wireKinds: Readonly<Record<CoreKind, ServiceEventKind>> = {
  registered: ServiceEventKind.REGISTERED,
  unregistered: ServiceEventKind.UNREGISTERED,
  ended: ServiceEventKind.ENDED,
  superseded: ServiceEventKind.SUPERSEDED,
  notified: ServiceEventKind.NOTIFIED,
  came: ServiceEventKind.CAME,
  subscribed: ServiceEventKind.SUBSCRIBED,
  unsubscribed: ServiceEventKind.UNSUBSCRIBED,
  pushed: ServiceEventKind.PUSHED,
  heldBack: ServiceEventKind.HELD_BACK,
  confirmed: ServiceEventKind.CONFIRMED,
  unusable: ServiceEventKind.UNUSABLE,
  unhealthy: ServiceEventKind.UNHEALTHY,
  healthy: ServiceEventKind.HEALTHY,
};

const coreKinds: ReadonlyMap<ServiceEventKind, CoreKind> = new Map(
  Object.entries(wireKinds).map(([kind, wire]) => [wire, kind as CoreKind]),
);

export function wireFromServiceEvent(event: CoreServiceEvent): ServiceEvent {
  const fields: WireFields<ServiceEvent> = {
    kind: wireKinds[event.kind],
    agoUs: BigInt(event.agoUs),
    lastedUs: BigInt(event.lastedUs),
    version: event.version && wireFromVersion(event.version),
    instanceId: event.instanceId,
    who: [...event.who],
    count: event.count,
    via: event.via,
    why: event.why,
  };
  return create(ServiceEventSchema, fields);
}

/** @throws RegistryError `protocol_violation` for an event of a kind that is not known here. */
export function serviceEventFromWire(wire: ServiceEvent): CoreServiceEvent {
  return {
    kind: coreKinds.get(wire.kind) ?? violation("a service event has a kind"),
    agoUs: numberFromUint64(wire.agoUs),
    lastedUs: numberFromUint64(wire.lastedUs),
    version: wire.version && versionFromWire(wire.version),
    instanceId: wire.instanceId,
    who: wire.who,
    count: wire.count,
    via: wire.via,
    why: wire.why,
  };
}
