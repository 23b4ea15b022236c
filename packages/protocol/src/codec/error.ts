/** Errors inside messages, and as the detail of an RPC's error. */

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ERROR_REASONS, type ErrorReason, type ErrorValue } from "@rollcall/core";

import { ErrorDetailSchema, Reason, type ErrorDetail } from "../gen/rollcall/v1/error_pb.ts";
import { sameFields, type WireFields } from "./fields.ts";

sameFields<Omit<ErrorValue, "subject"> & NonNullable<ErrorValue["subject"]>, ErrorDetail>();

const wireReason: Record<ErrorReason, Reason> = {
  invalid_field: Reason.INVALID_FIELD,
  limit_exceeded: Reason.LIMIT_EXCEEDED,
  unknown_registration: Reason.UNKNOWN_REGISTRATION,
  not_ready: Reason.NOT_READY,
  unavailable: Reason.UNAVAILABLE,
  deadline_exceeded: Reason.DEADLINE_EXCEEDED,
  protocol_violation: Reason.PROTOCOL_VIOLATION,
  shutting_down: Reason.SHUTTING_DOWN,
  closed: Reason.CLOSED,
  internal: Reason.INTERNAL,
  overloaded: Reason.OVERLOADED,
  not_leader: Reason.NOT_LEADER,
  conflict: Reason.CONFLICT,
  blocked: Reason.BLOCKED,
};

export function wireFromError(error: ErrorValue): ErrorDetail {
  const fields: WireFields<ErrorDetail> = {
    reason: wireReason[error.reason],
    field: error.subject?.field ?? "",
    limit: error.subject?.limit ?? "",
    value: error.subject?.value ?? "",
    message: error.message,
    retryAfterMs: error.retryAfterMs ?? 0,
  };
  return create(ErrorDetailSchema, fields);
}

/** A reason that this version does not know is `internal`: it came from a newer server. */
export function errorFromWire(wire: ErrorDetail): ErrorValue {
  const reason = ERROR_REASONS.find((candidate) => wireReason[candidate] === wire.reason) ?? "internal";
  const subject = wire.field === "" ? undefined : { field: wire.field, limit: wire.limit, value: wire.value };
  return { reason, message: wire.message, subject, retryAfterMs: wire.retryAfterMs || undefined };
}

/** The detail that travels with the error of an RPC, in the form the transports take. */
export const errorDetailCodec = {
  typeName: ErrorDetailSchema.typeName,
  encode: (error: ErrorValue): Uint8Array => toBinary(ErrorDetailSchema, wireFromError(error)),
  decode: (bytes: Uint8Array): ErrorValue | undefined => {
    try {
      return errorFromWire(fromBinary(ErrorDetailSchema, bytes));
    } catch {
      // A detail that cannot be read is no detail: the error itself still has its code and message.
      return undefined;
    }
  },
} as const;
