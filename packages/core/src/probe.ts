/**
 * A probe: a question that the registry asks an instance again and again, at the instance's own address, to find out
 * whether it can take work. One bad answer says little, so the last few are judged together.
 */

import { invalidField } from "./error.ts";
import { LIMITS } from "./limits.ts";

/** When it is asked, and how the answers are judged. */
export interface ProbeTiming {
  /** Time between two questions, in milliseconds. */
  readonly intervalMs: number;
  /** How long an answer is waited for, in milliseconds. */
  readonly timeoutMs: number;
  /** So many bad answers among the last `window` mark the instance. */
  readonly failures: number;
  readonly window: number;
}

export type Probe = ProbeTiming &
  /** Whether the address takes connections. */
  (
    | { readonly kind: "tcp" }
    /** Whether a GET over HTTP/1.1 in clear is answered with the status. Redirects are not followed. */
    | { readonly kind: "http"; readonly path: string; readonly status: number }
    /** Whether `grpc.health.v1` in clear says SERVING; of the whole server when `service` is empty. */
    | { readonly kind: "grpc"; readonly service: string }
  );

/** What a provider gives: only the kind is asked for. */
export type ProbeInput = Partial<ProbeTiming> &
  (
    | { readonly kind: "tcp" }
    | { readonly kind: "http"; readonly path?: string | undefined; readonly status?: number | undefined }
    | { readonly kind: "grpc"; readonly service?: string | undefined }
  );

/** What is to be asked where. */
export interface ProbeOrder {
  /** `host:port` of the instance. */
  readonly address: string;
  readonly probe: Probe;
}

/**
 * A process that has died is marked within 15 s; one that restarts within 10 s, or answers slowly now and then, is not.
 */
export const DEFAULT_PROBE_TIMING: ProbeTiming = { intervalMs: 5_000, timeoutMs: 1_000, failures: 3, window: 5 };

/** Good answers one after another that take the mark away. */
export const PROBE_PASSES = 2;

/** @throws RegistryError `invalid_field`, naming the part of the probe. */
export function probeFromInput(input: ProbeInput): Probe {
  return checkProbe(completeProbe(input));
}

/** With what is usual where nothing is said. Nothing is checked. */
export function completeProbe(input: ProbeInput): Probe {
  const usual = DEFAULT_PROBE_TIMING;
  const window = input.window ?? usual.window;
  const timing: ProbeTiming = {
    intervalMs: input.intervalMs ?? usual.intervalMs,
    timeoutMs: input.timeoutMs ?? usual.timeoutMs,
    failures: input.failures ?? Math.min(usual.failures, window),
    window,
  };
  switch (input.kind) {
    case "tcp":
      return { ...timing, kind: "tcp" };
    case "http":
      return { ...timing, kind: "http", path: input.path || "/", status: input.status ?? 200 };
    case "grpc":
      return { ...timing, kind: "grpc", service: input.service ?? "" };
    default:
      throw invalidField("instance.probe.kind", "tcp, http or grpc", (input as { kind: unknown }).kind);
  }
}

/** No blanks and no control characters, with which a request line could be made to say something else. */
const PATH_PATTERN = /^\/[\x21-\x7e]*$/;
const GRPC_SERVICE_PATTERN = /^[A-Za-z0-9._]*$/;

/** Gives `probe` back when every field keeps the rules. @throws RegistryError `invalid_field`. */
export function checkProbe(probe: Probe): Probe {
  const { intervalMs, timeoutMs, failures, window } = probe;
  checkWhole("interval_ms", intervalMs, LIMITS.probeIntervalMinMs, LIMITS.probeIntervalMaxMs);
  checkWhole("timeout_ms", timeoutMs, LIMITS.probeTimeoutMinMs, Math.min(LIMITS.probeTimeoutMaxMs, intervalMs));
  checkWhole("window", window, 1, LIMITS.probeWindow);
  checkWhole("failures", failures, 1, window);
  if (probe.kind === "http") {
    const { path, status } = probe;
    if (typeof path !== "string" || path.length > LIMITS.probePathLength || !PATH_PATTERN.test(path))
      throw invalidField(
        "instance.probe.http.path",
        `at most ${LIMITS.probePathLength} visible ASCII characters, beginning with "/"`,
        path,
      );
    checkWhole("http.status", status, 200, 599);
  }
  if (probe.kind === "grpc") {
    const { service } = probe;
    if (typeof service !== "string" || service.length > LIMITS.serviceLength || !GRPC_SERVICE_PATTERN.test(service))
      throw invalidField(
        "instance.probe.grpc.service",
        `at most ${LIMITS.serviceLength} letters, digits, ".", "_"`,
        service,
      );
  }
  return probe;
}

function checkWhole(field: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw invalidField(`instance.probe.${field}`, `a whole number from ${least} to ${most}`, value);
}
