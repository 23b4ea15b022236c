/** Control records, on the wire and in meta's store. */

import { create, fromJson, toJson, type DescMessage, type JsonValue, type MessageShape } from "@bufbuild/protobuf";
import {
  RegistryError,
  type Control,
  type ControlChange as CoreControlChange,
  type ControlRecord as CoreControlRecord,
} from "@rollcall/core";

import {
  ControlChangeSchema,
  ControlRecordSchema,
  RebalanceOffSchema,
  type ControlChange,
  type ControlRecord,
} from "../gen/rollcall/v1/control_pb.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { numberFromUint64 } from "./numbers.ts";

sameFields<CoreControlRecord, ControlRecord>();
sameFields<CoreControlChange, ControlChange>();

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

function wireFromControl({ kind }: Control): WireControl {
  switch (kind) {
    case "rebalance off":
      return { case: "rebalanceOff", value: create(RebalanceOffSchema) };
  }
}

function controlFromWire(wire: WireControl): Control {
  switch (wire.case) {
    case "rebalanceOff":
      return { kind: "rebalance off" };
    case undefined:
      throw new RegistryError("invalid_field", "a control record decides something", {
        subject: { field: "control", limit: "one of those in the schema", value: "none" },
      });
  }
}
