import { expect, test } from "vitest";

import { ProcessMetrics, gauge, prometheusText } from "../src/metrics.ts";

test("metrics are written as Prometheus reads them", () => {
  const counted = { name: "rollcall_x_total", help: "Counted.", type: "counter", value: 3 } as const;
  expect(prometheusText([gauge("rollcall_y_bytes", "Bytes.", 1.5), counted])).toBe(
    "# HELP rollcall_y_bytes Bytes.\n# TYPE rollcall_y_bytes gauge\nrollcall_y_bytes 1.5\n" +
      "# HELP rollcall_x_total Counted.\n# TYPE rollcall_x_total counter\nrollcall_x_total 3\n",
  );
});

test("a process tells its memory, its processor time and how late its event loop runs", () => {
  const metrics = new ProcessMetrics();
  const values = Object.fromEntries(metrics.read().map(({ name, value }) => [name, value]));
  metrics.stop();
  expect(values["rollcall_process_resident_memory_bytes"]).toBeGreaterThan(10_000_000);
  expect(values["rollcall_process_cpu_seconds_total"]).toBeGreaterThan(0);
  expect(values["rollcall_event_loop_delay_p99_seconds"]).toBeGreaterThanOrEqual(0);
});
