/**
 * Whether an encoded instance keeps all rules, found out where it lies. Every instance that is registered is checked, and
 * nearly all are plain: valid, in the order of their fields, of ASCII, unmarked and without a probe. Only of the others
 * has an instance to be made, to say what is wrong with them, or that nothing is.
 */

import { LIMITS } from "@rollcall/core";

import { Unusual, WireReader, lengthTag, numberTag } from "./wire-reader.ts";

/** What a character may be part of, as bits. */
const LETTER = 1;
const LOWER_CASE = 2;
const IN_ID = 4;
const IN_HOST = 8;
const IN_PROTOCOL = 16;
const IN_METADATA_KEY = 32;
const ANY = 64;

const classes = new Uint8Array(256);
for (let code = 0; code < 0x80; code++) {
  const character = String.fromCharCode(code);
  const isLetter = /[A-Za-z0-9]/.test(character);
  const of = (bit: number, isIn: boolean): number => (isIn ? bit : 0);
  classes[code] =
    ANY |
    of(LETTER, isLetter) |
    of(LOWER_CASE, /[a-z0-9]/.test(character)) |
    of(IN_ID, isLetter || "._:@~-".includes(character)) |
    of(IN_HOST, isLetter || "._-".includes(character)) |
    of(IN_PROTOCOL, /[a-z0-9.+-]/.test(character)) |
    of(IN_METADATA_KEY, isLetter || "._/-".includes(character));
}

/** True only for what the rules of an instance take, and what is read the same by everybody. */
export function isPlainInstance(bytes: Uint8Array): boolean {
  const reader = new WireReader(bytes);
  try {
    return isPlain(reader);
  } catch (thrown) {
    if (thrown instanceof Unusual) return false;
    throw thrown;
  }
}

const ID = 1;
const ADDRESS = 2;
const PROTOCOL = 3;
const WEIGHT = 4;
const ZONE = 5;
const METADATA = 6;
const PAYLOAD = 7;
const ENABLED = 8;

function isPlain(reader: WireReader): boolean {
  if (reader.number() !== lengthTag(ID) || !isText(reader, LETTER, IN_ID, LIMITS.instanceIdLength)) return false;
  if (reader.number() !== lengthTag(ADDRESS) || !isAddress(reader)) return false;
  const counts = { entries: 0, bytes: 0 };
  let before = 0;
  while (!reader.isAtEnd) {
    const tag = reader.number();
    // Fields that come twice are no harm to anybody, but they are unusual.
    if (tag <= before && tag !== lengthTag(METADATA)) return false;
    before = tag;
    if (!isField(reader, tag, counts)) return false;
  }
  return counts.entries <= LIMITS.metadataEntries && counts.bytes <= LIMITS.metadataBytes;
}

function isField(reader: WireReader, tag: number, counts: { entries: number; bytes: number }): boolean {
  switch (tag) {
    case lengthTag(METADATA):
      counts.entries++;
      return reader.within((entry) => isEntry(entry, counts));
    case lengthTag(PROTOCOL):
      return isText(reader, LOWER_CASE, IN_PROTOCOL, LIMITS.protocolLength);
    case lengthTag(ZONE):
      return isText(reader, LETTER, IN_HOST, LIMITS.zoneLength) && isLetterBefore(reader, reader.at);
    case numberTag(WEIGHT):
      return reader.number() <= LIMITS.weight;
    case lengthTag(PAYLOAD): {
      const from = reader.at;
      reader.at = reader.limit();
      return reader.at - from <= LIMITS.payloadBytes;
    }
    case numberTag(ENABLED):
      reader.number();
      return true;
    default:
      return false;
  }
}

const ENTRY_KEY = 1;
const ENTRY_VALUE = 2;

function isEntry(reader: WireReader, counts: { bytes: number }): boolean {
  const { at, end } = reader;
  const isKey =
    reader.number() === lengthTag(ENTRY_KEY) && isText(reader, LETTER, IN_METADATA_KEY, LIMITS.metadataKeyLength);
  counts.bytes += end - at;
  if (!isKey || reader.isAtEnd) return isKey;
  return (
    reader.number() === lengthTag(ENTRY_VALUE) &&
    isText(reader, ANY, ANY, LIMITS.metadataValueLength, 0) &&
    reader.isAtEnd
  );
}

/** Steps over a text. Whether its first character is of one class, all are of another, and there are not too many. */
function isText(reader: WireReader, first: number, all: number, lengthMax: number, lengthMin = 1): boolean {
  const limit = reader.limit();
  const { bytes, at } = reader;
  const length = limit - at;
  reader.at = limit;
  if (length < lengthMin || length > lengthMax) return false;
  if (length > 0 && (classes[bytes[at]!]! & first) === 0) return false;
  for (let index = at; index < limit; index++) if ((classes[bytes[index]!]! & all) === 0) return false;
  return true;
}

function isLetterBefore({ bytes }: WireReader, at: number): boolean {
  return (classes[bytes[at - 1]!]! & LETTER) !== 0;
}

const COLON = 0x3a;
const ZERO = 0x30;
const PORT_DIGITS_MAX = 5;
const PORT_MAX = 65_535;

/** Steps over `host:port`. The host is a name or an IPv4 address. */
function isAddress(reader: WireReader): boolean {
  const limit = reader.limit();
  const { bytes, at } = reader;
  reader.at = limit;
  let colon = limit - 1;
  let port = 0;
  let weight = 1;
  for (; colon > at && bytes[colon] !== COLON; colon--) {
    const digit = bytes[colon]! - ZERO;
    if (digit < 0 || digit > 9 || limit - colon > PORT_DIGITS_MAX) return false;
    port += digit * weight;
    weight *= 10;
  }
  if (colon <= at || colon - at > LIMITS.hostLength || port < 1 || port > PORT_MAX) return false;
  if ((classes[bytes[at]!]! & LETTER) === 0 || !isLetterBefore(reader, colon)) return false;
  for (let index = at; index < colon; index++) if ((classes[bytes[index]!]! & IN_HOST) === 0) return false;
  return true;
}
