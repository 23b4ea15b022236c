import { RegistryError, silentLog } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { startTracing } from "../src/tracing.ts";

const process = { role: "session", nodeId: "session-1", collector: undefined, env: {}, log: silentLog };

/** A registry without the packages. */
const absent = (): Promise<never> => Promise.reject(new RegistryError("unavailable", "not installed"));

describe("the SDK is not loaded", () => {
  test.each([
    ["when nobody says where traces should go", {}, undefined],
    ["when it is switched off", { OTEL_SDK_DISABLED: "true" }, "http://127.0.0.1:4318"],
    ["when no traces are wanted", { OTEL_TRACES_EXPORTER: "none", OTEL_EXPORTER_OTLP_ENDPOINT: "http://c" }, undefined],
  ])("%s", async (_when, env, collector) => {
    const tracing = await startTracing({ ...process, env, collector }, absent);
    expect(tracing.tracer.start("rollcall.session.write", undefined, () => ({}))).toBeUndefined();
    await tracing.stop();
  });
});

describe("packages that are missing are named", () => {
  test.each([
    ["the setting", {}, "http://127.0.0.1:4318"],
    ["OpenTelemetry's variable", { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" }, undefined],
    ["its variable for traces", { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://127.0.0.1:4318/v1/traces" }, undefined],
  ])("when %s asks for them", async (_who, env, collector) => {
    await expect(startTracing({ ...process, env, collector }, absent)).rejects.toThrow("not installed");
  });
});

test("a collector that is away holds up nobody who stops", async () => {
  const tracing = await startTracing({ ...process, collector: "http://127.0.0.1:9" });
  tracing.tracer.start("rollcall.session.write", undefined, () => ({}))!.end();
  await expect(tracing.stop()).resolves.toBeUndefined();
});
