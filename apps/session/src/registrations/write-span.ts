import {
  textFromServiceKey,
  type RegistrationOutcome,
  type ServiceKey,
  type Traceparent,
  type Tracer,
} from "@rollcall/core";

import type { Settled } from "./registration.ts";

export interface TracedWrite {
  readonly key: ServiceKey;
  readonly instanceId: string;
  readonly traceparent?: Traceparent | undefined;
}

/**
 * The session's part in a change that is traced: from when it was asked for until the leader has applied it. Gives what
 * goes on to the leader, and who is told of the end.
 */
export function traceWrite(
  tracer: Tracer,
  { key, instanceId, traceparent }: TracedWrite,
  settled: Settled,
): { readonly traceparent: Traceparent | undefined; readonly settled: Settled } {
  if (traceparent === undefined) return { traceparent, settled };
  const span = tracer.start("rollcall.session.write", traceparent, () => ({
    "rollcall.service": textFromServiceKey(key),
    "rollcall.instance": instanceId,
  }));
  if (span === undefined) return { traceparent, settled };
  return {
    traceparent: span.traceparent,
    settled: (outcome: RegistrationOutcome | undefined) => {
      span.end(outcome?.kind === "refused" ? outcome.error.message : undefined);
      settled(outcome);
    },
  };
}
