import type { Clock } from "./ports.ts";

/**
 * Makes of `action` something that may be asked for any number of times and runs once, when the input at hand, and any
 * other that is already waiting, has been handled. So a link batches what is waiting and never waits for more.
 */
export function oncePerTurn(clock: Pick<Clock, "defer">, action: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    clock.defer(() => {
      asked = false;
      action();
    });
  };
}
