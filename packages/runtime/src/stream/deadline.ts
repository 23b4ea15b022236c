/** The deadline a client gives with its call: `connect-timeout-ms: 1500`, or `grpc-timeout: 1500m`. */

import type { IncomingHttpHeaders } from "node:http2";

/** Milliseconds in a unit of `grpc-timeout`. */
const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** Longest delay a Node timer keeps; a later deadline is none. */
const DELAY_MAX_MS = 2 ** 31 - 1;

/** Milliseconds until the call is to end; `undefined` when there is no deadline that can be read. */
export function deadlineFromHeaders(headers: IncomingHttpHeaders): number | undefined {
  const deadlineMs = connectDeadline(headers["connect-timeout-ms"]) ?? grpcDeadline(headers["grpc-timeout"]);
  return deadlineMs === undefined || deadlineMs > DELAY_MAX_MS ? undefined : deadlineMs;
}

function connectDeadline(value: string | string[] | undefined): number | undefined {
  return typeof value === "string" && /^\d{1,10}$/.test(value) ? Number(value) : undefined;
}

function grpcDeadline(value: string | string[] | undefined): number | undefined {
  const [, amount, unit] = (typeof value === "string" && /^(\d{1,8})([HMSmun])$/.exec(value)) || [];
  return amount === undefined || unit === undefined ? undefined : Number(amount) * (unitMs[unit] ?? 0);
}
