import type { Clock } from "./ports.ts";

/**
 * The same clock for parts of which there are very many, such as the connections of ten thousand clients: of what they
 * defer it runs at most `actionsMax` in one turn, in order, and the rest in the next turns. So a change that concerns
 * them all does not keep everybody else waiting until the last of them has been told.
 */
export function limitedTurns(clock: Clock, actionsMax: number): Clock {
  const waiting: (() => void)[] = [];
  const turn = (): void => {
    const actions = waiting.splice(0, actionsMax);
    // Before anything is run, so that an action that throws keeps none of the others from its turn.
    if (waiting.length > 0) clock.defer(turn);
    for (const action of actions) action();
  };
  return {
    now: () => clock.now(),
    setTimer: (delayMs, action) => clock.setTimer(delayMs, action),
    defer(action) {
      if (waiting.push(action) === 1) clock.defer(turn);
    },
  };
}
