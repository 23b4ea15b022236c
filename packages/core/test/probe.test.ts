import { describe, expect, test } from "vitest";

import { instanceFromInput } from "../src/instance.ts";
import { LIMITS } from "../src/limits.ts";
import { probeFromInput, type ProbeInput } from "../src/probe.ts";
import { expectRefusal } from "./refusal.ts";

test("of a probe only the kind is needed", () => {
  const usual = { intervalMs: 5_000, timeoutMs: 1_000, failures: 3, window: 5 };
  expect(probeFromInput({ kind: "tcp" })).toEqual({ ...usual, kind: "tcp" });
  expect(probeFromInput({ kind: "http" })).toEqual({ ...usual, kind: "http", path: "/", status: 200 });
  expect(probeFromInput({ kind: "grpc" })).toEqual({ ...usual, kind: "grpc", service: "" });
  expect(probeFromInput({ kind: "tcp", window: 2 })).toMatchObject({ failures: 2, window: 2 });
});

test("a complete probe is a probe that was given", () => {
  const probe = probeFromInput({ kind: "http", path: "/healthz", intervalMs: 2_000 });
  expect(probeFromInput(probe)).toEqual(probe);
  expect(instanceFromInput({ id: "a", address: "a:1", probe }, () => "").probe).toEqual(probe);
});

describe("each limit, at its edge", () => {
  const refused: [ProbeInput, string][] = [
    [{ kind: "tcp", intervalMs: LIMITS.probeIntervalMinMs - 1 }, "interval_ms"],
    [{ kind: "tcp", intervalMs: LIMITS.probeIntervalMaxMs + 1 }, "interval_ms"],
    [{ kind: "tcp", timeoutMs: LIMITS.probeTimeoutMinMs - 1 }, "timeout_ms"],
    [{ kind: "tcp", timeoutMs: 5_001 }, "timeout_ms"],
    [{ kind: "tcp", intervalMs: 600_000, timeoutMs: LIMITS.probeTimeoutMaxMs + 1 }, "timeout_ms"],
    [{ kind: "tcp", window: 0 }, "window"],
    [{ kind: "tcp", window: LIMITS.probeWindow + 1 }, "window"],
    [{ kind: "tcp", failures: 6 }, "failures"],
    [{ kind: "tcp", failures: 0.5 }, "failures"],
    [{ kind: "http", status: 199 }, "http.status"],
    [{ kind: "http", status: 600 }, "http.status"],
    [{ kind: "http", path: "healthz" }, "http.path"],
    [{ kind: "http", path: `/${"x".repeat(LIMITS.probePathLength)}` }, "http.path"],
    [{ kind: "http", path: "/ HTTP/1.1\r\nhost: elsewhere" }, "http.path"],
    [{ kind: "grpc", service: "a/b" }, "grpc.service"],
    [{ kind: "grpc", service: "x".repeat(LIMITS.serviceLength + 1) }, "grpc.service"],
    [{ kind: "icmp" } as unknown as ProbeInput, "kind"],
  ];
  test.each(refused)("%o is refused", (input, field) => {
    expectRefusal(() => probeFromInput(input), "invalid_field", `instance.probe.${field}`);
  });

  test.each<ProbeInput>([
    { kind: "tcp", intervalMs: LIMITS.probeIntervalMinMs, timeoutMs: LIMITS.probeTimeoutMinMs },
    { kind: "tcp", intervalMs: LIMITS.probeIntervalMaxMs, timeoutMs: LIMITS.probeTimeoutMaxMs },
    { kind: "tcp", failures: LIMITS.probeWindow, window: LIMITS.probeWindow },
    { kind: "http", path: `/${"x".repeat(LIMITS.probePathLength - 1)}`, status: 599 },
    { kind: "grpc", service: "x".repeat(LIMITS.serviceLength) },
  ])("%o is a probe", (input) => {
    expect(probeFromInput(input)).toMatchObject(input);
  });
});
