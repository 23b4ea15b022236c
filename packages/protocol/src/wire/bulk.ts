/** A message of which some fields come in bulk: these are read by hand, and what else there is by the generated code. */

import { ScalarType, type DescField, type DescMessage } from "@bufbuild/protobuf";

import { WireReader, Unusual, lengthTag, numberTag } from "./wire-reader.ts";

const NOTHING = new Uint8Array(0);

export interface BulkField {
  readonly tag: number;
  readonly read: (reader: WireReader) => void;
}

/** @param read takes in one of the messages of the field */
export function bulkField(number: number, read: (reader: WireReader) => void): BulkField {
  return { tag: lengthTag(number), read };
}

/** The tags that a message's fields have when they come as they should. */
export function tagsOf({ fields }: DescMessage): ReadonlySet<number> {
  return new Set(fields.map((field) => (isNumber(field) ? numberTag(field.number) : lengthTag(field.number))));
}

function isNumber(field: DescField): boolean {
  if (field.fieldKind === "enum") return true;
  return field.fieldKind === "scalar" && field.scalar !== ScalarType.STRING && field.scalar !== ScalarType.BYTES;
}

/**
 * Reads the messages of the fields in bulk, in their order. Gives the other fields, as a message without these.
 * @param tags that the message may have, by {@link tagsOf}
 * @throws Unusual, whatever has been read until then
 */
export function readBulk(bytes: Uint8Array, tags: ReadonlySet<number>, bulk: readonly BulkField[]): Uint8Array {
  const reader = new WireReader(bytes);
  const others: Uint8Array[] = [];
  while (!reader.isAtEnd) {
    const from = reader.at;
    const tag = reader.uint32();
    const field = bulk.find((one) => one.tag === tag);
    if (field !== undefined) {
      reader.within(field.read);
      continue;
    }
    if (!tags.has(tag)) throw new Unusual("a field that is not known, or of another kind");
    if (isLengthTag(tag)) reader.at = reader.limit();
    else reader.number();
    others.push(bytes.subarray(from, reader.at));
  }
  return joined(others);
}

function isLengthTag(tag: number): boolean {
  return tag === lengthTag(tag >>> 3);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 0) return NOTHING;
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
