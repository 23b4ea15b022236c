/**
 * How the warm copy lies in LevelDB. One entry says what the whole is; the others are blocks: what became of a slot within a
 * moment. Blocks are never changed. Read in their order they tell what is held; when a slot is written as a whole its
 * former blocks go.
 *
 *     00                    {"format": 2, "clusterId": "...", "life": 7}
 *     01 slot life number   a block of claims (protocol, claim-block.ts)
 *
 * A life is what begins each time the folder is opened to be written to, so that blocks of a later one are behind all of
 * those before, whatever is known of them. Each value begins with a digest of its key and what follows, since LevelDB does
 * not check what it reads: a damaged block is found, and then nothing of it is used.
 */

import {
  digestOfBytes,
  mixDigests,
  serviceKeyFromText,
  slotOfText,
  type ServiceKey,
  type SlotId,
} from "@rollcall/core";
import { claimBlockFromBytes, type ClaimBlock } from "@rollcall/protocol";
import { z } from "zod";

const HEADER_SPACE = 0;
const CONTENT_SPACE = 1;
const LIFE_AT = 2;
const NUMBER_AT = 6;
const BLOCK_KEY_BYTES = 12;
const DIGEST_BYTES = 8;

/** Where the header is. Neither this nor the header's form ever changes: it is how a later format is recognised. */
export const HEADER_KEY = Buffer.from([HEADER_SPACE]);

/** Other fields may come with later formats. Format 1 had no lives. */
const headerForm = z.object({ format: z.int().min(1), clusterId: z.string().min(1), life: z.int().min(0).default(0) });

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
  const body = unsealed(HEADER_KEY, bytes);
  return orDamaged(() => headerForm.parse(JSON.parse(body.toString())));
}

/** All keys of a slot. */
export function slotRange(slot: SlotId): { readonly gte: Buffer; readonly lt: Buffer } {
  const next = slot + 1;
  return { gte: slotPrefix(slot), lt: next > 0xff ? Buffer.from([CONTENT_SPACE + 1]) : slotPrefix(next) };
}

function slotPrefix(slot: number): Buffer {
  return Buffer.from([CONTENT_SPACE, slot]);
}

/** Keys are in the order of lives, and of numbers in a life. */
export function blockKey(slot: SlotId, life: number, number: number): Buffer {
  const key = Buffer.allocUnsafe(BLOCK_KEY_BYTES);
  key[0] = CONTENT_SPACE;
  key[1] = slot;
  key.writeUInt32BE(life, LIFE_AT);
  key.writeUIntBE(number, NUMBER_AT, BLOCK_KEY_BYTES - NUMBER_AT);
  return key;
}

/** Reads blocks of a slot. */
export class BlockReader {
  readonly #slot: SlotId;
  /** Services that blocks have named: nearly always the next one does, too. */
  readonly #keys = new Map<string, ServiceKey>();

  constructor(slot: SlotId) {
    this.#slot = slot;
  }

  /** @throws DamagedEntry */
  read(key: Buffer, value: Buffer): ClaimBlock {
    const body = unsealed(key, value);
    return orDamaged(() => {
      const block = claimBlockFromBytes(body);
      for (const { keyText } of block.puts) this.keyOf(keyText);
      return block;
    });
  }

  /** @throws when it is not the text of a key, or not of the slot. */
  keyOf(keyText: string): ServiceKey {
    const known = this.#keys.get(keyText);
    if (known !== undefined) return known;
    const key = serviceKeyFromText(keyText);
    if (slotOfText(keyText) !== this.#slot) throw new DamagedEntry(`${keyText} is not of slot ${this.#slot}`);
    this.#keys.set(keyText, key);
    return key;
  }
}

/** @throws DamagedEntry in place of whatever is thrown. */
export function orDamaged<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof DamagedEntry) throw cause;
    throw new DamagedEntry(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

export function sealed(key: Buffer, body: Uint8Array): Buffer {
  const value = Buffer.allocUnsafe(DIGEST_BYTES + body.length);
  const { high, low } = mixDigests(digestOfBytes(key), digestOfBytes(body));
  value.writeUInt32BE(high, 0);
  value.writeUInt32BE(low, 4);
  value.set(body, DIGEST_BYTES);
  return value;
}

/** @throws DamagedEntry */
export function unsealed(key: Buffer, value: Buffer): Buffer {
  if (value.length < DIGEST_BYTES) throw new DamagedEntry(`an entry of ${value.length} bytes`);
  const body = value.subarray(DIGEST_BYTES);
  const { high, low } = mixDigests(digestOfBytes(key), digestOfBytes(body));
  if (value.readUInt32BE(0) !== high || value.readUInt32BE(4) !== low)
    throw new DamagedEntry("an entry whose digest is not that of its content");
  return body;
}
