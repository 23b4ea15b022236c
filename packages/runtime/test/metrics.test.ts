import { DurationHistogram } from "@rollcall/core";
import { expect, test } from "vitest";

import { ProcessMetrics, gauge, histogram, prometheusText } from "../src/metrics.ts";

test("metrics are written as Prometheus reads them", () => {
  const counted = { name: "rollcall_x_total", help: "Counted.", type: "counter", value: 3 } as const;
  expect(prometheusText([gauge("rollcall_y_bytes", "Bytes.", 1.5), counted])).toBe(
    "# HELP rollcall_y_bytes Bytes.\n# TYPE rollcall_y_bytes gauge\nrollcall_y_bytes 1.5\n" +
      "# HELP rollcall_x_total Counted.\n# TYPE rollcall_x_total counter\nrollcall_x_total 3\n",
  );
});

test("durations are written as the buckets that Prometheus adds up, in seconds", () => {
  const durations = new DurationHistogram();
  for (const durationMs of [0.2, 2, 2, 60_000]) durations.observe(durationMs);
  const lines = prometheusText([histogram("rollcall_z_seconds", "Time.", durations)]).split("\n");
  expect(lines.slice(0, 2)).toEqual(["# HELP rollcall_z_seconds Time.", "# TYPE rollcall_z_seconds histogram"]);
  expect(lines).toContain('rollcall_z_seconds_bucket{le="0.00025"} 1');
  expect(lines).toContain('rollcall_z_seconds_bucket{le="0.001"} 1');
  expect(lines).toContain('rollcall_z_seconds_bucket{le="0.0025"} 3');
  expect(lines).toContain('rollcall_z_seconds_bucket{le="30"} 3');
  expect(lines.slice(-4)).toEqual([
    'rollcall_z_seconds_bucket{le="+Inf"} 4',
    "rollcall_z_seconds_sum 60.0042",
    "rollcall_z_seconds_count 4",
    "",
  ]);
});

test("a process tells its memory, its processor time and how late its event loop runs", () => {
  const metrics = new ProcessMetrics();
  const values = Object.fromEntries(metrics.read().map(({ name, value }) => [name, value]));
  metrics.stop();
  expect(values["rollcall_process_resident_memory_bytes"]).toBeGreaterThan(10_000_000);
  expect(values["rollcall_process_cpu_seconds_total"]).toBeGreaterThan(0);
  expect(values["rollcall_event_loop_delay_p99_seconds"]).toBeGreaterThanOrEqual(0);
  expect(values["rollcall_event_loop_delay_max_seconds"]).toBeGreaterThanOrEqual(0);
});
