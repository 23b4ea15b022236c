/**
 * Time and names for a registry in memory. What happens at once does so in microtasks and messages to oneself, which
 * no test runner's fake timers stop; what is to happen later is left to the timers there are, faked or not.
 */

import type { Clock, Random } from "@rollcall/core";

/** Runs `action` when everything that is to happen at once has happened. */
function afterEverything(action: () => void): { cancel(): void } {
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener("message", () => {
    port1.close();
    action();
  });
  port1.start();
  port2.postMessage(undefined);
  return { cancel: () => port1.close() };
}

/** Resolves when everything that is to happen at once has happened. */
export function everything(): Promise<void> {
  return new Promise((resolve) => void afterEverything(resolve));
}

export const memoryClock: Clock = {
  now: () => performance.now(),
  setTimer(delayMs, action) {
    if (delayMs === 0) return afterEverything(action);
    const timer = setTimeout(action, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  defer: (action) => queueMicrotask(action),
};

/** No chance: ids are numbered, and whoever looks for a server again does so at once. */
export function numbered(): Random {
  let last = 0;
  return { next: () => 0, id: () => `memory-${++last}` };
}
