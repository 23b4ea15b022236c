/**
 * Claims of one slot as they lie on disk: everything that became of them within a moment, as one block. It is written for
 * every change and read for every claim when a node starts, so both are done by hand. A block is fields of protobuf's wire
 * format whose order counts: a service stands before what is about it.
 *
 *     1  version of the slot, when this block brings it there
 *     2  "namespace/group/service" of what follows
 *     3  a claim that is gone: instance, client
 *     4  a claim, as it also goes over the wire
 */

import { fromBinary } from "@bufbuild/protobuf";
import type { ClaimRecord, RegistrationVersion, Version } from "@rollcall/core";

import { ClaimSchema } from "../gen/rollcall/v1/data_pb.ts";
import { WireReader, lengthTag, numberTag, readOr } from "../wire/wire-reader.ts";
import { WireWriter } from "../wire/wire-writer.ts";
import { claimFromWire } from "./replicate.ts";
import {
  onlyOnce,
  putRegistrationVersion,
  putVersion,
  readRegistrationVersion,
  readVersion,
  unknownField,
} from "./values-by-hand.ts";

export interface ClaimName {
  readonly keyText: string;
  readonly instanceId: string;
  readonly clientId: string;
}

/** Deletes and puts name different claims. */
export interface ClaimBlock {
  readonly version: Version | undefined;
  readonly deletes: readonly ClaimName[];
  readonly puts: readonly { readonly keyText: string; readonly claim: ClaimRecord }[];
}

const SLOT_VERSION = 1;
const SERVICE = 2;
const GONE = 3;
const CLAIM = 4;

const writer = new WireWriter();

export function bytesFromClaimBlock({ version, deletes, puts }: ClaimBlock): Uint8Array {
  writer.begin();
  if (version !== undefined) putVersion(writer, SLOT_VERSION, version);
  let service = "";
  const about = (keyText: string): void => {
    if (keyText !== service) writer.text(SERVICE, keyText);
    service = keyText;
  };
  for (const { keyText, instanceId, clientId } of deletes) {
    about(keyText);
    const opened = writer.open(GONE);
    writer.text(INSTANCE_ID, instanceId);
    writer.text(CLIENT_ID, clientId);
    writer.close(opened);
  }
  for (const { keyText, claim } of puts) {
    about(keyText);
    putClaim(writer, CLAIM, claim);
  }
  return writer.written();
}

/** Instances are views of the bytes. @throws whatever a decoder does when these are not the bytes of a block. */
export function claimBlockFromBytes(bytes: Uint8Array): ClaimBlock {
  const reader = new WireReader(bytes);
  const deletes: ClaimName[] = [];
  const puts: { keyText: string; claim: ClaimRecord }[] = [];
  let version: Version | undefined;
  let keyText = "";
  while (!reader.isAtEnd) {
    switch (reader.number()) {
      case lengthTag(CLAIM):
        puts.push({ keyText, claim: claimAt(reader) });
        break;
      case lengthTag(SERVICE):
        keyText = reader.ascii();
        break;
      case lengthTag(GONE): {
        const { instanceId, clientId } = claimAt(reader);
        deletes.push({ keyText, instanceId, clientId });
        break;
      }
      case lengthTag(SLOT_VERSION):
        version = reader.within(readVersion);
        break;
      default:
        unknownField();
    }
  }
  return { version, deletes, puts };
}

/** @throws whatever the decoder does when these are not the bytes of a claim. */
export function claimFromBytes(bytes: Uint8Array): ClaimRecord {
  return claimFromWire(fromBinary(ClaimSchema, bytes));
}

/** By the generated code, if it is written in another way than here. */
function claimAt(reader: WireReader): ClaimRecord {
  const bytes = reader.view();
  return readOr(
    () => readClaim(new WireReader(bytes)),
    () => claimFromBytes(bytes),
  );
}

// A claim by itself ----------------------------------------------------------------------------------------------------

const INSTANCE_ID = 1;
const CLIENT_ID = 2;
const VERSION = 3;
const REMOVED = 4;
const PRESUMED = 5;
const INSTANCE = 6;
const SESSION = 7;
const LEASE_MS = 8;
const UNHEALTHY = 20;

function putClaim(to: WireWriter, field: number, claim: ClaimRecord): void {
  const opened = to.open(field);
  to.text(INSTANCE_ID, claim.instanceId);
  to.text(CLIENT_ID, claim.clientId);
  putRegistrationVersion(to, VERSION, claim.version);
  to.truth(REMOVED, claim.removed);
  to.truth(PRESUMED, claim.presumed);
  to.view(INSTANCE, claim.instance);
  to.text(SESSION, claim.session);
  to.number(LEASE_MS, claim.leaseMs);
  to.truth(UNHEALTHY, claim.unhealthy);
  to.close(opened);
}

const NO_BYTES = new Uint8Array(0);

function readClaim(reader: WireReader): ClaimRecord {
  let instanceId = "";
  let clientId = "";
  let version: RegistrationVersion | undefined;
  let removed = false;
  let presumed = false;
  let instance: Uint8Array = NO_BYTES;
  let session = "";
  let leaseMs = 0;
  let unhealthy = false;
  while (!reader.isAtEnd) {
    switch (reader.number()) {
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
      case numberTag(REMOVED):
        removed = reader.truth();
        break;
      case numberTag(PRESUMED):
        presumed = reader.truth();
        break;
      case lengthTag(INSTANCE):
        instance = reader.view();
        break;
      case lengthTag(SESSION):
        session = reader.ascii();
        break;
      case numberTag(LEASE_MS):
        leaseMs = reader.uint32();
        break;
      case numberTag(UNHEALTHY):
        unhealthy = reader.truth();
        break;
      default:
        unknownField();
    }
  }
  version ??= { incarnation: 0, counter: 0 };
  return { instanceId, clientId, version, removed, presumed, unhealthy, instance, session, leaseMs };
}
