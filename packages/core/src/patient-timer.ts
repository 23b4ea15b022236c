/**
 * A deadline for somebody else. A process that stands still for seconds finds all its timers due when it goes on, before
 * it has read what the others said meanwhile, and would hold its own sleep against them. A patient timer counts its time
 * in steps, of which such a sleep is one, however long it was.
 */

import type { Clock, Timer } from "./ports.ts";

/** More of them would forgive shorter sleeps, and cost more timers. */
const STEPS = 6;

/** Runs `action` once this process has been able to hear for `delayMs` milliseconds, unless cancelled. */
export function setPatientTimer(clock: Clock, delayMs: number, action: () => void): Timer {
  let steps = 0;
  let isCancelled = false;
  const next = (): Timer => clock.setTimer(delayMs / STEPS, passed);
  let timer = next();
  function passed(): void {
    if (++steps < STEPS) timer = next();
    else
      clock.defer(() => {
        if (!isCancelled) action();
      });
  }
  return {
    cancel: () => {
      isCancelled = true;
      timer.cancel();
    },
  };
}
