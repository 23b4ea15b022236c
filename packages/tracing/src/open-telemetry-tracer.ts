/**
 * Core's Tracer on the OpenTelemetry API. Without an SDK the API records nothing and takes some nanoseconds; a context
 * that comes from elsewhere is then handed on as it came, so that a node that does not trace hides nothing from others.
 */

import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  context,
  isSpanContextValid,
  trace,
  type Context,
  type SpanContext,
  type Span as OtelSpan,
  type Tracer as OtelTracer,
} from "@opentelemetry/api";
import { traceparentFromText, type Span, type SpanName, type Traceparent, type Tracer } from "@rollcall/core";

/** Name under which the spans are recorded. */
const SCOPE = "rollcall";

const KINDS: Readonly<Record<SpanName, SpanKind>> = {
  "rollcall.client.register": SpanKind.PRODUCER,
  "rollcall.client.unregister": SpanKind.PRODUCER,
  "rollcall.session.write": SpanKind.INTERNAL,
  "rollcall.data.apply": SpanKind.INTERNAL,
  "rollcall.session.push": SpanKind.PRODUCER,
  "rollcall.client.apply": SpanKind.CONSUMER,
};

/** @param own where to record; default: whatever SDK this process has registered, now or later */
export function openTelemetryTracer(own?: OtelTracer): Tracer {
  const tracer = own ?? trace.getTracer(SCOPE);
  return {
    start(name, parent, attributes) {
      const below = parent === undefined ? context.active() : contextOf(parent);
      const span = tracer.startSpan(name, { kind: KINDS[name] }, below);
      const traceparent = traceparentOf(span.spanContext());
      if (traceparent === undefined) return undefined;
      if (span.isRecording()) span.setAttributes(attributes());
      return new RecordedSpan(span, traceparent, below);
    },
  };
}

class RecordedSpan implements Span {
  readonly traceparent: Traceparent;
  readonly #span: OtelSpan;
  readonly #below: Context;
  #hasEnded = false;

  constructor(span: OtelSpan, traceparent: Traceparent, below: Context) {
    this.traceparent = traceparent;
    this.#span = span;
    this.#below = below;
  }

  run<Result>(action: () => Result): Result {
    return context.with(trace.setSpan(this.#below, this.#span), action);
  }

  end(failure?: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (failure !== undefined) this.#span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
    this.#span.end();
  }
}

function contextOf(parent: Traceparent): Context {
  const [, traceId, spanId] = parent.split("-") as [string, string, string, string];
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true });
}

function traceparentOf(span: SpanContext): Traceparent | undefined {
  if ((span.traceFlags & TraceFlags.SAMPLED) === 0 || !isSpanContextValid(span)) return undefined;
  return traceparentFromText(`00-${span.traceId}-${span.spanId}-01`);
}
