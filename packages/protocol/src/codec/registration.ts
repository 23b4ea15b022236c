/**
 * What clients register and unregister over RegistryService.Connect, and the answers: by the generated code, and, as nearly
 * all of them travel, by hand.
 */

import { create, toBinary } from "@bufbuild/protobuf";
import {
  traceparentFromText,
  type RegisterItem,
  type RegistrationResult as CoreRegistrationResult,
  type RegistrationVersion,
  type ServiceKey,
  type UnregisterItem,
} from "@rollcall/core";

import { OpaqueClientRegisterSchema, type OpaqueClientRegister } from "../gen/rollcall/v1/opaque_pb.ts";
import {
  ClientUnregisterSchema,
  RegistrationResultSchema,
  type ClientUnregister,
  type RegistrationResult,
} from "../gen/rollcall/v1/registry_pb.ts";
import { Unusual, lengthTag, numberTag, type WireReader } from "../wire/wire-reader.ts";
import type { WireWriter } from "../wire/wire-writer.ts";
import { violation } from "./decode.ts";
import { errorFromWire, wireFromError } from "./error.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { instanceIdFromBytes } from "./instance.ts";
import { numberFromUint64 } from "./numbers.ts";
import {
  onlyOnce,
  putApplied,
  putKey,
  putRegistrationVersion,
  readKey,
  readRegistrationVersion,
  unknownField,
} from "./values-by-hand.ts";
import {
  keyFromWire,
  registrationVersionFromWire,
  versionFromWire,
  wireFromKey,
  wireFromRegistrationVersion,
  wireFromVersion,
} from "./values.ts";

sameFields<RegisterItem, OpaqueClientRegister, "instanceId">();
sameFields<UnregisterItem, ClientUnregister>();
sameFields<CoreRegistrationResult, RegistrationResult>();

export function wireFromRegister(item: RegisterItem): OpaqueClientRegister {
  const fields: WireFields<OpaqueClientRegister> = {
    sequence: BigInt(item.sequence),
    key: wireFromKey(item.key),
    version: wireFromRegistrationVersion(item.version),
    instance: item.instance,
    traceparent: item.traceparent ?? "",
  };
  return create(OpaqueClientRegisterSchema, fields);
}

export function registerFromWire(wire: OpaqueClientRegister): RegisterItem {
  return {
    sequence: numberFromUint64(wire.sequence),
    key: keyFromWire(wire.key),
    version: registrationVersionFromWire(wire.version),
    instanceId: instanceIdFromBytes(wire.instance),
    // A view of the message: whoever keeps it copies it.
    instance: wire.instance,
    traceparent: traceparentFromText(wire.traceparent),
  };
}

export function wireFromUnregister(item: UnregisterItem): ClientUnregister {
  const fields: WireFields<ClientUnregister> = {
    sequence: BigInt(item.sequence),
    key: wireFromKey(item.key),
    version: wireFromRegistrationVersion(item.version),
    instanceId: item.instanceId,
    traceparent: item.traceparent ?? "",
  };
  return create(ClientUnregisterSchema, fields);
}

export function unregisterFromWire(wire: ClientUnregister): UnregisterItem {
  return {
    sequence: numberFromUint64(wire.sequence),
    key: keyFromWire(wire.key),
    version: registrationVersionFromWire(wire.version),
    instanceId: wire.instanceId,
    traceparent: traceparentFromText(wire.traceparent),
  };
}

export function wireFromResult({ sequence, outcome }: CoreRegistrationResult): RegistrationResult {
  const fields: WireFields<RegistrationResult> = {
    sequence: BigInt(sequence),
    outcome:
      outcome.kind === "applied"
        ? { case: "applied", value: wireFromVersion(outcome.version) }
        : { case: "refused", value: wireFromError(outcome.error) },
  };
  return create(RegistrationResultSchema, fields);
}

export function resultFromWire({ sequence, outcome }: RegistrationResult): CoreRegistrationResult {
  switch (outcome.case) {
    case "applied":
      return {
        sequence: numberFromUint64(sequence),
        outcome: { kind: "applied", version: versionFromWire(outcome.value) },
      };
    case "refused":
      return {
        sequence: numberFromUint64(sequence),
        outcome: { kind: "refused", error: errorFromWire(outcome.value) },
      };
    case undefined:
      return violation("a registration result has an outcome");
  }
}

// By hand --------------------------------------------------------------------------------------------------------------

/** Of both, a register and an unregister. The fourth is the encoded instance of the one, and the id of the other. */
const SEQUENCE = 1;
const KEY = 2;
const VERSION = 3;
const WHAT = 4;
const TRACEPARENT = 5;

export function putRegister(writer: WireWriter, field: number, item: RegisterItem): void {
  const opened = writer.open(field);
  putAbout(writer, item);
  writer.view(WHAT, item.instance);
  writer.text(TRACEPARENT, item.traceparent ?? "");
  writer.close(opened);
}

export function putUnregister(writer: WireWriter, field: number, item: UnregisterItem): void {
  const opened = writer.open(field);
  putAbout(writer, item);
  writer.text(WHAT, item.instanceId);
  writer.text(TRACEPARENT, item.traceparent ?? "");
  writer.close(opened);
}

function putAbout(writer: WireWriter, { sequence, key, version }: UnregisterItem | RegisterItem): void {
  writer.number(SEQUENCE, sequence);
  putKey(writer, KEY, key);
  putRegistrationVersion(writer, VERSION, version);
}

export function readRegister(reader: WireReader): RegisterItem {
  const { sequence, key, version, what, traceparent } = readAbout(reader, readBytes);
  if (what === undefined) throw new Unusual("a register without an instance");
  return { sequence, key, version, instanceId: instanceIdFromBytes(what), instance: what, traceparent };
}

export function readUnregister(reader: WireReader): UnregisterItem {
  const { sequence, key, version, what = "", traceparent } = readAbout(reader, readText);
  return { sequence, key, version, instanceId: what, traceparent };
}

const readBytes = (reader: WireReader): Uint8Array => reader.view();
const readText = (reader: WireReader): string => reader.ascii();

function readAbout<What>(reader: WireReader, readWhat: (reader: WireReader) => What) {
  let sequence = 0;
  let key: ServiceKey | undefined;
  let version: RegistrationVersion | undefined;
  let what: What | undefined;
  let traceparent = "";
  while (!reader.isAtEnd) {
    switch (reader.number()) {
      case numberTag(SEQUENCE):
        sequence = reader.number();
        break;
      case lengthTag(KEY):
        onlyOnce(key);
        key = reader.within(readKey);
        break;
      case lengthTag(VERSION):
        onlyOnce(version);
        version = reader.within(readRegistrationVersion);
        break;
      case lengthTag(WHAT):
        what = readWhat(reader);
        break;
      case lengthTag(TRACEPARENT):
        traceparent = reader.ascii();
        break;
      default:
        unknownField();
    }
  }
  if (key === undefined || version === undefined) throw new Unusual("a registration that lacks a part");
  return { sequence, key, version, what, traceparent: traceparentFromText(traceparent) };
}

export function putResult(writer: WireWriter, field: number, result: CoreRegistrationResult): void {
  const { sequence, outcome } = result;
  if (outcome.kind === "applied") putApplied(writer, field, sequence, outcome.version);
  else writer.message(field, toBinary(RegistrationResultSchema, wireFromResult(result)));
}
