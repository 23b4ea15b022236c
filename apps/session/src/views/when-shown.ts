import type { Clock, Shown } from "@rollcall/core";

import type { View } from "./view.ts";

/**
 * Waits, once, for what a view has to show: a list that was confirmed, or after `patienceMs` also one that was not.
 * Gives back what gives the waiting up.
 */
export function whenShown(view: View, clock: Clock, patienceMs: number, shown: (shown: Shown) => void): () => void {
  let isPatient = true;
  const look = (): void => {
    const present = view.shown;
    if (present === undefined || (isPatient && !present.confirmed)) return;
    stop();
    shown(present);
  };
  // Who asks once is no subscriber: nobody waits for it.
  const viewer = { viewChanged: look, hasBeenTold: () => true };
  const timer = clock.setTimer(patienceMs, () => {
    isPatient = false;
    look();
  });
  const stop = (): void => {
    timer.cancel();
    view.viewers.delete(viewer);
  };
  view.viewers.add(viewer);
  look();
  return stop;
}
