/** Time and randomness of a Node process. */

import { randomBytes } from "node:crypto";

import type { Clock, Random } from "@rollcall/core";

export const nodeClock: Clock = {
  now: () => performance.now(),
  setTimer(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  // Immediates run after the input that has already arrived.
  defer: (action) => void setImmediate(action),
};

const ID_BYTES = 16;

export const nodeRandom: Random = {
  next: () => Math.random(),
  id: () => randomBytes(ID_BYTES).toString("hex"),
};
