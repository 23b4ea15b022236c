export { openTelemetryTracer } from "./open-telemetry-tracer.ts";
export { logTracingProblems } from "./problems.ts";
