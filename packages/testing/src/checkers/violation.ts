/** What checkers answer, and the times by which they judge. */

/** The properties of the contract that are checked; of R19, that everybody understands everybody. */
export type Property =
  | "P1"
  | "P2"
  | "P3"
  | "P4"
  | "P5"
  | "P6"
  | "P7"
  | "P8"
  | "P9"
  | "P10"
  | "P11"
  | "P12"
  | "P13"
  | "R19";

export interface Violation {
  readonly property: Property;
  /** When it showed, in milliseconds of the history. */
  readonly at: number;
  readonly message: string;
  /** The service it is about, when it is about one. */
  readonly service?: string | undefined;
}

export interface CheckLimits {
  /**
   * How long a client may be without a connection before its instances may go: the shortest lease, or the grace of a
   * connection registration, that the run is configured with.
   */
  readonly absenceMs: number;
  /** How much earlier than a client itself the other side may have taken its connection for lost: the keepalive. */
  readonly detectMs: number;
  /** Within this time everything that happened has come to every view, when no fault prevents it. */
  readonly settleMs: number;
  /** Within this time after a client ended, its instances are gone: lease, sweep and convergence. */
  readonly ghostMs: number;
}

/** A default cluster: 15 s leases, a keepalive of 4 s, and the limits of the contract. */
export const DEFAULT_LIMITS: CheckLimits = { absenceMs: 15_000, detectMs: 4_000, settleMs: 10_000, ghostMs: 17_000 };

/** Violations one to a line, for the message of a failing test. */
export function formatViolations(violations: readonly Violation[]): string {
  return violations.map(({ property, at, message }) => `${property} at ${at.toFixed(3)} ms: ${message}`).join("\n");
}
