/** Writes of sessions, in DataService.Link: by the generated code, and, as nearly all of them travel, by hand. */

import { create } from "@bufbuild/protobuf";
import { epoch, traceparentFromText, type Write as CoreWrite, type WriteKind as CoreWriteKind } from "@rollcall/core";

import { WriteKind, WriteSchema, type Write } from "../gen/rollcall/v1/data_pb.ts";
import { Unusual, lengthTag, numberTag, type WireReader } from "../wire/wire-reader.ts";
import type { WireWriter } from "../wire/wire-writer.ts";
import { epochFromWire } from "./anti-entropy.ts";
import { violation } from "./decode.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { numberFromUint64 } from "./numbers.ts";
import {
  onlyOnce,
  putKey,
  putRegistrationVersion,
  readKey,
  readRegistrationVersion,
  unknownField,
} from "./values-by-hand.ts";
import { keyFromWire, registrationVersionFromWire, wireFromKey, wireFromRegistrationVersion } from "./values.ts";

sameFields<CoreWrite, Write>();

const wireWriteKind: Record<CoreWriteKind, WriteKind> = {
  register: WriteKind.REGISTER,
  unregister: WriteKind.UNREGISTER,
  renew: WriteKind.RENEW,
};

export function wireFromWrite(write: CoreWrite): Write {
  const fields: WireFields<Write> = {
    sequence: BigInt(write.sequence),
    kind: wireWriteKind[write.kind],
    leaderEpoch: BigInt(write.leaderEpoch),
    key: wireFromKey(write.key),
    instanceId: write.instanceId,
    clientId: write.clientId,
    version: wireFromRegistrationVersion(write.version),
    instance: write.instance,
    leaseMs: write.leaseMs,
    traceparent: write.traceparent ?? "",
    heldBack: write.heldBack ?? false,
  };
  return create(WriteSchema, fields);
}

export function writeFromWire(wire: Write): CoreWrite {
  return {
    sequence: numberFromUint64(wire.sequence),
    kind: writeKindFromWire(wire.kind) ?? violation("a write has a kind"),
    leaderEpoch: epochFromWire(wire.leaderEpoch),
    key: keyFromWire(wire.key),
    instanceId: wire.instanceId,
    clientId: wire.clientId,
    version: registrationVersionFromWire(wire.version),
    // A view of the message: whoever keeps it copies it.
    instance: wire.instance,
    leaseMs: wire.leaseMs,
    traceparent: traceparentFromText(wire.traceparent),
    heldBack: wire.heldBack || undefined,
  };
}

function writeKindFromWire(kind: WriteKind): CoreWriteKind | undefined {
  switch (kind) {
    case WriteKind.REGISTER:
      return "register";
    case WriteKind.UNREGISTER:
      return "unregister";
    case WriteKind.RENEW:
      return "renew";
    default:
      return undefined;
  }
}

// By hand --------------------------------------------------------------------------------------------------------------

const SEQUENCE = 1;
const KIND = 2;
const LEADER_EPOCH = 3;
const KEY = 4;
const INSTANCE_ID = 5;
const CLIENT_ID = 6;
const VERSION = 7;
const INSTANCE = 8;
const LEASE_MS = 9;
const TRACEPARENT = 10;
const HELD_BACK = 14;

export function putWrite(writer: WireWriter, field: number, write: CoreWrite): void {
  const opened = writer.open(field);
  writer.number(SEQUENCE, write.sequence);
  writer.number(KIND, wireWriteKind[write.kind]);
  writer.number(LEADER_EPOCH, write.leaderEpoch);
  putKey(writer, KEY, write.key);
  writer.text(INSTANCE_ID, write.instanceId);
  writer.text(CLIENT_ID, write.clientId);
  putRegistrationVersion(writer, VERSION, write.version);
  writer.view(INSTANCE, write.instance);
  writer.number(LEASE_MS, write.leaseMs);
  writer.text(TRACEPARENT, write.traceparent ?? "");
  writer.truth(HELD_BACK, write.heldBack ?? false);
  writer.close(opened);
}

const NO_BYTES = new Uint8Array(0);

export function readWrite(reader: WireReader): CoreWrite {
  let sequence = 0;
  let kind: CoreWriteKind | undefined;
  let leaderEpoch = 0;
  let key: CoreWrite["key"] | undefined;
  let instanceId = "";
  let clientId = "";
  let version: CoreWrite["version"] | undefined;
  let instance: Uint8Array = NO_BYTES;
  let leaseMs = 0;
  let traceparent = "";
  let heldBack = false;
  while (!reader.isAtEnd) {
    switch (reader.number()) {
      case numberTag(SEQUENCE):
        sequence = reader.number();
        break;
      case numberTag(KIND):
        kind = writeKindFromWire(reader.number() as WriteKind);
        break;
      case numberTag(LEADER_EPOCH):
        leaderEpoch = reader.number();
        break;
      case lengthTag(KEY):
        onlyOnce(key);
        key = reader.within(readKey);
        break;
      case lengthTag(INSTANCE_ID):
        instanceId = reader.ascii();
        break;
      case lengthTag(CLIENT_ID):
        clientId = reader.ascii();
        break;
      case lengthTag(VERSION):
        onlyOnce(version);
        version = reader.within(readRegistrationVersion);
        break;
      case lengthTag(INSTANCE):
        instance = reader.view();
        break;
      case numberTag(LEASE_MS):
        leaseMs = reader.uint32();
        break;
      case lengthTag(TRACEPARENT):
        traceparent = reader.ascii();
        break;
      case numberTag(HELD_BACK):
        heldBack = reader.truth();
        break;
      default:
        unknownField();
    }
  }
  if (kind === undefined || key === undefined || version === undefined) throw new Unusual("a write that lacks a part");
  return {
    sequence,
    kind,
    leaderEpoch: epoch(leaderEpoch),
    key,
    instanceId,
    clientId,
    version,
    instance,
    leaseMs,
    traceparent: traceparentFromText(traceparent),
    heldBack: heldBack || undefined,
  };
}
