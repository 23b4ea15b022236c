/** How an instance wants to be probed. What is usual is 0 on the wire and costs no bytes. */

import { create } from "@bufbuild/protobuf";
import { DEFAULT_PROBE_TIMING, completeProbe, type Probe as CoreProbe, type ProbeTiming } from "@rollcall/core";

import {
  GrpcProbeSchema,
  HttpProbeSchema,
  ProbeSchema,
  TcpProbeSchema,
  type Probe,
} from "../gen/rollcall/v1/types_pb.ts";
import { sameFields, type WireFields } from "./fields.ts";

sameFields<ProbeTiming & { readonly check: CoreProbe["kind"] }, Probe>();

export function wireFromProbe(probe: CoreProbe): Probe {
  const { failures, window } = probe;
  const fields: WireFields<Probe> = {
    check: wireFromCheck(probe),
    intervalMs: unlessUsual(probe.intervalMs, DEFAULT_PROBE_TIMING.intervalMs),
    timeoutMs: unlessUsual(probe.timeoutMs, DEFAULT_PROBE_TIMING.timeoutMs),
    failures: unlessUsual(failures, Math.min(DEFAULT_PROBE_TIMING.failures, window)),
    window: unlessUsual(window, DEFAULT_PROBE_TIMING.window),
  };
  return create(ProbeSchema, fields);
}

/** Undefined for a question that this version does not know. The fields are not checked. */
export function probeFromWire(wire: Probe): CoreProbe | undefined {
  const timing = {
    ...(wire.intervalMs > 0 && { intervalMs: wire.intervalMs }),
    ...(wire.timeoutMs > 0 && { timeoutMs: wire.timeoutMs }),
    ...(wire.failures > 0 && { failures: wire.failures }),
    ...(wire.window > 0 && { window: wire.window }),
  };
  const { check } = wire;
  switch (check.case) {
    case "tcp":
      return completeProbe({ ...timing, kind: "tcp" });
    case "http": {
      const { path, status } = check.value;
      return completeProbe({ ...timing, kind: "http", path, status: status || undefined });
    }
    case "grpc":
      return completeProbe({ ...timing, kind: "grpc", service: check.value.service });
    case undefined:
      return undefined;
  }
}

function wireFromCheck(probe: CoreProbe): Probe["check"] {
  switch (probe.kind) {
    case "tcp":
      return { case: "tcp", value: create(TcpProbeSchema) };
    case "http": {
      const { path, status } = probe;
      const value = create(HttpProbeSchema, { path: path === "/" ? "" : path, status: unlessUsual(status, 200) });
      return { case: "http", value };
    }
    case "grpc":
      return { case: "grpc", value: create(GrpcProbeSchema, { service: probe.service }) };
  }
}

function unlessUsual(value: number, usual: number): number {
  return value === usual ? 0 : value;
}
