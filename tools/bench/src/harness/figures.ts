/** What a script that also runs by itself tells to the harness, when that has started it. */

import type { Faults, Metric, RoleUsage, Timeline } from "./scenario.ts";

export interface Figures {
  readonly metrics: readonly Metric[];
  readonly faults: Faults;
  readonly usage?: readonly RoleUsage[] | undefined;
  readonly timeline?: Timeline | undefined;
}

export function tellFigures(figures: Figures): void {
  process.send?.(figures);
}

/** Of which less is better. */
export function less(name: string, unit: string, value: number): Metric {
  return { name, unit, better: "less", value };
}

/** Of which more is better. */
export function more(name: string, unit: string, value: number): Metric {
  return { name, unit, better: "more", value };
}
