import { SpanStatusCode, context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { AlwaysOffSampler, InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { traceparentFromText } from "@rollcall/core";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";

import { openTelemetryTracer } from "../src/index.ts";

const exporter = new InMemorySpanExporter();
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
const recording = openTelemetryTracer(provider.getTracer("test"));
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = traceparentFromText(`00-${TRACE}-b7ad6b7169203331-01`)!;

afterEach(() => exporter.reset());

describe("with an SDK", () => {
  test("a span lies below the context it was given, and hands on its own", () => {
    const span = recording.start("rollcall.data.apply", PARENT, () => ({
      "rollcall.service": "default/default/orders",
    }))!;
    span.end();
    span.end();
    const [recorded, ...more] = exporter.getFinishedSpans();
    expect(more).toEqual([]);
    expect(recorded!.parentSpanContext).toMatchObject({ traceId: TRACE, spanId: "b7ad6b7169203331", isRemote: true });
    expect(recorded!.attributes).toEqual({ "rollcall.service": "default/default/orders" });
    expect(span.traceparent).toBe(`00-${TRACE}-${recorded!.spanContext().spanId}-01`);
  });

  test("a failure is told", () => {
    recording.start("rollcall.session.write", PARENT, () => ({}))!.end("refused");
    expect(exporter.getFinishedSpans()[0]!.status).toEqual({ code: SpanStatusCode.ERROR, message: "refused" });
  });

  test("without a context it lies below what is active, and is active itself for what it runs", () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    onTestFinished(() => context.disable());
    const outer = provider.getTracer("test").startSpan("outer");
    const within = context.with(trace.setSpan(context.active(), outer), () => {
      const span = recording.start("rollcall.client.register", undefined, () => ({}))!;
      return span.run(() => trace.getActiveSpan()?.spanContext());
    });
    expect(within?.traceId).toBe(outer.spanContext().traceId);
    expect(within?.spanId).not.toBe(outer.spanContext().spanId);
  });

  test("what is not sampled is no span, and nobody asks for its attributes", () => {
    const off = openTelemetryTracer(new TracerProvider({ sampler: new AlwaysOffSampler() }).getTracer("test"));
    const attributes = (): never => {
      throw new Error("nobody records this");
    };
    expect(off.start("rollcall.client.register", undefined, attributes)).toBeUndefined();
  });
});

describe("without an SDK", () => {
  test("a context is handed on as it came", () => {
    expect(openTelemetryTracer().start("rollcall.session.write", PARENT, () => ({}))?.traceparent).toBe(PARENT);
  });

  test("nothing begins by itself", () => {
    expect(openTelemetryTracer().start("rollcall.client.register", undefined, () => ({}))).toBeUndefined();
  });
});
