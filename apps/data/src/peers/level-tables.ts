/**
 * Checks LevelDB's tables before LevelDB reads them. Its log and manifest are checked whenever they are read, but blocks
 * of a table are not, by the library we use, and on a damaged one its assertions end the process: a flipped bit on disk
 * would be a node that never starts again. So each block is held against the checksum that is stored behind it.
 *
 * A table (LevelDB, doc/table_format.md) is blocks one after the other, each followed by a type and a checksum; one of
 * them, the index, says where the others are; and a footer says where the index is. Tables must not be compressed: the
 * index could not be read.
 */

import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

const FOOTER_BYTES = 48;
const MAGIC = 0xdb4775248b80fb57n;
/** A byte for the type and four for the checksum. */
const TRAILER_BYTES = 5;
const UNCOMPRESSED = 0;

/** Where a block is, without its trailer. */
interface BlockHandle {
  readonly at: number;
  readonly length: number;
}

/** The first thing that is wrong with any finished table in the folder; undefined when all are as they were written. */
export async function damageInTables(folder: string): Promise<string | undefined> {
  for (const name of await readdir(folder).catch((): string[] => [])) {
    if (!name.endsWith(".ldb")) continue;
    const damage = damageIn(await readFile(join(folder, name)));
    if (damage !== undefined) return `${name}: ${damage}`;
  }
  return undefined;
}

function damageIn(table: Buffer): string | undefined {
  const footerAt = table.length - FOOTER_BYTES;
  // Unfinished, as a crash leaves it. If it is one that is needed, LevelDB looks at its end first and says so itself.
  if (footerAt < 0 || table.readBigUInt64LE(table.length - 8) !== MAGIC) return undefined;
  try {
    const footer = new Varints(table, footerAt);
    const others = [footer.handle()];
    const index = footer.handle();
    checkBlock(table, index);
    if (table[index.at + index.length] !== UNCOMPRESSED) return "its index is compressed";
    others.push(...handlesIn(table.subarray(index.at, index.at + index.length)));
    for (const block of others) checkBlock(table, block);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof RangeError) return thrown.message;
    throw thrown;
  }
}

/** @throws RangeError when the block is not what was written. */
function checkBlock(table: Buffer, { at, length }: BlockHandle): void {
  const end = at + length;
  if (end + TRAILER_BYTES > table.length) throw new RangeError(`the block at ${at} ends behind the table`);
  if (maskedCrc32c(table.subarray(at, end + 1)) !== table.readUInt32LE(end + 1))
    throw new RangeError(`the block at ${at} does not match its checksum`);
}

/** The handles in an index block: entries whose keys share their beginnings, then the places of some of them. */
function* handlesIn(index: Buffer): IterableIterator<BlockHandle> {
  const restarts = index.readUInt32LE(index.length - 4);
  const end = index.length - 4 - 4 * restarts;
  const entries = new Varints(index, 0);
  while (entries.at < end) {
    entries.next();
    const keyLength = entries.next();
    const valueLength = entries.next();
    const valueAt = entries.at + keyLength;
    yield new Varints(index, valueAt).handle();
    entries.at = valueAt + valueLength;
  }
}

class Varints {
  at: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** @throws RangeError when there is none. */
  next(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined || !Number.isSafeInteger(factor)) throw new RangeError("a number in it has no end");
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }

  handle(): BlockHandle {
    return { at: this.next(), length: this.next() };
  }
}

const POLYNOMIAL_REVERSED = 0x82f63b78;
/** CRC-32C (Castagnoli): for each byte of a word, what it does to the sum from where it stands. */
const CRC_TABLES = crcTables();

function crcTables(): readonly Uint32Array[] {
  const tables = [0, 1, 2, 3].map(() => new Uint32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL_REVERSED : crc >>> 1;
    tables[0]![byte] = crc;
  }
  for (let byte = 0; byte < 256; byte++) {
    for (let place = 1; place < 4; place++) {
      const before = tables[place - 1]![byte]!;
      tables[place]![byte] = (before >>> 8) ^ tables[0]![before & 0xff]!;
    }
  }
  return tables;
}

/** As LevelDB stores it: a checksum of data in which checksums lie is a weak one, so they are turned around. */
function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function crc32c(bytes: Uint8Array): number {
  const [t0, t1, t2, t3] = CRC_TABLES as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];
  let crc = -1;
  let at = 0;
  for (const end = bytes.length - (bytes.length % 4); at < end; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc = t3[crc & 0xff]! ^ t2[(crc >>> 8) & 0xff]! ^ t1[(crc >>> 16) & 0xff]! ^ t0[crc >>> 24]!;
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]!) & 0xff]!;
  return ~crc >>> 0;
}
