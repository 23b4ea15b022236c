/**
 * Instance and its bytes. Equal instances give equal bytes: fields go out in the order of their numbers and metadata in
 * the order of its keys. From then on the bytes travel; only filters and clients look inside.
 */

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  DEFAULT_PROTOCOL,
  DEFAULT_WEIGHT,
  RegistryError,
  type Health as CoreHealth,
  type Instance as CoreInstance,
} from "@rollcall/core";

import { Health, InstanceSchema, type Instance } from "../gen/rollcall/v1/types_pb.ts";
import { sameFields, type WireFields } from "./fields.ts";

sameFields<CoreInstance, Instance>();

export function bytesFromInstance(instance: CoreInstance): Uint8Array {
  return toBinary(InstanceSchema, wireFromInstance(instance));
}

/** @throws RegistryError `protocol_violation` when the bytes are no Instance. The fields are not checked. */
export function instanceFromBytes(bytes: Uint8Array): CoreInstance {
  try {
    return instanceFromWire(fromBinary(InstanceSchema, bytes));
  } catch (cause) {
    throw new RegistryError("protocol_violation", "instance is not a valid Instance message", { cause });
  }
}

export function wireFromInstance(instance: CoreInstance): Instance {
  const fields: WireFields<Instance> = {
    id: instance.id,
    address: instance.address,
    protocol: instance.protocol,
    weight: instance.weight === DEFAULT_WEIGHT ? undefined : instance.weight,
    zone: instance.zone,
    metadata: Object.fromEntries(Object.entries(instance.metadata).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    payload: instance.payload,
    enabled: instance.enabled ? undefined : false,
    health: wireHealth[instance.health],
  };
  return create(InstanceSchema, fields);
}

export function instanceFromWire(wire: Instance): CoreInstance {
  return {
    id: wire.id,
    address: wire.address,
    protocol: wire.protocol || DEFAULT_PROTOCOL,
    weight: wire.weight ?? DEFAULT_WEIGHT,
    zone: wire.zone,
    metadata: wire.metadata,
    payload: wire.payload,
    enabled: wire.enabled ?? true,
    health: wire.health === Health.UNHEALTHY ? "unhealthy" : "healthy",
  };
}

/** Healthy is the default, and a default costs no bytes. */
const wireHealth: Record<CoreHealth, Health> = { healthy: Health.UNSPECIFIED, unhealthy: Health.UNHEALTHY };

const ID_TAG = 0x0a;
const utf8 = new TextDecoder();

/** The id of an encoded instance, read without decoding the rest. Encoders write it first; one that does not is decoded. */
export function instanceIdFromBytes(bytes: Uint8Array): string {
  const length = bytes[1]!;
  // Ids are at most 128 characters: a length above 127 takes a second byte, which is rare enough for the long way.
  if (bytes[0] !== ID_TAG || length >= 0x80) return instanceFromBytes(bytes).id;
  return utf8.decode(bytes.subarray(2, 2 + length));
}

/** A copy to keep: decoded bytes are a view of whatever was read from the network at once, and would keep all of it. */
export function owned(bytes: Uint8Array): Uint8Array {
  // Not `slice`: what comes from a socket in Node is a Buffer, whose `slice` is a view again.
  return new Uint8Array(bytes);
}
