/**
 * Order in Rollcall. A version is a pair compared lexicographically, never a time: a clock that jumps changes nothing.
 * Nothing outside this file compares the numbers.
 */

import { assert } from "./assert.ts";

declare const epochBrand: unique symbol;

/** A generation of ownership; 0 means "none yet". Only grows, and fences whoever still holds an older one. */
export type Epoch = number & { readonly [epochBrand]: true };

export function epoch(value: number): Epoch {
  assert(Number.isSafeInteger(value) && value >= 0, () => `an epoch is a whole number from 0, got ${value}`);
  return value as Epoch;
}

export function nextEpoch(current: Epoch): Epoch {
  return epoch(current + 1);
}

/** The version of a datum: the epoch of the slot's leader that issued it, and that leader's counter for the slot. */
export interface Version {
  readonly epoch: Epoch;
  readonly counter: number;
}

/** Negative when `a` is older than `b`, 0 when equal, positive when newer. */
export function compareVersions(a: Version, b: Version): number {
  return a.epoch - b.epoch || a.counter - b.counter;
}

export function isNewer(a: Version, b: Version): boolean {
  return compareVersions(a, b) > 0;
}

export function formatVersion(version: Version): string {
  return `${version.epoch}.${version.counter}`;
}

/**
 * The version of one registration: the client's incarnation, which grows each time the client connects, and the
 * registration's own counter, which grows each time the client changes it. So what a client says over a newer
 * connection wins over anything still on its way from an older one.
 */
export interface RegistrationVersion {
  readonly incarnation: number;
  readonly counter: number;
}

/** What happened to a registration, in an order: at equal version, a removal comes after the claim it removes. */
export interface RegistrationStamp {
  readonly version: RegistrationVersion;
  readonly removed: boolean;
}

export function compareRegistrationVersions(a: RegistrationVersion, b: RegistrationVersion): number {
  return a.incarnation - b.incarnation || a.counter - b.counter;
}

/** Stores accept a stamp only when it is newer than what they hold, so older and repeated ones change nothing. */
export function isNewerStamp(a: RegistrationStamp, b: RegistrationStamp): boolean {
  return (compareRegistrationVersions(a.version, b.version) || Number(a.removed) - Number(b.removed)) > 0;
}
