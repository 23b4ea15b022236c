/** The log of a real process: one JSON object a line on standard output. Making it pretty is for whoever reads it. */

import { pino, stdTimeFunctions, type DestinationStream } from "pino";
import type { Log, LogFields } from "@rollcall/core";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  /** Least level that is written. Default `info`. */
  readonly level?: LogLevel | undefined;
  /** Fields of every line, such as `role` and `node`. */
  readonly fields?: LogFields | undefined;
  /** Where lines go. Default standard output, written synchronously, so that a crash loses none. */
  readonly destination?: DestinationStream | undefined;
}

export function createLog({
  level = "info",
  fields = {},
  destination = pino.destination({ sync: true }),
}: LogOptions = {}): Log {
  const lines = pino(
    {
      level,
      base: fields,
      timestamp: stdTimeFunctions.isoTime,
      messageKey: "message",
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: shownError, cause: shownError },
    },
    destination,
  );
  return {
    debug: (message, fields = {}) => lines.debug(fields, message),
    info: (message, fields = {}) => lines.info(fields, message),
    warn: (message, fields = {}) => lines.warn(fields, message),
    error: (message, fields = {}) => lines.error(fields, message),
  };
}

/** Errors lie in the fields `error` and `cause`; anything else there is written as it is. */
function shownError(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const { name, message, stack, cause } = value;
  const reason = "reason" in value ? { reason: value.reason } : {};
  const subject = "subject" in value && value.subject !== undefined ? { subject: value.subject } : {};
  return { name, message, ...reason, ...subject, stack, ...(cause === undefined ? {} : { cause: shownError(cause) }) };
}
