/**
 * The one error type of Rollcall. Reasons are a closed set: they travel on the wire as `ErrorDetail.reason`, and
 * docs/errors.md documents each of them (a test compares the two).
 */

/** Every reason, in the order of the `Reason` enum of the schema. */
export const ERROR_REASONS = [
  "invalid_field",
  "limit_exceeded",
  "unknown_registration",
  "not_ready",
  "unavailable",
  "deadline_exceeded",
  "protocol_violation",
  "shutting_down",
  "closed",
  "internal",
  "overloaded",
  "not_leader",
  "conflict",
  "blocked",
] as const;

export type ErrorReason = (typeof ERROR_REASONS)[number];

/** What was wrong with an input: which field, what is allowed, what came. */
export interface ErrorSubject {
  /** Path of the field, for example `instance.metadata["zone"]`. */
  readonly field: string;
  /** What is allowed, in words or as a number with its unit. */
  readonly limit: string;
  /** What was given, cut to {@link VALUE_SHOWN_MAX} characters. */
  readonly value: string;
}

/** The plain value of an error: what is stored, sent and compared. */
export interface ErrorValue {
  readonly reason: ErrorReason;
  readonly message: string;
  readonly subject: ErrorSubject | undefined;
  /** When to try again at the same place, in milliseconds, if something is known about it. */
  readonly retryAfterMs?: number | undefined;
}

/** A given value is echoed up to this many characters: enough to recognise it, too few to flood a log. */
export const VALUE_SHOWN_MAX = 80;

export class RegistryError extends Error implements ErrorValue {
  readonly reason: ErrorReason;
  readonly subject: ErrorSubject | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    reason: ErrorReason,
    message: string,
    options: { subject?: ErrorSubject | undefined; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "RegistryError";
    this.reason = reason;
    this.subject = options.subject;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** By name: a program may hold two copies of this class, one in each of two packages, and catches with either. */
  static override [Symbol.hasInstance](value: unknown): value is RegistryError {
    return value instanceof Error && value.name === "RegistryError";
  }

  static from(value: ErrorValue): RegistryError {
    return value instanceof RegistryError
      ? value
      : new RegistryError(value.reason, value.message, { subject: value.subject, retryAfterMs: value.retryAfterMs });
  }

  /** The only door from `unknown`: a RegistryError stays itself, anything else is `internal` with its cause kept. */
  static fromUnknown(thrown: unknown): RegistryError {
    if (thrown instanceof RegistryError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new RegistryError("internal", message, { cause: thrown });
  }
}

/** An input outside the rules: names the field, the limit and the value, as every refusal of Rollcall does. */
export function invalidField(field: string, limit: string, value: unknown): RegistryError {
  return refusal("invalid_field", "must be", field, limit, value);
}

/** More than a limit allows of something that is valid in itself. */
export function limitExceeded(field: string, limit: string, value: unknown): RegistryError {
  return refusal("limit_exceeded", "may be at most", field, limit, value);
}

function refusal(reason: ErrorReason, verb: string, field: string, limit: string, value: unknown): RegistryError {
  const shown = showValue(value);
  return new RegistryError(reason, `${field} ${verb} ${limit}, got ${shown}`, {
    subject: { field, limit, value: shown },
  });
}

function showValue(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length <= VALUE_SHOWN_MAX ? text : `${text.slice(0, VALUE_SHOWN_MAX)}… (${text.length} characters)`;
}
