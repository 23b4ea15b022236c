import { DiagLogLevel, diag } from "@opentelemetry/api";
import type { Log } from "@rollcall/core";

/** Lets the operator of this process hear what OpenTelemetry has to complain about, such as a collector that is away. */
export function logTracingProblems(log: Log): void {
  const warn = (message: string): void => log.warn("exporting traces", { problem: message });
  const quiet = (): void => {};
  diag.setLogger({ error: warn, warn, info: quiet, debug: quiet, verbose: quiet }, DiagLogLevel.WARN);
}
