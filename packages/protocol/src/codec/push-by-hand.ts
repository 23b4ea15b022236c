/** Pushes, notifications, which have the same form, and the receipts of both, by hand: as nearly all of them travel. */

import { toBinary } from "@bufbuild/protobuf";
import {
  NO_FILTER,
  epoch,
  takesAllHealthy,
  traceparentFromText,
  type ChangeOrigin,
  type Digest,
  type EncodedInstance,
  type Filter,
  type Held,
  type NotifyReceipt,
  type PushReceipt,
  type ServiceKey,
  type UpdatePart,
  type Version,
} from "@rollcall/core";

import { FilterSchema } from "../gen/rollcall/v1/types_pb.ts";
import { Unusual, fixed64Tag, lengthTag, numberTag, type WireReader } from "../wire/wire-reader.ts";
import type { WireWriter } from "../wire/wire-writer.ts";
import { decodeMessage } from "./decode.ts";
import { instanceIdFromBytes, owned } from "./instance.ts";
import { onlyOnce, putKey, putVersion, readFollowedKey, readVersion, unknownField } from "./values-by-hand.ts";
import { filterFromWire, wireFromFilter } from "./values.ts";

/** As the generated code has it of a field that is absent. */
const NO_VERSION: Version = { epoch: epoch(0), counter: 0 };
const NO_DIGEST: Digest = { high: 0, low: 0 };

/** Of a push and of a receipt, which for a notification has no filter. */
const KEY = 1;
const FILTER = 2;

/** Of a push. */
const VERSION = 3;
const DIGEST = 4;
const BASE_DIGEST = 5;
const INSTANCES = 6;
const REMOVED_IDS = 7;
const CONFIRMED = 8;
const MORE = 9;
const ORIGIN = 10;

export function putPush(writer: WireWriter, field: number, push: UpdatePart): void {
  const opened = writer.open(field);
  putKey(writer, KEY, push.key);
  putFilter(writer, push.filter);
  putVersion(writer, VERSION, push.version);
  writer.fixed64(DIGEST, push.digest);
  if (push.baseDigest !== undefined) writer.fixed64Given(BASE_DIGEST, push.baseDigest);
  for (const { bytes } of push.instances) writer.message(INSTANCES, bytes);
  for (const id of push.removedIds) writer.textGiven(REMOVED_IDS, id);
  writer.truth(CONFIRMED, push.confirmed);
  writer.truth(MORE, push.more ?? false);
  if (push.origin !== undefined) putOrigin(writer, push.origin);
  writer.close(opened);
}

export function readPush(reader: WireReader): UpdatePart {
  let key: ServiceKey | undefined;
  let filter: Filter | undefined;
  let version: Version | undefined;
  let digest = NO_DIGEST;
  let baseDigest: Digest | undefined;
  const instances: EncodedInstance[] = [];
  const removedIds: string[] = [];
  let confirmed = false;
  let more = false;
  let origin: ChangeOrigin | undefined;
  while (!reader.isAtEnd) {
    switch (reader.number()) {
      case lengthTag(KEY):
        onlyOnce(key);
        key = reader.within(readFollowedKey);
        break;
      case lengthTag(FILTER):
        onlyOnce(filter);
        filter = readFilter(reader);
        break;
      case lengthTag(VERSION):
        onlyOnce(version);
        version = reader.within(readVersion);
        break;
      case fixed64Tag(DIGEST):
        digest = reader.fixed64();
        break;
      case fixed64Tag(BASE_DIGEST):
        baseDigest = reader.fixed64();
        break;
      case lengthTag(INSTANCES):
        instances.push(encodedInstance(reader.view()));
        break;
      case lengthTag(REMOVED_IDS):
        removedIds.push(reader.ascii());
        break;
      case numberTag(CONFIRMED):
        confirmed = reader.truth();
        break;
      case numberTag(MORE):
        more = reader.truth();
        break;
      case lengthTag(ORIGIN):
        onlyOnce(origin);
        origin = reader.within(readOrigin);
        break;
      default:
        unknownField();
    }
  }
  if (key === undefined) throw new Unusual("a push of no service");
  return {
    key,
    filter: filter ?? NO_FILTER,
    version: version ?? NO_VERSION,
    digest,
    baseDigest,
    instances,
    removedIds,
    confirmed,
    more,
    origin,
  };
}

function encodedInstance(view: Uint8Array): EncodedInstance {
  return { id: instanceIdFromBytes(view), bytes: owned(view) };
}

function putFilter(writer: WireWriter, filter: Filter): void {
  if (!takesAllHealthy(filter)) writer.message(FILTER, toBinary(FilterSchema, wireFromFilter(filter)!));
}

function readFilter(reader: WireReader): Filter {
  return filterFromWire(decodeMessage(FilterSchema, reader.view()));
}

const TRACEPARENT = 1;
const AGE_US = 2;

function putOrigin(writer: WireWriter, { traceparent, ageUs }: ChangeOrigin): void {
  const opened = writer.open(ORIGIN);
  writer.text(TRACEPARENT, traceparent ?? "");
  writer.number(AGE_US, ageUs);
  writer.close(opened);
}

function readOrigin(reader: WireReader): ChangeOrigin {
  let traceparent = "";
  let ageUs = 0;
  while (!reader.isAtEnd) {
    switch (reader.number()) {
      case lengthTag(TRACEPARENT):
        traceparent = reader.ascii();
        break;
      case numberTag(AGE_US):
        ageUs = reader.uint32();
        break;
      default:
        unknownField();
    }
  }
  return { traceparent: traceparentFromText(traceparent), ageUs };
}

/** Of a receipt. */
const HELD = 3;
const RESYNC = 4;

export function putReceipt(writer: WireWriter, field: number, { key, filter, held, resync }: PushReceipt): void {
  const opened = writer.open(field);
  putKey(writer, KEY, key);
  putFilter(writer, filter);
  putHeld(writer, HELD, held);
  writer.truth(RESYNC, resync);
  writer.close(opened);
}

export function readReceipt(reader: WireReader): PushReceipt {
  let key: ServiceKey | undefined;
  let filter: Filter | undefined;
  let held: Held | undefined;
  let resync = false;
  while (!reader.isAtEnd) {
    switch (reader.number()) {
      case lengthTag(KEY):
        onlyOnce(key);
        key = reader.within(readFollowedKey);
        break;
      case lengthTag(FILTER):
        onlyOnce(filter);
        filter = readFilter(reader);
        break;
      case lengthTag(HELD):
        onlyOnce(held);
        held = reader.within(readHeld);
        break;
      case numberTag(RESYNC):
        resync = reader.truth();
        break;
      default:
        unknownField();
    }
  }
  if (key === undefined || held === undefined) throw new Unusual("a receipt that lacks a part");
  return { key, filter: filter ?? NO_FILTER, held, resync };
}

/** Of the receipt of a notification. */
const NOTIFIED_HELD = 2;
const NOTIFIED_RESYNC = 3;

export function putNotifyReceipt(writer: WireWriter, field: number, { key, held, resync }: NotifyReceipt): void {
  const opened = writer.open(field);
  putKey(writer, KEY, key);
  putHeld(writer, NOTIFIED_HELD, held);
  writer.truth(NOTIFIED_RESYNC, resync);
  writer.close(opened);
}

export function readNotifyReceipt(reader: WireReader): NotifyReceipt {
  let key: ServiceKey | undefined;
  let held: Held | undefined;
  let resync = false;
  while (!reader.isAtEnd) {
    switch (reader.number()) {
      case lengthTag(KEY):
        onlyOnce(key);
        key = reader.within(readFollowedKey);
        break;
      case lengthTag(NOTIFIED_HELD):
        onlyOnce(held);
        held = reader.within(readHeld);
        break;
      case numberTag(NOTIFIED_RESYNC):
        resync = reader.truth();
        break;
      default:
        unknownField();
    }
  }
  if (key === undefined || held === undefined) throw new Unusual("a receipt that lacks a part");
  return { key, held, resync };
}

const HELD_VERSION = 1;
const HELD_DIGEST = 2;

function putHeld(writer: WireWriter, field: number, { version, digest }: Held): void {
  const opened = writer.open(field);
  putVersion(writer, HELD_VERSION, version);
  writer.fixed64(HELD_DIGEST, digest);
  writer.close(opened);
}

function readHeld(reader: WireReader): Held {
  let version: Version | undefined;
  let digest = NO_DIGEST;
  while (!reader.isAtEnd) {
    switch (reader.number()) {
      case lengthTag(HELD_VERSION):
        onlyOnce(version);
        version = reader.within(readVersion);
        break;
      case fixed64Tag(HELD_DIGEST):
        digest = reader.fixed64();
        break;
      default:
        unknownField();
    }
  }
  return { version: version ?? NO_VERSION, digest };
}
