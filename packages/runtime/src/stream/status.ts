/**
 * Our closed set of reasons in the words of Connect and gRPC: both know the same sixteen codes, Connect by name and
 * gRPC by number. The code is for clients that know nothing of us; what exactly happened is in the error detail.
 */

import type { ErrorReason, ErrorValue } from "@rollcall/core";

/** Writes and reads the detail message of an error. Handed in, because the schema is not this package's business. */
export interface ErrorDetailCodec {
  /** Full name of the message, for example `rollcall.v1.ErrorDetail`. */
  readonly typeName: string;
  encode(error: ErrorValue): Uint8Array;
  /** `undefined` when the bytes cannot be read: the error then has only its code and message. */
  decode(bytes: Uint8Array): ErrorValue | undefined;
}

/** Every code, at the place of its number in gRPC. */
export const STATUS_NAMES = [
  "ok",
  "canceled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
] as const;

export type StatusName = (typeof STATUS_NAMES)[number];

const statusOfReason: Readonly<Record<ErrorReason, StatusName>> = {
  invalid_field: "invalid_argument",
  limit_exceeded: "resource_exhausted",
  unknown_registration: "not_found",
  not_ready: "unavailable",
  unavailable: "unavailable",
  deadline_exceeded: "deadline_exceeded",
  protocol_violation: "invalid_argument",
  shutting_down: "unavailable",
  closed: "canceled",
  internal: "internal",
  overloaded: "unavailable",
  not_leader: "failed_precondition",
  conflict: "aborted",
  blocked: "failed_precondition",
};

/** What to make of an error that came without our detail: from a proxy, or from a server that is not ours. */
const reasonOfStatus: Readonly<Partial<Record<StatusName, ErrorReason>>> = {
  canceled: "closed",
  invalid_argument: "invalid_field",
  deadline_exceeded: "deadline_exceeded",
  not_found: "unknown_registration",
  resource_exhausted: "limit_exceeded",
  unimplemented: "protocol_violation",
  aborted: "conflict",
  unavailable: "unavailable",
};

export function statusFromReason(reason: ErrorReason): StatusName {
  return statusOfReason[reason];
}

export function codeFromReason(reason: ErrorReason): number {
  return STATUS_NAMES.indexOf(statusOfReason[reason]);
}

export function reasonFromStatus(status: string): ErrorReason {
  return reasonOfStatus[status as StatusName] ?? "internal";
}
