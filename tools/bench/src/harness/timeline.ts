/** What subscribers were called back with around the moment in which something was done, counted in steps of 100 ms. */

import type { Timeline } from "./scenario.ts";

const STEP_MS = 100;

export interface Noted {
  readonly arrivedAt: number;
  readonly concerned: boolean;
}

/** @param zeroAt when it was done, from which times count */
export function timelineOf(
  noted: readonly Noted[],
  { zeroAt, fromMs, untilMs }: { readonly zeroAt: number; readonly fromMs: number; readonly untilMs: number },
): Timeline {
  const steps = Array.from({ length: Math.ceil((untilMs - fromMs) / STEP_MS) }, (_, index) => ({
    ms: fromMs + index * STEP_MS,
    concerned: 0,
    others: 0,
  }));
  for (const { arrivedAt, concerned } of noted) {
    const step = steps[Math.floor((arrivedAt - zeroAt - fromMs) / STEP_MS)];
    if (step !== undefined) step[concerned ? "concerned" : "others"]++;
  }
  return steps;
}
