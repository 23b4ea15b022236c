import type { Clock } from "@rollcall/core";

/** The clock of a real process. Its timers keep the process alive until they are cancelled or have fired. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  // Immediates run once every input that was waiting has been read.
  defer: (action) => void setImmediate(action),
};
