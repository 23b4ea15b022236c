/** Values in words that several conversations share. */

import {
  formatDigest,
  formatVersion,
  textFromFilter,
  textFromServiceKey,
  type Digest,
  type Held,
  type IdRange,
  type RegistrationVersion,
  type RollUp,
  type ServicesChange,
  type SlotDifference,
  type SlotId,
  type SlotInventory,
  type SlotRef,
  type SlottedServicesChange,
  type Update,
} from "@rollcall/core";

/** More slots or services than this are counted and not named. */
const NAMED_MAX = 4;

export function updateInWords({
  key,
  filter,
  version,
  baseDigest,
  digest,
  instances,
  removedIds,
  confirmed,
}: Update): string {
  const what = baseDigest === undefined ? `snapshot of ${instances.length}` : `delta from ${shortDigest(baseDigest)}`;
  const ids = [...instances.map(({ id }) => `+${id}`), ...removedIds.map((id) => `-${id}`)].join(" ");
  const text = [textFromServiceKey(key), textFromFilter(filter), formatVersion(version), what]
    .filter(Boolean)
    .join(" ");
  return `${text} to ${shortDigest(digest)}${confirmed ? "" : ", unconfirmed"} ${ids}`.trimEnd();
}

export function servicesInWords(change: ServicesChange & Partial<SlottedServicesChange>): string {
  const { version, baseDigest, digest, services, removed, slots = [], removedSlots = [] } = change;
  const what = baseDigest === undefined ? `snapshot of ${services.length}` : `delta from ${shortDigest(baseDigest)}`;
  const keys = [
    ...services.map((key) => `+${textFromServiceKey(key)}`),
    ...removed.map((key) => `-${textFromServiceKey(key)}`),
  ].join(" ");
  const ofSlots = [
    ...(slots.length > 0 ? [`, leading ${slotsInWords(slots.map(({ slot }) => slot))}`] : []),
    ...(removedSlots.length > 0 ? [`, no more ${slotsInWords(removedSlots)}`] : []),
  ].join("");
  return `${formatVersion(version)} ${what} to ${shortDigest(digest)}${ofSlots} ${keys}`.trimEnd();
}

export function heldInWords(held: Held | undefined): string {
  return held === undefined ? "" : `, holding ${formatVersion(held.version)} ${shortDigest(held.digest)}`;
}

export function stamp({ incarnation, counter }: RegistrationVersion): string {
  return `${incarnation}/${counter}`;
}

export function shortDigest(digest: Digest): string {
  return formatDigest(digest).slice(0, 8);
}

export function slotInWords({ slot, leaderEpoch }: SlotRef): string {
  return `slot ${slot} at leader epoch ${leaderEpoch}`;
}

/** `slots 1, 2` or `128 slots`. */
export function slotsInWords(slots: Iterable<SlotId>): string {
  const all = [...slots];
  if (all.length > NAMED_MAX) return `${all.length} slots`;
  return `${all.length === 1 ? "slot" : "slots"} ${all.join(", ")}`;
}

/** One line for each, or, when there are many, one line that counts those with nothing to say. */
export function eachOrCount<Item extends SlotRef>(
  items: readonly Item[],
  isQuiet: (item: Item) => boolean,
  inWords: (item: Item) => string,
  count: (slots: string) => string,
): string {
  const quiet = items.length > NAMED_MAX ? items.filter((item) => isQuiet(item)) : [];
  const told = items.filter((item) => !quiet.includes(item));
  return lines(
    ...told.map((item) => inWords(item)),
    quiet.length > 0 && count(slotsInWords(quiet.map(({ slot }) => slot))),
  );
}

export function rollUpInWords(what: string, { tableEpoch, digest }: RollUp): string {
  return `${what} by slot table ${tableEpoch} come to ${shortDigest(digest)}`;
}

export function inventoryInWords(inventory: SlotInventory): string {
  const services = inventory.services.map(({ key, digest }) => `${textFromServiceKey(key)} ${shortDigest(digest)}`);
  const version = inventory.version === undefined ? "" : ` at version ${formatVersion(inventory.version)}`;
  return `inventory of ${slotInWords(inventory)}${version}: ${services.join(", ") || "nothing"}`;
}

export function keysInWords({ keys }: SlotDifference): string {
  return keys.map(textFromServiceKey).join(", ");
}

/** Empty for a range without bounds. */
export function rangeInWords({ after, upTo }: IdRange): string {
  if (after === "" && upTo === "") return "";
  return ` from after ${after || "the beginning"} to ${upTo || "the end"}`;
}

export function lines(...parts: readonly (string | false | undefined)[]): string {
  return parts.filter(Boolean).join("\n");
}
