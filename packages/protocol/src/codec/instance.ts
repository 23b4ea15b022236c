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
  type ProbeOrder,
} from "@rollcall/core";

import { Health, InstanceSchema, type Instance } from "../gen/rollcall/v1/types_pb.ts";
import { WireReader, asciiFromBytes, readOr } from "../wire/wire-reader.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { readInstance } from "./instance-by-hand.ts";
import { hasField } from "./scan.ts";
import { probeFromWire, wireFromProbe } from "./probe.ts";

sameFields<CoreInstance, Instance>();

export function bytesFromInstance(instance: CoreInstance): Uint8Array {
  return toBinary(InstanceSchema, wireFromInstance(instance));
}

/** @throws RegistryError `protocol_violation` when the bytes are no Instance. The fields are not checked. */
export function instanceFromBytes(bytes: Uint8Array): CoreInstance {
  return readOr(
    () => readInstance(new WireReader(bytes)),
    () => instanceFromWireBytes(bytes),
  );
}

/** The same by the generated code. */
export function instanceFromWireBytes(bytes: Uint8Array): CoreInstance {
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
    probe: instance.probe && wireFromProbe(instance.probe),
  };
  return create(InstanceSchema, fields);
}

export function instanceFromWire(wire: Instance): CoreInstance {
  const probe = wire.probe && probeFromWire(wire.probe);
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
    ...(probe && { probe }),
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
  const end = Math.min(2 + length, bytes.length);
  return asciiFromBytes(bytes, 2, end) ?? utf8.decode(bytes.subarray(2, end));
}

const ADDRESS_TAG = 0x12;

/** The address of an encoded instance, read like the id: encoders write it next. Empty for no instance at all. */
export function instanceAddressFromBytes(bytes: Uint8Array): string {
  if (bytes.length === 0) return "";
  const at = 2 + bytes[1]!;
  const length = bytes[at + 1]!;
  if (bytes[0] !== ID_TAG || bytes[1]! >= 0x80 || bytes[at] !== ADDRESS_TAG || length >= 0x80)
    return instanceFromBytes(bytes).address;
  return utf8.decode(bytes.subarray(at + 2, at + 2 + length));
}

/**
 * An encoded instance with other fields, put behind the rest: of a field that comes twice the last one counts, and what
 * only newer readers know is kept as it is. Equal bytes with equal changes give equal bytes.
 */
export function instanceBytesWith(
  bytes: Uint8Array,
  { enabled, weight, health }: Partial<Pick<CoreInstance, "enabled" | "weight" | "health">>,
): Uint8Array {
  const changes = create(InstanceSchema, {
    ...(enabled !== undefined && { enabled }),
    ...(weight !== undefined && { weight }),
    ...(health !== undefined && { health: health === "healthy" ? Health.HEALTHY : Health.UNHEALTHY }),
  });
  const behind = toBinary(InstanceSchema, changes);
  const all = new Uint8Array(bytes.length + behind.length);
  all.set(bytes);
  all.set(behind, bytes.length);
  return all;
}

/** As {@link instanceBytesWith} writes it at the end, for it has the highest number of the fields that it changes. */
const UNHEALTHY_MARK = [0x48, 0x02] as const;

/** Whether an encoded instance is marked unhealthy. Looks at the end only, unless that looks like a mark. */
export function isMarkedUnhealthy(bytes: Uint8Array): boolean {
  const { length } = bytes;
  const looksMarked = bytes[length - 2] === UNHEALTHY_MARK[0] && bytes[length - 1] === UNHEALTHY_MARK[1];
  return looksMarked && instanceFromBytes(bytes).health === "unhealthy";
}

const PROBE_FIELD = 20;

/** The probe that an encoded instance asks for. One that asks for none, as nearly all do, is not decoded to find out. */
export function probeFromBytes(bytes: Uint8Array): ProbeOrder | undefined {
  if (!hasField(bytes, PROBE_FIELD)) return undefined;
  const { address, probe } = instanceFromBytes(bytes);
  return probe && { address, probe };
}

/** A copy to keep: decoded bytes are a view of whatever was read from the network at once, and would keep all of it. */
export function owned(bytes: Uint8Array): Uint8Array {
  // Not `slice`: what comes from a socket in Node is a Buffer, whose `slice` is a view again.
  return new Uint8Array(bytes);
}
