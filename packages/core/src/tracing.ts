/**
 * Traces as the logic sees them: a context that is handed on, and spans for the time something takes. Only sampled
 * contexts travel, so what nobody records costs one look at an absent field.
 */

declare const traceparentBrand: unique symbol;

/** The W3C `traceparent` of a sampled span: 55 characters. Made only by {@link traceparentFromText}. */
export type Traceparent = string & { readonly [traceparentBrand]: true };

const TRACEPARENT_PATTERN = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f][13579bdf]$/;

/** Undefined for what is no traceparent or is not sampled: as W3C has it, a context that makes no sense is no error. */
export function traceparentFromText(text: string | null | undefined): Traceparent | undefined {
  return text && TRACEPARENT_PATTERN.test(text) ? (text as Traceparent) : undefined;
}

/** Where time is spent, from the call to the subscriber's callback. docs/observability.md says what each covers. */
export type SpanName =
  | "rollcall.client.register"
  | "rollcall.client.unregister"
  | "rollcall.session.write"
  | "rollcall.data.apply"
  | "rollcall.session.push"
  | "rollcall.client.apply";

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export interface Span {
  /** What to hand on, so that what comes of this is found beneath it. */
  readonly traceparent: Traceparent;
  /** Runs `action` with the span as the active context, where the platform has such a thing. */
  run<Result>(action: () => Result): Result;
  /** Ends the span. With a message, as a failure. Later calls do nothing. */
  end(failure?: string): void;
}

/** Whoever records spans. */
export interface Tracer {
  /** Begins a span below `parent`, or below what is active here. Undefined when it is not sampled. */
  start(name: SpanName, parent: Traceparent | undefined, attributes: () => SpanAttributes): Span | undefined;
}

/** Records nothing. What it is handed still travels on. */
export const noTracer: Tracer = { start: () => undefined };
