/** Control records, on the wire and in meta's store. */

import { create, fromJson, toJson, type DescMessage, type JsonValue, type MessageShape } from "@bufbuild/protobuf";
import {
  RegistryError,
  type Control,
  type ControlChange as CoreControlChange,
  type ControlRecord as CoreControlRecord,
  type ControlsPart,
  type PushScope,
  type StaticInstance as CoreStaticInstance,
} from "@rollcall/core";

import {
  ControlChangeSchema,
  ControlRecordSchema,
  NamespaceBlockSchema,
  NodeDrainSchema,
  PushOffSchema,
  QuotaSchema,
  RebalanceOffSchema,
  ServiceBlockSchema,
  StaticInstanceSchema,
  type ControlChange,
  type ControlRecord,
  type PushOff,
  type Quota,
  type StaticInstance,
} from "../gen/rollcall/v1/control_pb.ts";
import { InstanceSchema } from "../gen/rollcall/v1/types_pb.ts";
import { ControlsSchema, type Controls } from "../gen/rollcall/v1/meta_pb.ts";
import { clientOffFromWire, overrideFromWire, wireFromClientOff, wireFromOverride } from "./control-overrides.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { instanceFromWire, wireFromInstance } from "./instance.ts";
import { numberFromUint64 } from "./numbers.ts";
import { keyFromWire, wireFromKey } from "./values.ts";

sameFields<CoreControlRecord, ControlRecord>();
sameFields<CoreControlChange, ControlChange>();
sameFields<ControlsPart, Controls>();
sameFields<CoreStaticInstance, StaticInstance, "kind">();

type WireControl = ControlRecord["control"];

export function wireFromControlRecord(record: CoreControlRecord): ControlRecord {
  const fields: WireFields<ControlRecord> = {
    id: record.id,
    version: BigInt(record.version),
    author: record.author,
    reason: record.reason,
    decidedAt: record.decidedAt,
    expiresInMs: record.expiresInMs === undefined ? undefined : BigInt(Math.ceil(record.expiresInMs)),
    control: wireFromControl(record.control),
  };
  return create(ControlRecordSchema, fields);
}

/** @throws RegistryError `invalid_field` when nothing is decided. Limits are not checked. */
export function controlRecordFromWire(wire: ControlRecord): CoreControlRecord {
  return {
    id: wire.id,
    version: numberFromUint64(wire.version),
    author: wire.author,
    reason: wire.reason,
    decidedAt: wire.decidedAt,
    expiresInMs: wire.expiresInMs === undefined ? undefined : numberFromUint64(wire.expiresInMs),
    control: controlFromWire(wire.control),
  };
}

/** A record as it is kept and exported: JSON as the schema has it. */
export function jsonFromControlRecord(record: CoreControlRecord): JsonValue {
  return toJson(ControlRecordSchema, wireFromControlRecord(record));
}

/** @throws RegistryError `invalid_field` when it is no control record. */
export function controlRecordFromJson(json: JsonValue): CoreControlRecord {
  return controlRecordFromWire(messageFromJson(ControlRecordSchema, json, "control record"));
}

export function wireFromControlChange(change: CoreControlChange): ControlChange {
  const fields: WireFields<ControlChange> = {
    version: BigInt(change.version),
    id: change.id,
    author: change.author,
    reason: change.reason,
    decidedAt: change.decidedAt,
    before: change.before && wireFromControlRecord(change.before),
    after: change.after && wireFromControlRecord(change.after),
  };
  return create(ControlChangeSchema, fields);
}

/** @throws RegistryError `invalid_field` when a record in it decides nothing. */
export function controlChangeFromWire(wire: ControlChange): CoreControlChange {
  return {
    version: numberFromUint64(wire.version),
    id: wire.id,
    author: wire.author,
    reason: wire.reason,
    decidedAt: wire.decidedAt,
    before: wire.before && controlRecordFromWire(wire.before),
    after: wire.after && controlRecordFromWire(wire.after),
  };
}

/** A change as it is kept: JSON as the schema has it. */
export function jsonFromControlChange(change: CoreControlChange): JsonValue {
  return toJson(ControlChangeSchema, wireFromControlChange(change));
}

/** @throws RegistryError `invalid_field` when it is no change of a control record. */
export function controlChangeFromJson(json: JsonValue): CoreControlChange {
  return controlChangeFromWire(messageFromJson(ControlChangeSchema, json, "change of a control record"));
}

function messageFromJson<Schema extends DescMessage>(
  schema: Schema,
  json: JsonValue,
  what: string,
): MessageShape<Schema> {
  try {
    return fromJson(schema, json);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RegistryError("invalid_field", `this is no ${what}: ${why}`, { cause });
  }
}

export function wireFromControls(part: ControlsPart): Controls {
  const fields: WireFields<Controls> = {
    clusterId: part.clusterId,
    version: BigInt(part.version),
    base: BigInt(part.base),
    through: BigInt(part.through),
    records: part.records.map(wireFromControlRecord),
    removedIds: [...part.removedIds],
    complete: part.complete,
  };
  return create(ControlsSchema, fields);
}

/** A record of a kind that a newer meta has decided, and of which this node knows nothing, is left out. */
export function controlsFromWire(wire: Controls): ControlsPart {
  return {
    clusterId: wire.clusterId,
    version: numberFromUint64(wire.version),
    base: numberFromUint64(wire.base),
    through: numberFromUint64(wire.through),
    records: wire.records.filter(({ control }) => control.case !== undefined).map(controlRecordFromWire),
    removedIds: wire.removedIds,
    complete: wire.complete,
  };
}

function wireFromControl(control: Control): WireControl {
  switch (control.kind) {
    case "rebalance off":
      return { case: "rebalanceOff", value: create(RebalanceOffSchema) };
    case "push off": {
      const fields: WireFields<PushOff> = {
        scope: wireFromScope(control.scope),
        exceptClients: [...control.exceptClients],
      };
      return { case: "pushOff", value: create(PushOffSchema, fields) };
    }
    case "namespace block":
      return {
        case: "namespaceBlock",
        value: create(NamespaceBlockSchema, { namespace: control.namespace }),
      };
    case "service block":
      return { case: "serviceBlock", value: create(ServiceBlockSchema, { key: wireFromKey(control.key) }) };
    case "quota": {
      const { namespace, instances, services } = control;
      const fields: WireFields<Quota> = { namespace, instances, services };
      return { case: "quota", value: create(QuotaSchema, fields) };
    }
    case "node drain":
      return { case: "nodeDrain", value: create(NodeDrainSchema, { nodeId: control.nodeId }) };
    case "client off":
      return { case: "clientOff", value: wireFromClientOff(control) };
    case "instance override":
      return { case: "instanceOverride", value: wireFromOverride(control) };
    case "static instance":
      return { case: "staticInstance", value: wireFromStaticInstance(control) };
  }
}

function controlFromWire(wire: WireControl): Control {
  switch (wire.case) {
    case "rebalanceOff":
      return { kind: "rebalance off" };
    case "pushOff": {
      const { scope, exceptClients } = wire.value;
      return { kind: "push off", scope: scopeFromWire(scope), exceptClients };
    }
    case "namespaceBlock":
      return { kind: "namespace block", namespace: wire.value.namespace };
    case "serviceBlock":
      return { kind: "service block", key: keyFromWire(wire.value.key) };
    case "quota": {
      const { namespace, instances, services } = wire.value;
      return { kind: "quota", namespace, instances, services };
    }
    case "nodeDrain":
      return { kind: "node drain", nodeId: wire.value.nodeId };
    case "clientOff":
      return clientOffFromWire(wire.value);
    case "instanceOverride":
      return overrideFromWire(wire.value);
    case "staticInstance":
      return staticInstanceFromWire(wire.value);
    case undefined:
      throw new RegistryError("invalid_field", "a control record decides something", {
        subject: { field: "control", limit: "one of those in the schema", value: "none" },
      });
  }
}

function wireFromScope(scope: PushScope): PushOff["scope"] {
  switch (scope.kind) {
    case "cluster":
      return { case: undefined };
    case "namespace":
      return { case: "namespace", value: scope.namespace };
    case "zone":
      return { case: "zone", value: scope.zone };
  }
}

function scopeFromWire(wire: PushOff["scope"]): PushScope {
  switch (wire.case) {
    case undefined:
      return { kind: "cluster" };
    case "namespace":
      return { kind: "namespace", namespace: wire.value };
    case "zone":
      return { kind: "zone", zone: wire.value };
  }
}

function wireFromStaticInstance({ key, instance }: CoreStaticInstance): StaticInstance {
  const fields: WireFields<StaticInstance> = { key: wireFromKey(key), instance: wireFromInstance(instance) };
  return create(StaticInstanceSchema, fields);
}

/** Without an instance it is one without an id, which no check lets pass. */
function staticInstanceFromWire({ key, instance }: StaticInstance): CoreStaticInstance {
  return {
    kind: "static instance",
    key: keyFromWire(key),
    instance: instanceFromWire(instance ?? create(InstanceSchema)),
  };
}
