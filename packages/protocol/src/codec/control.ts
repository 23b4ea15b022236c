/** Control records, on the wire and in meta's store. */

import { create, fromJson, toJson, type JsonValue } from "@bufbuild/protobuf";
import { RegistryError, type Control, type ControlRecord as CoreControlRecord } from "@rollcall/core";

import { ControlRecordSchema, RebalanceOffSchema, type ControlRecord } from "../gen/rollcall/v1/control_pb.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { numberFromUint64 } from "./numbers.ts";

sameFields<CoreControlRecord, ControlRecord>();

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
  try {
    return controlRecordFromWire(fromJson(ControlRecordSchema, json));
  } catch (cause) {
    if (cause instanceof RegistryError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RegistryError("invalid_field", `this is no control record: ${why}`, { cause });
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
