/**
 * Metrics as plain numbers, read out when somebody asks: nothing is counted into a library on the way of a registration
 * or a push. `/metrics` gives them as Prometheus text.
 */

import { monitorEventLoopDelay } from "node:perf_hooks";

export interface Metric {
  /** `rollcall_<what>_<unit>`, as in docs/metrics.md. */
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter";
  readonly value: number;
}

/** Prometheus text, one metric after the other. */
export function prometheusText(metrics: readonly Metric[]): string {
  return metrics
    .map(({ name, help, type, value }) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`)
    .join("");
}

/** What any process tells of itself. Measured from the first call on, and for each reader since the reading before. */
export class ProcessMetrics {
  readonly #delay = monitorEventLoopDelay({ resolution: 10 });

  constructor() {
    this.#delay.enable();
  }

  read(): Metric[] {
    const { user, system } = process.cpuUsage();
    const delayP99 = this.#delay.percentile(99) / 1e9;
    this.#delay.reset();
    return [
      gauge("rollcall_process_resident_memory_bytes", "Resident memory of the process.", process.memoryUsage.rss()),
      counter("rollcall_process_cpu_seconds_total", "Processor time used by the process.", (user + system) / 1e6),
      gauge("rollcall_event_loop_delay_p99_seconds", "How late the event loop ran, since the last reading.", delayP99),
    ];
  }

  stop(): void {
    this.#delay.disable();
  }
}

export function gauge(name: string, help: string, value: number): Metric {
  return { name, help, type: "gauge", value };
}

export function counter(name: string, help: string, value: number): Metric {
  return { name, help, type: "counter", value };
}
