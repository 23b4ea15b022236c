/** The small values of messages that are read and written by hand, as `values.ts` has them for the generated code. */

import {
  DEFAULT_GROUP,
  DEFAULT_NAMESPACE,
  KnownServiceKey,
  epoch,
  type RegistrationVersion,
  type ServiceKey,
  type Version,
} from "@rollcall/core";

import { KnownKeys } from "../wire/known-keys.ts";
import { Unusual, lengthTag, numberTag, type WireReader } from "../wire/wire-reader.ts";
import type { WireWriter } from "../wire/wire-writer.ts";

export function unknownField(): never {
  throw new Unusual("a field that is not known here");
}

/** A message that comes twice is one put together of both, which the generated code knows how to. */
export function onlyOnce(before: object | undefined): void {
  if (before !== undefined) throw new Unusual("a message that comes twice");
}

const NAMESPACE = 1;
const GROUP = 2;
const SERVICE = 3;

export function putKey(writer: WireWriter, field: number, { namespace, group, service }: ServiceKey): void {
  const opened = writer.open(field);
  writer.text(NAMESPACE, namespace === DEFAULT_NAMESPACE ? "" : namespace);
  writer.text(GROUP, group === DEFAULT_GROUP ? "" : group);
  writer.text(SERVICE, service);
  writer.close(opened);
}

/** Twice the services that are commonly registered at about the same time. */
const REGISTERED = 32_768;
/** More than the services that a client commonly follows: it is to cost a client no memory to speak of. */
const FOLLOWED = 256;

/** Caches: whoever shares them sees the same values as without them. */
const registered = new KnownKeys(REGISTERED);
const followed = new KnownKeys(FOLLOWED);

/** The key of what is registered. */
export function readKey(reader: WireReader): ServiceKey {
  return registered.find(reader, readNewKey);
}

/** The key of what is pushed, or was. */
export function readFollowedKey(reader: WireReader): ServiceKey {
  return followed.find(reader, readNewKey);
}

function readNewKey(reader: WireReader): KnownServiceKey {
  let namespace = "";
  let group = "";
  let service = "";
  while (!reader.isAtEnd) {
    switch (reader.number()) {
      case lengthTag(SERVICE):
        service = reader.ascii();
        break;
      case lengthTag(NAMESPACE):
        namespace = reader.ascii();
        break;
      case lengthTag(GROUP):
        group = reader.ascii();
        break;
      default:
        unknownField();
    }
  }
  return new KnownServiceKey({ namespace: namespace || DEFAULT_NAMESPACE, group: group || DEFAULT_GROUP, service });
}

/** Of Version and RegistrationVersion: the larger, then the smaller of two numbers. */
const LARGER = 1;
const SMALLER = 2;

export function putVersion(writer: WireWriter, field: number, version: Version): void {
  putPair(writer, field, version.epoch, version.counter);
}

export function readVersion(reader: WireReader): Version {
  const [larger, smaller] = readPair(reader);
  return { epoch: epoch(larger), counter: smaller };
}

export function putRegistrationVersion(writer: WireWriter, field: number, version: RegistrationVersion): void {
  putPair(writer, field, version.incarnation, version.counter);
}

export function readRegistrationVersion(reader: WireReader): RegistrationVersion {
  const [incarnation, counter] = readPair(reader);
  return { incarnation, counter };
}

/** Of RegistrationResult and WriteResult, when what was asked for is applied, as it nearly always is. */
const SEQUENCE = 1;
const APPLIED = 2;

export function putApplied(writer: WireWriter, field: number, sequence: number, version: Version): void {
  const opened = writer.open(field);
  writer.number(SEQUENCE, sequence);
  putVersion(writer, APPLIED, version);
  writer.close(opened);
}

export function readApplied(reader: WireReader): { sequence: number; outcome: { kind: "applied"; version: Version } } {
  let sequence = 0;
  let version: Version | undefined;
  while (!reader.isAtEnd) {
    switch (reader.number()) {
      case numberTag(SEQUENCE):
        sequence = reader.number();
        break;
      case lengthTag(APPLIED):
        onlyOnce(version);
        version = reader.within(readVersion);
        break;
      default:
        unknownField();
    }
  }
  if (version === undefined) throw new Unusual("an outcome other than applied");
  return { sequence, outcome: { kind: "applied", version } };
}

function putPair(writer: WireWriter, field: number, larger: number, smaller: number): void {
  const opened = writer.open(field);
  writer.number(LARGER, larger);
  writer.number(SMALLER, smaller);
  writer.close(opened);
}

function readPair(reader: WireReader): readonly [larger: number, smaller: number] {
  let larger = 0;
  let smaller = 0;
  while (!reader.isAtEnd) {
    switch (reader.number()) {
      case numberTag(LARGER):
        larger = reader.number();
        break;
      case numberTag(SMALLER):
        smaller = reader.number();
        break;
      default:
        unknownField();
    }
  }
  return [larger, smaller];
}
