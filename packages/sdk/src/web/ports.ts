/** Time and randomness of a browser. */

import type { Clock, Random } from "@rollcall/core";

export const webClock: Clock = {
  now: () => performance.now(),
  setTimer(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  // Not a timer: a page in the background is given those rarely.
  defer: (action) => queueMicrotask(action),
};

const ID_BYTES = 16;

export const webRandom: Random = {
  next: () => Math.random(),
  // Not `randomUUID`, which exists only on pages that came over TLS.
  id: () => Array.from(crypto.getRandomValues(new Uint8Array(ID_BYTES)), hexadecimal).join(""),
};

function hexadecimal(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
