/**
 * Whether and where to this process exports its spans. The OpenTelemetry SDK takes a while to load and some megabytes,
 * so it is loaded only when somebody has said where the spans should go.
 */

import type * as Exporter from "@opentelemetry/exporter-trace-otlp-http";
import type * as Resources from "@opentelemetry/resources";
import type * as SdkTrace from "@opentelemetry/sdk-trace";
import { RegistryError, type Log, type Tracer } from "@rollcall/core";
import { logTracingProblems, openTelemetryTracer } from "@rollcall/tracing";

export interface TracingOptions {
  /** Of the process, for the resource its spans belong to. */
  readonly role: string;
  readonly nodeId: string;
  /** Base address of a collector that speaks OTLP over HTTP. Without it, what OpenTelemetry's variables say. */
  readonly collector: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

export interface NodeTracing {
  readonly tracer: Tracer;
  /** Sends what is left, for as long as that is worth waiting for. */
  stop(): Promise<void>;
}

/** What of the SDK is needed. */
export interface TracingSdk {
  readonly trace: typeof SdkTrace;
  readonly exporter: typeof Exporter;
  readonly resources: typeof Resources;
}

/** How long spans gather before they are exported, in milliseconds. */
const EXPORT_EVERY_MS = 1_000;

/** How long the last export may hold up the end of the process, in milliseconds. */
const FAREWELL_MS = 2_000;

/** @throws RegistryError when spans should be exported and the packages for that are not installed. */
export async function startTracing(
  options: TracingOptions,
  load: () => Promise<TracingSdk> = loadSdk,
): Promise<NodeTracing> {
  // Whoever runs this within a process of their own may have an SDK there.
  if (!isWanted(options)) return { tracer: openTelemetryTracer(), stop: () => Promise.resolve() };
  const { trace, exporter, resources } = await load();
  logTracingProblems(options.log);
  const { collector, role, nodeId } = options;
  const resource = resources
    .resourceFromAttributes({ "service.name": `rollcall-${role}`, "service.instance.id": nodeId })
    .merge(
      resources.detectResources({
        detectors: [resources.resourceAttributesEnvDetector, resources.serviceNameEnvDetector],
      }),
    );
  const url = collector === undefined ? {} : { url: `${collector.replace(/\/+$/, "")}/v1/traces` };
  const spans = new trace.TracerProvider({
    resource,
    spanProcessors: [
      new trace.BatchSpanProcessor({
        exporter: new exporter.OTLPTraceExporter(url),
        scheduledDelayMillis: EXPORT_EVERY_MS,
      }),
    ],
  });
  return {
    tracer: openTelemetryTracer(spans.getTracer("rollcall")),
    async stop() {
      const shutdown = spans.shutdown().catch(() => {});
      const tooLong = new Promise<void>((resolve) => void setTimeout(resolve, FAREWELL_MS).unref());
      await Promise.race([shutdown, tooLong]);
    },
  };
}

/** As OpenTelemetry's own start-up has it. */
function isWanted({ collector, env }: TracingOptions): boolean {
  if (env["OTEL_SDK_DISABLED"]?.toLowerCase() === "true" || env["OTEL_TRACES_EXPORTER"] === "none") return false;
  return Boolean(collector || env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] || env["OTEL_EXPORTER_OTLP_ENDPOINT"]);
}

const PACKAGES = ["@opentelemetry/sdk-trace", "@opentelemetry/resources", "@opentelemetry/exporter-trace-otlp-http"];

async function loadSdk(): Promise<TracingSdk> {
  try {
    const [trace, resources, exporter] = await Promise.all([
      import("@opentelemetry/sdk-trace"),
      import("@opentelemetry/resources"),
      import("@opentelemetry/exporter-trace-otlp-http"),
    ]);
    return { trace, resources, exporter };
  } catch (cause) {
    const message = `traces are to be exported, and what that takes is not installed: npm install ${PACKAGES.join(" ")}`;
    throw new RegistryError("unavailable", message, { cause });
  }
}
