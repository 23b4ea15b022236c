/**
 * Metrics as plain numbers, read out when somebody asks: nothing is counted into a library on the way of a registration
 * or a push. `/metrics` gives them as Prometheus text.
 */

import { monitorEventLoopDelay } from "node:perf_hooks";

import { DURATION_BOUNDS_MS, type DurationHistogram } from "@rollcall/core";

export type Metric = NumberMetric | HistogramMetric;

export interface NumberMetric {
  /** `rollcall_<what>_<unit>`, as in docs/metrics.md. */
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter";
  readonly value: number;
}

export interface HistogramMetric {
  /** `rollcall_<what>_seconds`. */
  readonly name: string;
  readonly help: string;
  readonly type: "histogram";
  readonly durations: DurationHistogram;
}

/** Prometheus text, one metric after the other. */
export function prometheusText(metrics: readonly Metric[]): string {
  return metrics.map((metric) => `${headOf(metric)}${samplesOf(metric)}`).join("");
}

function headOf({ name, help, type }: Metric): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function samplesOf(metric: Metric): string {
  const { name } = metric;
  if (metric.type !== "histogram") return `${name} ${metric.value}\n`;
  const { counts, sumMs } = metric.durations;
  let count = 0;
  const buckets = counts.map((counted, at) => {
    count += counted;
    const bound = DURATION_BOUNDS_MS[at];
    return `${name}_bucket{le="${bound === undefined ? "+Inf" : bound / 1_000}"} ${count}\n`;
  });
  return `${buckets.join("")}${name}_sum ${sumMs / 1_000}\n${name}_count ${count}\n`;
}

/** What any process tells of itself. Measured from the first call on, and for each reader since the reading before. */
export class ProcessMetrics {
  readonly #delay = monitorEventLoopDelay({ resolution: 10 });

  constructor() {
    this.#delay.enable();
  }

  read(): NumberMetric[] {
    const { user, system } = process.cpuUsage();
    const delayP99 = this.#delay.percentile(99) / 1e9;
    // A single standstill is no hundredth of all looks.
    const delayMax = this.#delay.count === 0 ? 0 : this.#delay.max / 1e9;
    this.#delay.reset();
    return [
      gauge("rollcall_process_resident_memory_bytes", "Resident memory of the process.", process.memoryUsage.rss()),
      counter("rollcall_process_cpu_seconds_total", "Processor time used by the process.", (user + system) / 1e6),
      gauge("rollcall_event_loop_delay_p99_seconds", "How late the event loop ran, since the last reading.", delayP99),
      gauge("rollcall_event_loop_delay_max_seconds", "How late it ran at worst, since the last reading.", delayMax),
    ];
  }

  stop(): void {
    this.#delay.disable();
  }
}

export function gauge(name: string, help: string, value: number): NumberMetric {
  return { name, help, type: "gauge", value };
}

/** In seconds, as Prometheus has it. */
export function histogram(name: string, help: string, durations: DurationHistogram): HistogramMetric {
  return { name, help, type: "histogram", durations };
}

export function counter(name: string, help: string, value: number): NumberMetric {
  return { name, help, type: "counter", value };
}
