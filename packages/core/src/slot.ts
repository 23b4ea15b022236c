/**
 * Slots: 256 fixed buckets of ServiceKeys, the unit of ownership. The function is published (docs/api.md) with test
 * vectors, so that any program can tell where a service lives; it can never change for a running cluster.
 */

import { assert } from "./assert.ts";
import { hash64OfText } from "./hash.ts";
import { hashOfServiceKey, type ServiceKey } from "./service-key.ts";

declare const slotBrand: unique symbol;

/** A slot's number, from 0 to {@link SLOT_COUNT} - 1. */
export type SlotId = number & { readonly [slotBrand]: true };

export const SLOT_COUNT = 256;

/** Which function it is. Nodes that do not agree on it, or on the number of slots, must not be in one cluster. */
export const SLOT_HASH = "murmur3-x86-128";

export const ALL_SLOTS: readonly SlotId[] = Array.from({ length: SLOT_COUNT }, (_, index) => index as SlotId);

export function slotId(value: number): SlotId {
  const isSlot = Number.isInteger(value) && value >= 0 && value < SLOT_COUNT;
  assert(isSlot, () => `a slot is 0 to ${SLOT_COUNT - 1}, got ${value}`);
  return value as SlotId;
}

/** The first 32-bit word of MurmurHash3 x86 128 (seed 0) over the UTF-8 text `namespace/group/service`, modulo 256. */
export function slotOfServiceKey(key: ServiceKey): SlotId {
  return slotOfHash(hashOfServiceKey(key));
}

/** The same for a key already in its canonical text. */
export function slotOfText(keyText: string): SlotId {
  return slotOfHash(hash64OfText(keyText).high);
}

function slotOfHash(hash: number): SlotId {
  return slotId(hash % SLOT_COUNT);
}
