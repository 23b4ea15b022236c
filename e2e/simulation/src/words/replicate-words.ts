/** What followers and leaders of slots say to each other. */

import {
  EMPTY_DIGEST,
  formatVersion,
  sameDigest,
  textFromServiceKey,
  type ServiceClaims,
  type SlotFollow,
  type SlotUpdate,
} from "@rollcall/core";
import { replicateRequestFromBytes, replicateResponseFromBytes } from "@rollcall/protocol";

import {
  eachOrCount,
  heldInWords,
  inventoryInWords,
  keysInWords,
  lines,
  rangeInWords,
  rollUpInWords,
  shortDigest,
  slotInWords,
  slotsInWords,
  stamp,
} from "./value-words.ts";

export function replicateRequestInWords(bytes: Uint8Array): string {
  const { hello, follows, unfollows, receipts, wants } = replicateRequestFromBytes(bytes);
  return lines(
    hello && `hello from ${hello.nodeId}#${hello.incarnation}`,
    eachOrCount(follows, hasNothing, followInWords, (slots) => `follows ${slots}, holding nothing`),
    unfollows.length > 0 && `follows ${slotsInWords(unfollows)} no more`,
    eachOrCount(
      receipts,
      ({ held, resync }) => !resync && sameDigest(held.digest, EMPTY_DIGEST),
      (receipt) =>
        `receipt for ${slotInWords(receipt)}${heldInWords(receipt.held)}${receipt.resync ? ", needs an inventory" : ""}`,
      (slots) => `receipts for ${slots}, all empty`,
    ),
    ...wants.map((want) => `wants of ${slotInWords(want)}: ${keysInWords(want) || "nothing"}`),
  );
}

export function replicateResponseInWords(bytes: Uint8Array): string {
  const { updates, inventories, contents, slots } = replicateResponseFromBytes(bytes);
  return lines(
    eachOrCount(
      updates,
      ({ services }) => services.length === 0,
      updateInWords,
      (quiet) => `updates of ${quiet} without content`,
    ),
    eachOrCount(
      inventories,
      ({ services }) => services.length === 0,
      inventoryInWords,
      (quiet) => `inventories of ${quiet}: nothing`,
    ),
    ...contents.map(
      (content) => `content of ${slotInWords(content)}${rangeInWords(content)}: ${claimsInWords(content.content)}`,
    ),
    slots && rollUpInWords("slots", slots),
  );
}

function followInWords(follow: SlotFollow): string {
  return `follows ${slotInWords(follow)}${heldInWords(follow.held) || ", holding nothing"}`;
}

function hasNothing({ held }: SlotFollow): boolean {
  return held === undefined || sameDigest(held.digest, EMPTY_DIGEST);
}

function updateInWords(update: SlotUpdate): string {
  const { base, version, digest, services } = update;
  const what = `update of ${slotInWords(update)} from ${formatVersion(base)} to ${formatVersion(version)} ${shortDigest(digest)}`;
  return `${what}: ${services.map(claimsInWords).join("; ") || "no change"}`;
}

function claimsInWords({ key, claims }: ServiceClaims): string {
  const each = claims.map(
    ({ instanceId, clientId, version, removed, presumed, session }) =>
      `${removed ? (presumed ? "presumed gone " : "-") : "+"}${instanceId} of ${clientId} at ${stamp(version)} by ${session}`,
  );
  return `${textFromServiceKey(key)} ${each.join(", ") || "nothing"}`;
}
