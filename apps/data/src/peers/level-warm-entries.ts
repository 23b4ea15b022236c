/**
 * How the warm copy lies in LevelDB. One entry says what the whole is; then each slot is one range of keys, its version
 * first and its claims after that, service by service:
 *
 *     00                                                          {"format": 1, "clusterId": "..."}
 *     01 slot                                                     [leader epoch, counter]
 *     01 slot "namespace/group/service" 00 instance 00 client     the claim, as it also goes over the wire
 *
 * Each value begins with a digest of its key and what follows, since LevelDB does not check what it reads: a damaged
 * entry is found, and is then no claim at all. Keys are bounded by the limits on the names in them, about 650 bytes.
 */

import {
  digestOfBytes,
  epoch,
  mixDigests,
  serviceKeyFromText,
  slotOfText,
  type ClaimRecord,
  type ServiceKey,
  type SlotId,
  type Version,
} from "@rollcall/core";
import { bytesFromClaim, claimFromBytes } from "@rollcall/protocol";
import { z } from "zod";

import type { ClaimName, StoredClaim } from "../warm/warm-store.ts";

const HEADER_SPACE = 0;
const CONTENT_SPACE = 1;
const SLOT_PREFIX_BYTES = 2;
const DIGEST_BYTES = 8;

/** Where the header is. Neither this nor the header's form ever changes: it is how a later format is recognised. */
export const HEADER_KEY = Buffer.from([HEADER_SPACE]);

/** Other fields may come with later formats. */
const headerForm = z.object({ format: z.int().min(1), clusterId: z.string().min(1) });
const versionForm = z.tuple([z.int().nonnegative(), z.int().nonnegative()]);

export type WarmHeader = z.infer<typeof headerForm>;

/** An entry that is not what was written, and what is wrong with it. */
export class DamagedEntry extends Error {
  override readonly name = "DamagedEntry";
}

export function bytesFromHeader(header: WarmHeader): Buffer {
  return sealed(HEADER_KEY, Buffer.from(JSON.stringify(header)));
}

/** @throws DamagedEntry */
export function headerFromBytes(bytes: Buffer): WarmHeader {
  return parsed(HEADER_KEY, bytes, headerForm);
}

/** All keys of a slot. */
export function slotRange(slot: SlotId): { readonly gte: Buffer; readonly lt: Buffer } {
  const next = slot + 1;
  return { gte: versionKey(slot), lt: next > 0xff ? Buffer.from([CONTENT_SPACE + 1]) : versionKey(next) };
}

export function versionKey(slot: number): Buffer {
  return Buffer.from([CONTENT_SPACE, slot]);
}

export function bytesFromVersion(key: Buffer, version: Version): Buffer {
  return sealed(key, Buffer.from(JSON.stringify([version.epoch, version.counter])));
}

export function claimKey(slot: SlotId, { keyText, instanceId, clientId }: ClaimName): Buffer {
  const name = `${keyText}\0${instanceId}\0${clientId}`;
  const key = Buffer.allocUnsafe(SLOT_PREFIX_BYTES + Buffer.byteLength(name));
  key[0] = CONTENT_SPACE;
  key[1] = slot;
  key.write(name, SLOT_PREFIX_BYTES);
  return key;
}

export function bytesFromStoredClaim(key: Buffer, claim: ClaimRecord): Buffer {
  return sealed(key, bytesFromClaim(claim));
}

/** Reads the entries of a slot, in the order of their keys. */
export class SlotReader {
  readonly #slot: SlotId;
  /** The service of the entry before: nearly always that of the next one as well. */
  #keyText = "";
  #key: ServiceKey | undefined;

  constructor(slot: SlotId) {
    this.#slot = slot;
  }

  /** @throws DamagedEntry */
  read(key: Buffer, value: Buffer): StoredClaim | Version {
    if (key.length === SLOT_PREFIX_BYTES) {
      const [leaderEpoch, counter] = parsed(key, value, versionForm);
      return { epoch: epoch(leaderEpoch), counter };
    }
    const body = unsealed(key, value);
    try {
      const service = this.#serviceOf(key);
      const { keyText } = service;
      return { slot: this.#slot, key: service.key, keyText, claim: claimFromBytes(body) };
    } catch (cause) {
      throw new DamagedEntry(cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }

  #serviceOf(key: Buffer): Pick<StoredClaim, "key" | "keyText"> {
    const keyText = key.toString("latin1", SLOT_PREFIX_BYTES, key.indexOf(0, SLOT_PREFIX_BYTES));
    if (this.#key === undefined || keyText !== this.#keyText) {
      const service = serviceKeyFromText(keyText);
      if (slotOfText(keyText) !== this.#slot) throw new DamagedEntry(`${keyText} is not of slot ${this.#slot}`);
      this.#key = service;
      this.#keyText = keyText;
    }
    return { key: this.#key, keyText: this.#keyText };
  }
}

/** @throws DamagedEntry */
function parsed<Form extends z.ZodType>(key: Buffer, value: Buffer, form: Form): z.infer<Form> {
  const body = unsealed(key, value);
  try {
    return form.parse(JSON.parse(body.toString()));
  } catch (cause) {
    throw new DamagedEntry(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function sealed(key: Buffer, body: Uint8Array): Buffer {
  const value = Buffer.allocUnsafe(DIGEST_BYTES + body.length);
  const { high, low } = mixDigests(digestOfBytes(key), digestOfBytes(body));
  value.writeUInt32BE(high, 0);
  value.writeUInt32BE(low, 4);
  value.set(body, DIGEST_BYTES);
  return value;
}

/** @throws DamagedEntry */
function unsealed(key: Buffer, value: Buffer): Buffer {
  if (value.length < DIGEST_BYTES) throw new DamagedEntry(`an entry of ${value.length} bytes`);
  const body = value.subarray(DIGEST_BYTES);
  const { high, low } = mixDigests(digestOfBytes(key), digestOfBytes(body));
  if (value.readUInt32BE(0) !== high || value.readUInt32BE(4) !== low)
    throw new DamagedEntry("an entry whose digest is not that of its content");
  return body;
}
